#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "pisr/data/dataset.h"
#include "pisr/data/sampler.h"
#include "pisr/image/image_io.h"
#include "pisr/image/imresize.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"

namespace pisr {
namespace {

using Path = std::filesystem::path;

/// A picture that differs for every `number`.
Image8 picture(int width, int height, int channels, int number) {
  Image8 image(width, height, channels);
  for (std::size_t i = 0; i < image.samples.size(); ++i) {
    image.samples[i] =
        static_cast<std::uint8_t>((i * i / 7 + i * 5 + std::size_t{31} * number) % 256);
  }
  return image;
}

void save(const Path& path, const Image8& image) {
  std::filesystem::create_directories(path.parent_path());
  write_image(path, image);
}

void save_text(const Path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::vector<std::string> names(const Dataset& data) {
  std::vector<std::string> result;
  for (const ImagePair& pair : data.images) result.push_back(pair.name);
  return result;
}

using Names = std::vector<std::string>;

DatasetOptions with_scale(int scale) {
  DatasetOptions options;
  options.scale = scale;
  options.threads = 2;
  return options;
}

std::string number_name(int number) {
  char text[16];
  std::snprintf(text, sizeof text, "%04d", number);
  return text;
}

TEST_CASE("data: a folder, sorted by name, cropped, LR made; sub-folders left alone",
          "[data][threads]") {
  const TemporaryFolder folder;
  save(folder.path() / "b.png", picture(13, 11, 3, 1));
  save(folder.path() / "a.bmp", picture(12, 9, 1, 2));
  save(folder.path() / "c.PNG", picture(16, 10, 4, 3));
  save(folder.path() / "d.png", picture(7, 8, 2, 4));
  save(folder.path() / "inner" / "e.png", picture(16, 10, 3, 5));
  save_text(folder.path() / "readme.txt", "not an image");
  const Dataset data = load_dataset({folder.path()}, with_scale(3));
  CHECK(data.scale == 3);
  CHECK(names(data) == Names{"a", "b", "c", "d"});
  CHECK(data.images[1].file == folder.path() / "b.png");
  CHECK(data.images[1].high.width == 12);
  CHECK(data.images[1].high.height == 9);
  CHECK(data.images[1].high.samples == crop_to_multiple(picture(13, 11, 3, 1), 3).samples);
  CHECK(data.images[1].low.samples == downscale(data.images[1].high, 3).samples);
  CHECK(data.images[1].low.width == 4);
  CHECK(data.images[0].high.channels == 1);
  CHECK(data.images[2].high.channels == 3);
  CHECK(data.images[2].high.at(5, 2, 1) == picture(16, 10, 4, 3).at(5, 2, 1));
  CHECK(data.images[3].high.channels == 1);
  CHECK(data.images[3].high.at(5, 2) == picture(7, 8, 2, 4).at(5, 2));
  CHECK(data.pixels() == 12 * 9 + 12 * 9 + 15 * 9 + 6 * 6);
  CHECK(data.bytes() ==
        12 * 9 + 3 * 12 * 9 + 3 * 15 * 9 + 6 * 6 + 4 * 3 + 3 * 4 * 3 + 3 * 5 * 3 + 2 * 2);
  CHECK(data.sources ==
        Names{"'" + folder.path().string() + "': folder, 4 images, LR made by MATLAB bicubic"});
}

TEST_CASE("data: hidden files are no images, in any layout", "[data]") {
  const TemporaryFolder folder;
  const Path set = folder.path() / "Set5";
  const Path div2k = folder.path() / "DIV2K";
  save(folder.path() / "plain" / "a.png", picture(8, 8, 3, 1));
  save_text(folder.path() / "plain" / "._a.png", "what macOS knows of a.png");
  save(set / "HR" / "a.png", picture(8, 8, 3, 1));
  save_text(set / "HR" / "._a.png", "");
  save(set / "LR_bicubic" / "X2" / "ax2.png", picture(4, 4, 3, 1));
  save_text(set / "LR_bicubic" / "X2" / "._ax2.png", "");
  save(div2k / "DIV2K_train_HR" / "0001.png", picture(8, 8, 3, 1));
  save_text(div2k / "DIV2K_train_HR" / "._0001.png", "");
  for (const Path& path : {folder.path() / "plain", set, div2k}) {
    INFO(path);
    CHECK(load_dataset({path}, with_scale(2)).images.size() == 1);
  }
  save_text(folder.path() / "hidden" / ".a.png", "");
  CHECK(contains(thrown([&] { load_dataset({folder.path() / "hidden"}, with_scale(2)); }).what(),
                 "no images in"));
}

TEST_CASE("data: images that lie beside those that are read are a warning", "[data]") {
  const TemporaryFolder folder;
  const Path photos = folder.path() / "photos";
  save(photos / "a.png", picture(8, 8, 3, 1));
  save_text(photos / "notes" / "readme.txt", "");
  save(photos / ".cache" / "b.png", picture(8, 8, 3, 1));
  CHECK(load_dataset({photos}, with_scale(2)).warnings.empty());
  save(photos / "x" / "deep" / "c.png", picture(8, 8, 3, 1));
  save(photos / "y" / "HR" / "d.png", picture(8, 8, 3, 1));
  const Dataset data = load_dataset({photos}, with_scale(2));
  CHECK(names(data) == Names{"a"});
  CHECK(data.warnings ==
        Names{"'" + photos.string() +
              "': the images of its sub-folders 'x', 'y' are not read; a sub-folder "
              "is read where it is named"});
  for (const char* name : {"p", "q", "r"}) save(photos / name / "e.png", picture(8, 8, 3, 1));
  CHECK(contains(load_dataset({photos}, with_scale(2)).warnings.at(0), "'r', 'x' and 1 more are"));

  const Path set = folder.path() / "Set5";
  save(set / "HR" / "a.png", picture(8, 8, 3, 1));
  save(set / "LR_bicubic" / "X3" / "ax3.png", picture(2, 2, 3, 1));
  CHECK(load_dataset({set}, with_scale(2)).warnings.empty());
  save(set / "cover.png", picture(8, 8, 3, 1));
  CHECK(load_dataset({set}, with_scale(2)).warnings ==
        Names{"'" + set.string() + "': its images beside the folder HR are not read"});
}

TEST_CASE("data: images smaller than the patch are left out, by their own sizes", "[data]") {
  const TemporaryFolder folder;
  save(folder.path() / "dot.png", picture(1, 1, 3, 1));
  save(folder.path() / "odd.png", picture(17, 9, 3, 2));
  DatasetOptions options = with_scale(2);
  options.gt_size = 12;
  const Error none = thrown([&] { load_dataset({folder.path()}, options); });
  CHECK(none.kind() == ErrorKind::input);
  CHECK(contains(none.what(), "must be at least 12 x 12 (the HR patch), got 2 smaller ones, '" +
                                  (folder.path() / "dot.png").string() + "' being 1 x 1"));
  save(folder.path() / "good.png", picture(13, 12, 3, 3));
  const Dataset data = load_dataset({folder.path()}, options);
  CHECK(names(data) == Names{"good"});
  CHECK(size_in_file(data.images[0]) == "13 x 12");
  CHECK(data.images[0].high.width == 12);
  CHECK(data.excluded == Names{"dot (1 x 1, smaller than the HR patch of 12 x 12)",
                               "odd (17 x 9, smaller than the HR patch of 12 x 12)"});
  // Where the sampler is the one that refuses.
  options.gt_size = 0;
  save(folder.path() / "dot.png", picture(3, 3, 3, 1));
  const Dataset all = load_dataset({folder.path()}, options);
  CHECK(contains(thrown([&] { const BatchSampler sampler(all, 0, 12); }).what(),
                 "is 3 x 3, smaller"));
}

TEST_CASE("data: names are printable, files are found by their bytes", "[data]") {
  const TemporaryFolder folder;
  const Path path = folder.path() / "caf\xE9";
  save(path / "a\xFF.png", picture(8, 8, 3, 1));
  save(path / "b.png", picture(8, 8, 3, 1));
  DatasetOptions options = with_scale(2);
  const Dataset data = load_dataset({path}, options);
  CHECK(names(data) == Names{"a\\xff", "b"});
  CHECK(data.images[0].file == path / "a\xFF.png");
  CHECK(contains(data.sources[0], "caf\\xe9'"));
  options.exclude = {"a\\xff"};
  CHECK(names(load_dataset({path}, options)) == Names{"b"});
}

TEST_CASE("data: several folders and a file, in the order given, some names left out", "[data]") {
  const TemporaryFolder folder;
  save(folder.path() / "two" / "z.png", picture(8, 8, 3, 1));
  save(folder.path() / "two" / "302003.png", picture(8, 8, 3, 2));
  save(folder.path() / "one" / "y.png", picture(8, 8, 3, 3));
  save(folder.path() / "x.png", picture(8, 8, 3, 4));
  DatasetOptions options = with_scale(2);
  options.exclude = {"302003", "absent"};
  const Dataset data = load_dataset(
      {folder.path() / "two", folder.path() / "one", folder.path() / "x.png"}, options);
  CHECK(names(data) == Names{"z", "y", "x"});
  CHECK(data.excluded == Names{"302003: 1 image"});
  CHECK(data.sources.size() == 3);
  CHECK(contains(data.sources[2], "x.png': image, 1 image, LR made"));

  options.exclude = {"y"};
  const Error all = thrown([&] { load_dataset({folder.path() / "one"}, options); });
  CHECK(all.kind() == ErrorKind::input);
  CHECK(contains(all.what(), "all 1 images of '" + (folder.path() / "one").string()));
}

TEST_CASE("data: a benchmark set reads its LR images, or makes them", "[data]") {
  const TemporaryFolder folder;
  const Path set = folder.path() / "Set5";
  save(set / "HR" / "baby.png", picture(13, 12, 3, 1));
  save(set / "HR" / "bird.png", picture(12, 12, 3, 2));
  save(set / "LR_bicubic" / "X2" / "babyx2.png", picture(6, 6, 3, 3));
  save(set / "LR_bicubic" / "X2" / "bird.png", picture(6, 6, 3, 4));
  const Dataset read = load_dataset({set}, with_scale(2));
  CHECK(names(read) == Names{"baby", "bird"});
  CHECK(read.images[0].low.samples == picture(6, 6, 3, 3).samples);
  CHECK(read.images[1].low.samples == picture(6, 6, 3, 4).samples);
  CHECK(read.sources == Names{"'" + set.string() + "': benchmark set, 2 images, LR from '" +
                              (set / "LR_bicubic" / "X2").string() + "'"});
  const Dataset made = load_dataset({set}, with_scale(3));
  CHECK(made.images[0].low.samples == downscale(made.images[0].high, 3).samples);
  CHECK(contains(made.sources[0], "benchmark set, 2 images, LR made by MATLAB bicubic"));
}

TEST_CASE("data: DIV2K, official and as EDSR packs it", "[data]") {
  const TemporaryFolder folder;
  const Path official = folder.path() / "official";
  const Path packed = folder.path() / "packed";
  for (const int number : {1, 800}) {
    save(official / "DIV2K_train_HR" / (number_name(number) + ".png"), picture(8, 8, 3, number));
    save(official / "DIV2K_train_LR_bicubic" / "X2" / (number_name(number) + "x2.png"),
         picture(4, 4, 3, number));
  }
  for (const int number : {801, 810, 811, 900}) {
    save(official / "DIV2K_valid_HR" / (number_name(number) + ".png"), picture(8, 8, 3, number));
  }
  for (const int number : {1, 800, 801, 810, 811}) {
    save(packed / "DIV2K_train_HR" / (number_name(number) + ".png"), picture(8, 8, 3, number));
    save(packed / "DIV2K_train_LR_bicubic" / "X2" / (number_name(number) + "x2.png"),
         picture(4, 4, 3, number));
  }
  DatasetOptions train = with_scale(2);
  DatasetOptions validation = with_scale(2);
  validation.part = DataPart::validation;

  const Dataset official_train = load_dataset({official}, train);
  CHECK(names(official_train) == Names{"0001", "0800"});
  CHECK(official_train.images[1].low.samples == picture(4, 4, 3, 800).samples);
  CHECK(contains(official_train.sources[0], "DIV2K (official), 0001-0800, 2 images, LR from"));
  const Dataset official_validation = load_dataset({official}, validation);
  CHECK(names(official_validation) == Names{"0801", "0810"});
  CHECK(contains(official_validation.sources[0],
                 "DIV2K (official), 0801-0810, 2 images, LR made by MATLAB bicubic"));

  CHECK(names(load_dataset({packed}, train)) == Names{"0001", "0800"});
  const Dataset packed_validation = load_dataset({packed}, validation);
  CHECK(names(packed_validation) == Names{"0801", "0810"});
  CHECK(packed_validation.images[0].low.samples == picture(4, 4, 3, 801).samples);
  CHECK(contains(packed_validation.sources[0], "DIV2K (as EDSR packs it), 0801-0810"));

  for (const int number : {801, 810, 811}) {
    std::filesystem::remove(packed / "DIV2K_train_HR" / (number_name(number) + ".png"));
    std::filesystem::remove(packed / "DIV2K_train_LR_bicubic" / "X2" /
                            (number_name(number) + "x2.png"));
  }
  const Error none = thrown([&] { load_dataset({packed}, validation); });
  CHECK(none.kind() == ErrorKind::input);
  CHECK(contains(none.what(),
                 "no images 0801-0810 of DIV2K in '" + (packed / "DIV2K_train_HR").string() + "'"));
}

TEST_CASE("data: nothing to read is an error at once, which says what was looked for", "[data]") {
  const TemporaryFolder folder;
  const DatasetOptions options = with_scale(2);
  const Error empty = thrown([&] { load_dataset({folder.path()}, options); });
  CHECK(empty.kind() == ErrorKind::input);
  CHECK(contains(empty.what(), "no images in '" + folder.path().string() +
                                   "': looked for DIV2K_train_HR, HR and *.png, *.jpg, *.jpeg, "));
  for (const std::string& extension : image_extensions()) {
    CHECK(contains(empty.what(), "*." + extension));
  }
  CHECK(empty.hint().empty());

  save(folder.path() / "Set5" / "HR" / "baby.png", picture(8, 8, 3, 1));
  const Error parent = thrown([&] { load_dataset({folder.path()}, options); });
  CHECK(parent.kind() == ErrorKind::input);
  CHECK(contains(parent.hint(), (folder.path() / "Set5").string()));

  const Error absent = thrown([&] { load_dataset({folder.path() / "absent"}, options); });
  CHECK(absent.kind() == ErrorKind::input);
  CHECK(contains(absent.what(), "absent'"));
  CHECK(thrown([&] { load_dataset({}, options); }).kind() == ErrorKind::usage);
  CHECK(thrown([&] { load_dataset({folder.path() / "Set5"}, with_scale(0)); }).kind() ==
        ErrorKind::usage);
}

TEST_CASE("data: HR and LR that do not belong together", "[data]") {
  const TemporaryFolder folder;
  const Path high = folder.path() / "HR";
  const Path low = folder.path() / "LR_bicubic" / "X2";
  save(high / "a.png", picture(13, 12, 3, 1));
  save(high / "b.png", picture(12, 12, 3, 2));
  save(low / "ax2.png", picture(6, 6, 3, 3));
  const DatasetOptions options = with_scale(2);
  const auto failure = [&] { return thrown([&] { load_dataset({folder.path()}, options); }); };

  const Error no_low = failure();
  CHECK(no_low.kind() == ErrorKind::input);
  CHECK(contains(no_low.what(), "HR image '" + (high / "b.png").string() +
                                    "' has no LR image in '" + low.string() + "'"));

  save(low / "bx2.png", picture(6, 6, 3, 4));
  CHECK(load_dataset({folder.path()}, options).images.size() == 2);
  save(low / "cx2.png", picture(6, 6, 3, 4));
  const Error no_high = failure();
  CHECK(no_high.kind() == ErrorKind::input);
  CHECK(contains(no_high.what(), "LR image '" + (low / "cx2.png").string() +
                                     "' has no HR image 'c' in '" + high.string() + "'"));
  std::filesystem::remove(low / "cx2.png");

  save(low / "ax2.png", picture(7, 6, 3, 3));
  const Error size = failure();
  CHECK(size.kind() == ErrorKind::input);
  CHECK(std::string(size.what()) == "LR image '" + (low / "ax2.png").string() +
                                        "' must be 6 x 6 at scale 2 for HR image '" +
                                        (high / "a.png").string() + "', got 7 x 6");

  save(low / "ax2.png", picture(6, 5, 3, 3));
  CHECK(contains(failure().what(), "got 6 x 5"));

  save(low / "ax2.png", picture(6, 6, 1, 3));
  const Error colour = failure();
  CHECK(colour.kind() == ErrorKind::input);
  CHECK(contains(colour.what(), (low / "ax2.png").string() + "' is grey"));
  CHECK(contains(colour.what(), (high / "a.png").string() + "' is RGB"));
}

TEST_CASE("data: a file that cannot be used is named, the first one in order", "[data][threads]") {
  const TemporaryFolder folder;
  for (int number = 0; number < 12; ++number) {
    save(folder.path() / (number_name(number) + ".png"), picture(8, 8, 3, number));
  }
  DatasetOptions options = with_scale(2);
  options.threads = 4;
  const auto failure = [&] { return thrown([&] { load_dataset({folder.path()}, options); }); };
  save_text(folder.path() / "0009.png", "this is no image");
  save_text(folder.path() / "0004.png", "this is no image");
  for (int repeat = 0; repeat < 10; ++repeat) {
    const Error broken = failure();
    CHECK(broken.kind() == ErrorKind::input);
    CHECK(contains(broken.what(), "0004.png"));
  }
  save(folder.path() / "0004.png", picture(1, 1, 3, 0));
  const Error tiny = failure();
  CHECK(tiny.kind() == ErrorKind::input);
  CHECK(contains(tiny.what(), "0004.png' is 1 x 1, smaller than the scale 2"));
  save(folder.path() / "0004.png", picture(20, 10, 3, 0));
  options.max_pixels = 100;
  const Error large = failure();
  CHECK(large.kind() == ErrorKind::memory);
  CHECK(contains(large.what(), "0004.png"));
}

TEST_CASE("data: built-in images, the same for any number of threads", "[data][threads]") {
  const Dataset one = built_in_dataset(5, 10, 3, 24, 3, 1);
  const Dataset two = built_in_dataset(5, 11, 2, 24, 3, 2);
  CHECK(one.scale == 3);
  CHECK(names(one) == Names{"dead_leaves_10", "dead_leaves_11", "dead_leaves_12"});
  CHECK(one.images[0].high.width == 24);
  CHECK(one.images[0].low.height == 8);
  CHECK(one.images[0].low.samples == downscale(one.images[0].high, 3).samples);
  CHECK(one.images[1].high.samples == two.images[0].high.samples);
  CHECK(one.images[2].high.samples == two.images[1].high.samples);
  CHECK(one.images[1].high.samples != one.images[2].high.samples);
  CHECK(one.sources == Names{"built-in dead-leaves images 10-12 of seed 5: 3 of 24 x 24, LR made "
                             "by MATLAB bicubic"});

  CHECK(thrown([] { built_in_dataset(5, 0, 0, 24, 3); }).kind() == ErrorKind::usage);
  CHECK(thrown([] { built_in_dataset(5, 0, 2, 25, 3); }).kind() == ErrorKind::usage);
  CHECK(thrown([] { built_in_dataset(5, 0, 2, 0, 3); }).kind() == ErrorKind::usage);
  CHECK(thrown([] { built_in_dataset(5, 0, 2, 24, 0); }).kind() == ErrorKind::usage);
}

}  // namespace
}  // namespace pisr
