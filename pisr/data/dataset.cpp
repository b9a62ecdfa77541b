#include "pisr/data/dataset.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <exception>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/parallel.h"
#include "core/printable.h"
#include "pisr/data/dead_leaves.h"
#include "pisr/image/image_io.h"
#include "pisr/image/imresize.h"

namespace pisr {
namespace {

using Path = std::filesystem::path;

constexpr const char* kFolder = "folder";
constexpr const char* kBenchmarkSet = "benchmark set";
constexpr int kLastTraining = 800;  // DIV2K's numbers
constexpr int kLastValidation = 810;

/// The layout of a folder and the files in it.
struct Source {
  struct Files {
    Path high;
    Path low;  // empty: LR is made
  };
  std::string layout;
  std::vector<Files> files;
};

bool is_folder(const Path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

std::string quoted(const Path& path) {
  return "'" + printable(path) + "'";
}

/// The number in the name of a DIV2K file; 0 for any other name.
int number_of(const Path& file) {
  const std::string name = file.stem().string();
  const bool digits =
      !name.empty() && name.size() < 8 &&
      std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  return digits ? std::stoi(name) : 0;
}

/// The name of the HR image that LR file belongs to: "0001" for "0001x2.png" and for "0001.png".
std::string high_name(const Path& low, int scale) {
  std::string name = low.stem().string();
  const std::string suffix = "x" + std::to_string(scale);
  if (name.size() > suffix.size() && name.ends_with(suffix)) {
    name.resize(name.size() - suffix.size());
  }
  return name;
}

/// Adds the images of `high_folder` that `wanted` accepts. Their LR images are in
/// `low_folder`/X{scale} where that exists, and then every image of either folder must have its
/// partner in the other.
template <class Wanted>
void add_pairs(Source& source, const Path& high_folder, const Path& low_folder, int scale,
               Wanted&& wanted) {
  const std::vector<Path> high_files = list_images(high_folder);
  const Path scaled = low_folder / ("X" + std::to_string(scale));
  if (!is_folder(scaled)) {
    for (const Path& high : high_files) {
      if (wanted(high)) source.files.push_back({high, {}});
    }
    return;
  }
  std::map<std::string, Path> low_of;
  for (const Path& low : list_images(scaled)) low_of.emplace(high_name(low, scale), low);
  std::set<std::string> high_names;
  for (const Path& high : high_files) {
    const std::string name = high.stem().string();
    high_names.insert(name);
    if (!wanted(high)) continue;
    const auto low = low_of.find(name);
    if (low == low_of.end()) {
      throw Error(ErrorKind::input,
                  message("HR image ", quoted(high), " has no LR image in ", quoted(scaled),
                          ": looked for '", name, "x", scale, "' and '", name, "'"),
                  "remove the folder of LR images and they are made from the HR images");
    }
    source.files.push_back({high, low->second});
  }
  for (const auto& [name, low] : low_of) {
    if (!high_names.contains(name)) {
      throw Error(ErrorKind::input, message("LR image ", quoted(low), " has no HR image '", name,
                                            "' in ", quoted(high_folder)));
    }
  }
}

Source div2k(const Path& root, const DatasetOptions& options) {
  const Path valid = root / "DIV2K_valid_HR";
  const bool official = is_folder(valid);
  const bool train = options.part == DataPart::train;
  Source source;
  source.layout = message(official ? "DIV2K (official), " : "DIV2K (as EDSR packs it), ",
                          train ? "0001-0800" : "0801-0810");
  const std::string stem = official && !train ? "DIV2K_valid" : "DIV2K_train";
  if (is_folder(root / (stem + "_HR"))) {
    add_pairs(source, root / (stem + "_HR"), root / (stem + "_LR_bicubic"), options.scale,
              [train](const Path& high) {
                const int number = number_of(high);
                return train ? number <= kLastTraining
                             : number > kLastTraining && number <= kLastValidation;
              });
  }
  if (source.files.empty()) {
    throw Error(ErrorKind::input, message("no images ", train ? "0001-0800" : "0801-0810",
                                          " of DIV2K in ", quoted(root / (stem + "_HR"))));
  }
  return source;
}

/// Whether there are images in a folder or, `depth` folders deep, below it.
bool holds_images(const Path& folder, int depth) {
  try {
    if (!list_images(folder).empty()) return true;
    const std::vector<Path> inner = list_folders(folder);
    return depth > 0 && std::any_of(inner.begin(), inner.end(), [depth](const Path& below) {
             return holds_images(below, depth - 1);
           });
  } catch (const Error&) {
    return false;  // It cannot be read.
  }
}

/// The sub-folders of a folder that hold images.
std::vector<Path> image_folders(const Path& folder) {
  constexpr int kDepth = 2;
  std::vector<Path> folders = list_folders(folder);
  std::erase_if(folders, [](const Path& inner) { return !holds_images(inner, kDepth); });
  return folders;
}

/// The images that lie beside those of a source, as warnings.
void warn_of_unread(const Path& folder, const Source& source, std::vector<std::string>& warnings) {
  constexpr std::size_t kNamed = 4;
  if (source.layout == kBenchmarkSet && !list_images(folder).empty()) {
    warnings.push_back(message(quoted(folder), ": its images beside the folder HR are not read"));
  }
  if (source.layout != kFolder) return;
  const std::vector<Path> unread = image_folders(folder);
  if (unread.empty()) return;
  std::string names;
  for (std::size_t i = 0; i < std::min(unread.size(), kNamed); ++i) {
    names += (i == 0 ? "" : ", ") + quoted(unread[i].filename());
  }
  if (unread.size() > kNamed) names += message(" and ", unread.size() - kNamed, " more");
  warnings.push_back(message(quoted(folder), ": the images of its sub-folders ", names,
                             " are not read; a sub-folder is read where it is named"));
}

[[noreturn]] void throw_no_images(const Path& folder) {
  std::string hint;
  const std::vector<Path> inner = image_folders(folder);
  if (!inner.empty()) {
    hint = "sub-folders are not searched; name one, e.g. " + quoted(inner.front());
  }
  std::string patterns;
  for (const std::string& extension : image_extensions()) {
    patterns += (patterns.empty() ? "*." : ", *.") + extension;
  }
  throw Error(
      ErrorKind::input,
      message("no images in ", quoted(folder), ": looked for DIV2K_train_HR, HR and ", patterns),
      hint);
}

Source find_images(const Path& path, const DatasetOptions& options) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    throw Error(ErrorKind::input, message("no such file or folder: ", quoted(path)));
  }
  if (!is_folder(path)) return {"image", {{path, {}}}};
  if (is_folder(path / "DIV2K_train_HR") || is_folder(path / "DIV2K_valid_HR")) {
    return div2k(path, options);
  }
  Source source;
  if (is_folder(path / "HR")) {
    source.layout = kBenchmarkSet;
    add_pairs(source, path / "HR", path / "LR_bicubic", options.scale,
              [](const Path&) { return true; });
  } else {
    source.layout = kFolder;
    for (const Path& file : list_images(path)) source.files.push_back({file, {}});
  }
  if (source.files.empty()) throw_no_images(path);
  return source;
}

/// The names of DatasetOptions::exclude, and how many images each left out.
class Exclusion {
 public:
  /// An entry that names no image of `sources` is taken for a list of names joined by commas.
  Exclusion(const std::vector<std::string>& entries, const std::vector<Source>& sources) {
    std::set<std::string> known;
    for (const Source& source : sources) {
      for (const Source::Files& image : source.files) {
        known.insert(printable(image.high.stem()));
        known.insert(printable(image.high.filename()));
      }
    }
    for (const std::string& entry : entries) {
      if (known.contains(entry)) {
        add(entry);
        continue;
      }
      std::istringstream parts(entry);
      for (std::string part; std::getline(parts, part, ',');) add(bare(part));
    }
  }

