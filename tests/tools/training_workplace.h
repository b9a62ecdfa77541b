#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "pisr/data/dead_leaves.h"
#include "pisr/image/image_io.h"
#include "tests/temporary_folder.h"
#include "tests/tools/run_program.h"

namespace pisr {

/// A run of a second or less.
inline constexpr const char* kConfig = R"({
  // a network and images as small as possible
  "network": {"d": 6, "s": 4, "m": 1},
  "data": {"built_in": {"count": 3, "validation_count": 1, "size": 40}},
  "train": {"phase": "baseline", "total_iter": 20, "batch_size": 3, "gt_size": 16,
            "save_checkpoint_freq": 5, "print_freq": 1},
  "val": {"val_freq": 10}, "threads": 2
})";

/// A folder with small.json and with folders of good, bad and no images.
class Workplace {
 public:
  Workplace() {
    std::ofstream(path() / "small.json") << kConfig;
    std::filesystem::create_directory(path() / "empty");
    std::filesystem::create_directory(path() / "tiny");
    std::filesystem::create_directory(path() / "garbled");
    std::filesystem::create_directory(path() / "photos");
    write_image(path() / "tiny" / "dot.png", Image8(1, 1, 3));
    write_image(path() / "photos" / "a.png", dead_leaves(1, 0, 40, 30));
    write_image(path() / "photos" / "b.png", dead_leaves(1, 1, 12, 40));
    std::ofstream(path() / "garbled" / "a.png") << "no image at all";
    std::filesystem::create_directory(path() / "used");
    std::ofstream(path() / "used" / "thesis.txt") << "x";
  }
  const std::filesystem::path& path() const { return folder_.path(); }
  ProgramRun run(const std::vector<std::string>& arguments) const {
    return run_program(path(), "pisr_train", arguments);
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace pisr
