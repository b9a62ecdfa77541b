#pragma once

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "nn/init.h"
#include "pisr/data/dead_leaves.h"
#include "pisr/image/image_io.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/weights.h"
#include "tests/temporary_folder.h"
#include "tests/tools/run_program.h"

namespace pisr {

/// A folder with weights m.safetensors of a small network for x2.
class UpscaleWorkplace {
 public:
  UpscaleWorkplace() {
    Fsrcnn network({.feature_channels = 4, .shrink_channels = 2, .mapping_layers = 1});
    initialise(network, 3);
    save_weights(path() / "m.safetensors", network);
  }
  const std::filesystem::path& path() const { return folder_.path(); }

  void image(const std::string& name, int number = 0, int width = 17, int height = 13) const {
    std::filesystem::create_directories((path() / name).parent_path());
    write_image(path() / name, dead_leaves(1, number, width, height));
  }
  void text(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((path() / name).parent_path());
    std::ofstream(path() / name, std::ios::binary) << content;
  }
  std::string content(const std::string& name) const { return read_whole(path() / name); }

  /// Runs pisr_upscale with the weights.
  ProgramRun run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"-m", "m.safetensors", "-g", "cpu"});
    return run_program(path(), "pisr_upscale", arguments);
  }
  /// Runs a script of the shell, in which $UPSCALE is the program with the weights.
  ProgramRun script(const std::string& text) const {
    std::ofstream(path() / "script.sh") << text;
    std::signal(SIGPIPE, SIG_DFL);
    const ProgramRun run =
        run_command(path(), "UPSCALE='" PISR_PROGRAMS "/pisr_upscale -m m.safetensors -g cpu'",
                    "/bin/sh", {"script.sh"});
    std::filesystem::remove(path() / "script.sh");
    return run;
  }

  /// All files and folders below `folder`, sorted.
  std::vector<std::string> files(const std::string& folder = "") const {
    std::vector<std::string> names;
    const std::filesystem::path top = path() / folder;
    if (std::filesystem::exists(top)) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(top)) {
        names.push_back(entry.path().lexically_relative(top).string());
      }
    }
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace pisr