  bool leaves_out(const Path& image) {
    bool found = false;
    for (auto& [name, count] : counts_) {
      if (name == printable(image.stem()) || name == printable(image.filename())) {
        ++count;
        found = true;
      }
    }
    return found;
  }

  void report(Dataset& data) const {
    for (const auto& [name, count] : counts_) {
      if (count == 0) {
        data.warnings.push_back("excluded '" + name + "': no image has this name");
      } else {
        data.excluded.push_back(message(name, ": ", count, count == 1 ? " image" : " images"));
      }
    }
  }

 private:
  /// Without the folder, spaces, and the brackets and quotes of a list that is not JSON.
  static std::string bare(const std::string& text) {
    constexpr const char* kAround = " \t[]\"'";
    const std::size_t first = text.find_first_not_of(kAround);
    return first == std::string::npos
               ? ""
               : Path(text.substr(first, text.find_last_not_of(kAround) - first + 1))
                     .filename()
                     .string();
  }
  void add(const std::string& name) {
    const auto is_it = [&](const auto& known) { return known.first == name; };
    if (!name.empty() && std::none_of(counts_.begin(), counts_.end(), is_it)) {
      counts_.emplace_back(name, 0);
    }
  }

  std::vector<std::pair<std::string, int>> counts_;  ///< in the order of the entries
};

std::string size_of(const Image8& image) {
  return message(image.width, " x ", image.height);
}

const char* colour_of(const Image8& image) {
  return image.is_grey() ? "grey" : "RGB";
}

ImagePair read_pair(const Source::Files& files, const DatasetOptions& options) {
  const ReadOptions limits{options.max_pixels};
  ImagePair pair;
  pair.name = printable(files.high.stem());
  pair.file = files.high;
  pair.high = without_alpha(read_image8(files.high, limits));
  pair.file_width = pair.high.width;
  pair.file_height = pair.high.height;
  const int side = std::min(pair.high.width, pair.high.height);
  if (side < options.gt_size) {
    pair.high = {};  // left out by leave_out_small
    return pair;
  }
  if (side < options.scale) {
    throw Error(ErrorKind::input, message("image ", quoted(files.high), " is ", size_of(pair.high),
                                          ", smaller than the scale ", options.scale));
  }
  pair.high = crop_to_multiple(pair.high, options.scale);
  if (files.low.empty()) {
    pair.low = downscale(pair.high, options.scale);
    return pair;
  }
  pair.low = without_alpha(read_image8(files.low, limits));
  // The sides of the HR image are multiples of the scale.
  if (pair.low.width != pair.high.width / options.scale ||
      pair.low.height != pair.high.height / options.scale) {
    throw Error(
        ErrorKind::input,
        message("LR image ", quoted(files.low), " must be ", pair.high.width / options.scale, " x ",
                pair.high.height / options.scale, " at scale ", options.scale, " for HR image ",
                quoted(files.high), ", got ", size_of(pair.low)));
  }
  if (pair.low.channels != pair.high.channels) {
    throw Error(ErrorKind::input,
                message("LR image ", quoted(files.low), " is ", colour_of(pair.low),
                        ", its HR image ", quoted(files.high), " is ", colour_of(pair.high)));
  }
  return pair;
}

/// Leaves out the images that read_pair() found smaller than the patch; where there is no other,
/// that is an error.
void leave_out_small(Dataset& data, int gt_size) {
  const auto is_small = [](const ImagePair& pair) { return pair.high.samples.empty(); };
  if (std::all_of(data.images.begin(), data.images.end(), is_small)) {
    const ImagePair& first = data.images.front();
    throw Error(ErrorKind::input,
                message("training data: images must be at least ", gt_size, " x ", gt_size,
                        " (the HR patch), got ", data.images.size(), " smaller ones, ",
                        quoted(first.file), " being ", size_in_file(first)),
                "lower train.gt_size");
  }
  for (const ImagePair& pair : data.images) {
    if (is_small(pair)) {
      data.excluded.push_back(message(pair.name, " (", size_in_file(pair),
                                      ", smaller than the HR patch of ", gt_size, " x ", gt_size,
                                      ")"));
    }
  }
  std::erase_if(data.images, is_small);
}

/// Runs make(i) for every i in [0, count) on `pool`. Of several failures the one of the smallest i
/// is thrown, as in a loop; later ones may be left out.
template <class Make>
void for_each_in_parallel(ThreadPool& pool, std::size_t count, Make&& make) {
  std::atomic<std::size_t> first_failure{count};
  std::vector<std::exception_ptr> failures(count);
  pool.parallel_for(static_cast<std::int64_t>(count), [&](std::int64_t task, int) {
    const auto i = static_cast<std::size_t>(task);
    if (i > first_failure) return;
    try {
      make(i);
    } catch (...) {
      failures[i] = std::current_exception();
      std::size_t earlier = first_failure;
      while (i < earlier && !first_failure.compare_exchange_weak(earlier, i)) {
      }
    }
  });
  if (first_failure < count) std::rethrow_exception(failures[first_failure]);
}

void require_scale(int scale) {
  if (scale < 1)
    throw Error(ErrorKind::usage, message("data: the scale must be at least 1, got ", scale));
}

}  // namespace

