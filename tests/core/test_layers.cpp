#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "tests/catch.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

/// A folder of sources and the rooms it may include beside itself. A room in the list brings all
/// rooms that it may include itself, so the arrows below are those that a reader has to know.
struct Room {
  const char* folder;
  std::vector<const char*> may_include;
};

/// tools -> pisr -> nn -> core -> kernels, and within pisr/
/// report -> train -> eval -> inference -> model, with data and image below.
const std::vector<Room>& rooms() {
  static const std::vector<Room> kRooms = {
      {"kernels", {}},
      {"kernels/naive", {"kernels"}},
      {"kernels/cpu", {"kernels"}},
      {"kernels/cpu/conv", {"kernels/cpu"}},
      {"kernels/eigen", {"kernels"}},
      {"kernels/emulator/machine", {"kernels"}},
      {"kernels/cuda", {"kernels/emulator/machine"}},
      {"kernels/cuda/conv", {"kernels/cuda"}},
      {"kernels/cuda/fsrcnn", {"kernels/cuda/conv"}},
      {"kernels/cuda/cudnn", {"kernels"}},
      {"kernels/cuda/runtime", {"kernels/cuda/fsrcnn", "kernels/cuda/cudnn"}},
      {"kernels/emulator", {"kernels/cuda/runtime"}},
      {"kernels/no_cuda", {"kernels"}},
      {"core", {"kernels"}},
      {"core/tbb", {"core"}},
      {"core/plain_threads", {"core"}},
      {"core/job", {"core"}},
      {"core/mpi", {"core/job"}},
      {"core/no_mpi", {"core/job"}},
      {"nn", {"core"}},
      {"pisr/image", {"core"}},
      {"pisr/video", {"pisr/image"}},
      {"pisr/data", {"pisr/image"}},
      {"pisr/model", {"nn"}},
      {"pisr/export", {"pisr/model"}},
      {"pisr/inference", {"pisr/model", "pisr/video"}},
      {"pisr/library", {"pisr/inference"}},
      {"pisr/eval", {"pisr/inference", "pisr/data"}},
      {"pisr/train", {"pisr/eval"}},
      {"pisr/report", {"pisr/train"}},
      {"tools", {"pisr/report", "pisr/export", "core/job"}},
      {"tools/python", {"pisr/library"}},
  };
  return kRooms;
}

bool is_room(const std::string& folder) {
  return std::ranges::any_of(rooms(), [&](const Room& room) { return folder == room.folder; });
}

/// `folder` and all that it may include, directly or through another room.
std::set<std::string> reachable(const std::string& folder) {
  std::set<std::string> seen = {folder};
  std::vector<std::string> open = {folder};
  while (!open.empty()) {
    const std::string from = open.back();
    open.pop_back();
    for (const Room& room : rooms()) {
      if (from != room.folder) continue;
      for (const char* to : room.may_include) {
        if (seen.insert(to).second) open.emplace_back(to);
      }
    }
  }
  return seen;
}

// `text` without the spaces at its front.
std::string_view trimmed(std::string_view text) {
  return text.substr(std::min(text.size(), text.find_first_not_of(" \t")));
}

// What an #include line names, with the delimiter in front: "core/tensor.h or <vector. Empty for
// another line.
std::string_view include_of(std::string_view line) {
  line = trimmed(line);
  if (!line.starts_with('#')) return {};
  line = trimmed(line.substr(1));
  if (!line.starts_with("include")) return {};
  line = trimmed(line.substr(7));
  return line.substr(0, line.find_first_of("\">", 1));
}

// Whether the first folder of an included path stands in our source tree, or the path is relative.
bool is_ours(const std::string& path) {
  return path.starts_with('.') ||
         fs::is_directory(fs::path(PISR_SOURCE_DIR) / path.substr(0, path.find('/')));
}

// The includes that a file in `folder` may not have: of a room that is not reachable, or not
// written from the top.
std::vector<std::string> wrong_includes(const std::string& folder, const std::string& text) {
  const std::set<std::string> allowed = reachable(folder);
  std::vector<std::string> wrong;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::string_view include = include_of(line);
    if (include.empty()) continue;
    const std::string path(include.substr(1));
    if (include.starts_with("<pisr/") && folder == "tools/python") continue;  // as installed
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) {
      if (include[0] == '"') wrong.push_back(line);
    } else if (is_ours(path) && !allowed.contains(path.substr(0, slash))) {
      wrong.push_back(line);
    }
  }
  return wrong;
}

bool is_source(const fs::path& path) {
  static const std::set<std::string> kExtensions = {".h", ".cpp", ".cu", ".cuh", ".def"};
  return kExtensions.contains(path.extension().string());
}

}  // namespace

TEST_CASE("an include that points back is found", "[layers]") {
  const auto wrong = [](const char* folder, const char* text) {
    return wrong_includes(folder, text).size();
  };
  CHECK(wrong("core", "#include \"kernels/args.h\"\n#include <vector>\n") == 0);
  CHECK(wrong("core", "#include \"core/tensor.h\"\n") == 0);
  CHECK(wrong("core", "#include <oneapi/tbb/blocked_range.h>\n") == 0);
  CHECK(wrong("kernels", "#include \"hwy/highway.h\"\n") == 0);
  CHECK(wrong("tools", "#include \"tests/catch.h\"\n") == 1);
  CHECK(wrong("tools", "#include \"pisr/image/image.h\"\n") == 0);
  CHECK(wrong("core", "#include \"nn/module.h\"\n") == 1);
  CHECK(wrong("core", "#include \"kernels/cpu/dispatch.h\"\n") == 1);
  CHECK(wrong("kernels", "x\n  #  include <core/tensor.h>\n") == 1);
  CHECK(wrong("pisr/train", "#include \"tools/main.h\"\n#include \"tests/catch.h\"\n") == 2);
  CHECK(wrong("core", "#include \"tensor.h\"\n") == 1);
  CHECK(wrong("nn", "#include \"../pisr/image/image.h\"\n") == 1);
  CHECK(wrong("pisr/image", "#include \"pisr/data/dataset.h\"\n") == 1);
  CHECK(wrong("pisr/model", "#include \"pisr/image/image.h\"\n") == 1);
  CHECK(wrong("pisr/model", "#include \"nn/layers.h\"\n#include \"core/tensor.h\"\n") == 0);
  CHECK(wrong("pisr/eval", "#include \"pisr/train/config.h\"\n") == 1);
  CHECK(wrong("pisr/report", "#include \"pisr/eval/evaluate.h\"\n") == 0);
}

TEST_CASE("no include points back: the rooms and their arrows", "[layers]") {
  std::map<std::string, int> files;
  for (const char* const layer : {"kernels", "core", "nn", "pisr", "tools"}) {
    const fs::path top = fs::path(PISR_SOURCE_DIR);
    for (const auto& item : fs::recursive_directory_iterator(top / layer)) {
      if (!is_source(item.path())) continue;
      const std::string folder = fs::relative(item.path().parent_path(), top).generic_string();
      std::ifstream file(item.path());
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      CAPTURE(item.path().string());
      CHECK(is_room(folder));
      for (const std::string& include : wrong_includes(folder, text)) FAIL_CHECK(include);
      ++files[folder];
    }
  }
  for (const Room& room : rooms()) {
    CAPTURE(room.folder);
    CHECK(files[room.folder] > 0);
    for (const char* const target : room.may_include) CHECK(is_room(target));
  }
}

}  // namespace pisr