std::string size_in_file(const ImagePair& pair) {
  return pair.file_width == 0 ? size_of(pair.high)
                              : message(pair.file_width, " x ", pair.file_height);
}

std::int64_t Dataset::bytes() const {
  std::int64_t sum = 0;
  for (const ImagePair& pair : images) {
    sum += static_cast<std::int64_t>(pair.high.samples.size() + pair.low.samples.size());
  }
  return sum;
}

std::int64_t Dataset::pixels() const {
  std::int64_t sum = 0;
  for (const ImagePair& pair : images) {
    sum += static_cast<std::int64_t>(pair.high.width) * pair.high.height;
  }
  return sum;
}

Dataset load_dataset(const std::vector<Path>& paths, const DatasetOptions& options) {
  require_scale(options.scale);
  if (paths.empty()) throw Error(ErrorKind::usage, "data: no folder of images given");

  Dataset data;
  data.scale = options.scale;
  std::vector<Source> sources;
  for (const Path& path : paths) sources.push_back(find_images(path, options));
  Exclusion exclusion(options.exclude, sources);
  std::vector<Source::Files> files;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const Path& path = paths[i];
    Source& source = sources[i];
    warn_of_unread(path, source, data.warnings);
    const std::size_t found = source.files.size();
    std::erase_if(source.files, [&](const Source::Files& candidate) {
      return exclusion.leaves_out(candidate.high);
    });
    if (source.files.empty()) {
      throw Error(ErrorKind::input,
                  message("all ", found, " images of ", quoted(path), " are excluded by name"));
    }
    data.sources.push_back(message(quoted(path), ": ", source.layout, ", ", source.files.size(),
                                   source.files.size() == 1 ? " image, LR " : " images, LR ",
                                   source.files.front().low.empty()
                                       ? "made by MATLAB bicubic"
                                       : "from " + quoted(source.files.front().low.parent_path())));
    std::move(source.files.begin(), source.files.end(), std::back_inserter(files));
  }
  exclusion.report(data);

  data.images.resize(files.size());
  ThreadPool pool(options.threads);
  for_each_in_parallel(pool, files.size(),
                       [&](std::size_t i) { data.images[i] = read_pair(files[i], options); });
  leave_out_small(data, options.gt_size);
  return data;
}

Dataset built_in_dataset(std::uint64_t seed, std::uint64_t first, int count, int size, int scale,
                         int threads) {
  require_scale(scale);
  if (count < 1) {
    throw Error(ErrorKind::usage,
                message("built-in images: the count must be at least 1, got ", count));
  }
  if (size % scale != 0) {
    throw Error(ErrorKind::usage,
                message("built-in images: the size must be a multiple of the scale ", scale,
                        ", got ", size));
  }
  Dataset data;
  data.scale = scale;
  data.sources.push_back(message(
      "built-in dead-leaves images ", first, "-", first + static_cast<std::uint64_t>(count) - 1,
      " of seed ", seed, ": ", count, " of ", size, " x ", size, ", LR made by MATLAB bicubic"));
  data.images.resize(static_cast<std::size_t>(count));
  ThreadPool pool(threads);
  for_each_in_parallel(pool, data.images.size(), [&](std::size_t i) {
    ImagePair& pair = data.images[i];
    pair.name = message("dead_leaves_", first + i);
    pair.file = pair.name;
    pair.high = dead_leaves(seed, first + i, size, size);
    pair.low = downscale(pair.high, scale);
  });
  return data;
}

}  // namespace pisr
