#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "core/parallel.h"
#include "pisr/image/png_filter.h"
#include "tests/catch.h"
#include "tests/pisr/image/decoded.h"
#include "tests/pisr/image/images.h"
#include "tests/pisr/image/png_file.h"

namespace pisr {
namespace {

TEST_CASE("PNG: the file does not depend on threads or portions of rows", "[threads]") {
  // Several pieces, also ones of a single row.
  for (const Image8& image : {gradient(700, 900, 3), gradient(90000, 5, 4)}) {
    const auto file = encode_rows({image}, "png", {}, {}, image.height);
    CHECK(same_pixels(decode_image(file, "test"), {image}));
    for (const int threads : {1, 2, 3, 8}) {
      ThreadPool pool(threads);
      for (const int portion : {1, 7, image.height}) {
        INFO(threads << " threads, " << portion << " rows at once");
        CHECK(encode_rows({image}, "png", {}, {.pool = &pool}, portion) == file);
      }
    }
  }
}

TEST_CASE("PNG: every level gives the same pixels, higher ones smaller files") {
  const Image8 smooth = gradient(300, 250, 3);
  const auto wide = noise<std::uint16_t>(61, 47, 4);
  std::vector<std::size_t> sizes;
  for (int level = 0; level <= 9; ++level) {
    INFO("level " << level);
    const auto file = encode_image(smooth, "png", {.png_level = level});
    CHECK(same_pixels(decode_image(file, "test"), {smooth}));
    CHECK(
        same_pixels(decode_image(encode_image(wide, "png", {.png_level = level}), "test"), {wide}));
    sizes.push_back(file.size());
  }
  CHECK(sizes[0] > smooth.samples.size());
  CHECK(sizes[1] < sizes[0] / 2);
  CHECK(sizes[6] < sizes[1]);
  CHECK(sizes[9] <= sizes[6]);
  for (const int level : {-1, 10}) {
    CHECK(error_of([&] { encode_image(smooth, "png", {.png_level = level}); }) ==
          message("usage: PNG level must be 0 to 9, got ", level));
  }
}

/// A row that is filtered, as the standard defines it; 0 where the picture ends.
std::vector<std::byte> naive_filter(int filter, std::span<const std::byte> row,
                                    std::span<const std::byte> above, std::size_t pixel) {
  std::vector<std::byte> result;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const int left = i < pixel ? 0 : std::to_integer<int>(row[i - pixel]);
    const int up = std::to_integer<int>(above[i]);
    const int corner = i < pixel ? 0 : std::to_integer<int>(above[i - pixel]);
    const int estimate = left + up - corner;
    const int distances[] = {std::abs(estimate - left), std::abs(estimate - up),
                             std::abs(estimate - corner)};
    const int nearest = static_cast<int>(std::min_element(distances, distances + 3) - distances);
    const int predictions[] = {0, left, up, (left + up) / 2,
                               nearest == 0   ? left
                               : nearest == 1 ? up
                                              : corner};
    result.push_back(
        static_cast<std::byte>((std::to_integer<int>(row[i]) - predictions[filter]) & 0xff));
  }
  return result;
}

int naive_cost(const std::vector<std::byte>& filtered) {
  int sum = 0;
  for (const std::byte byte : filtered) {
    sum += std::abs(static_cast<int>(static_cast<std::int8_t>(byte)));
  }
  return sum;
}

TEST_CASE("PNG: the filter of a row is the one with the smallest sum") {
  std::array<int, 5> chosen{};
  for (const std::size_t pixel : {1, 2, 3, 4, 6, 8}) {
    for (const std::size_t pixels : {1, 2, 5, 16, 37}) {
      for (unsigned seed = 0; seed < 40; ++seed) {
        const std::size_t size = pixel * pixels;
        Image8 rows = noise<std::uint8_t>(static_cast<int>(size), 2, 1, seed);
        // Rows that each filter fits: noise, then as the row above, or as its left, and so on.
        for (std::size_t i = 0; i < size; ++i) {
          const int left = i < pixel ? 0 : rows.samples[size + i - pixel];
          const int up = rows.samples[i];
          const int corner = i < pixel ? 0 : rows.samples[i - pixel];
          const int values[] = {static_cast<int>(i % 3), left, up, (left + up) / 2,
                                left + up - corner};
          rows.samples[size + i] = static_cast<std::uint8_t>(values[seed % 5] + seed % 2);
        }
        const auto bytes = std::as_bytes(std::span(rows.samples));
        std::vector<std::byte> to(size + 1);
        std::vector<std::byte> scratch(size);
        filter_png_row(bytes.subspan(size), bytes.first(size), pixel, to, scratch);
        const int filter = std::to_integer<int>(to[0]);
        REQUIRE(filter < 5);
        ++chosen[static_cast<std::size_t>(filter)];
        const auto expected = naive_filter(filter, bytes.subspan(size), bytes.first(size), pixel);
        REQUIRE(std::equal(expected.begin(), expected.end(), to.begin() + 1));
        for (int other = 0; other < 5; ++other) {
          REQUIRE(naive_cost(expected) <=
                  naive_cost(naive_filter(other, bytes.subspan(size), bytes.first(size), pixel)));
        }
      }
    }
  }
  for (const int count : chosen) {
    CHECK(count > 20);
  }
}

TEST_CASE("PNG: metadata are written in the order of the standard, and read again") {
  ImageMetadata metadata;
  metadata.exif = bytes_of_text(std::string("II*\0\10\0\0\0\0\0\0\0", 12));
  metadata.gamma = 0.45455;
  metadata.chromaticities = {0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06};
  metadata.rendering_intent = 2;
  metadata.density = PixelDensity{2835, 2835.4, true};
  const AnyImage image = {gradient(7, 5, 3)};
  const auto names = [](const std::vector<std::byte>& bytes) {
    std::string list;
    for (const PngFile::Chunk& chunk : PngFile(bytes).chunks) {
      list += chunk.name + " ";
    }
    return list;
  };
  auto file = encode_rows(image, "png", metadata);
  CHECK(names(file) == "IHDR cHRM gAMA sRGB pHYs eXIf IDAT IDAT IEND ");
  Decoded read = decode(file);
  CHECK(read.warnings.empty());
  CHECK(same_pixels(read.image, image));
  CHECK(read.metadata.exif == metadata.exif);
  CHECK(read.metadata.gamma == metadata.gamma);
  CHECK(read.metadata.chromaticities == metadata.chromaticities);
  CHECK(read.metadata.rendering_intent == 2);
  REQUIRE(read.metadata.density);
  CHECK(read.metadata.density->x == 2835);
  CHECK(read.metadata.density->y == 2835);
  CHECK(read.metadata.density->per_metre);

  metadata.icc = make_profile(3000);
  file = encode_rows(image, "png", metadata);
  CHECK(names(file) == "IHDR cHRM gAMA iCCP pHYs eXIf IDAT IDAT IEND ");
  read = decode(file);
  CHECK(read.metadata.icc == metadata.icc);
  CHECK(!read.metadata.rendering_intent);
}

TEST_CASE("PNG: what the format cannot hold of numbers is left out") {
  const AnyImage image = {gradient(7, 5, 1)};
  ImageMetadata metadata;
  metadata.gamma = 1e9;
  metadata.chromaticities = {-1, 0, 0, 0, 0, 0, 0, 0};
  for (const PixelDensity density :
       {PixelDensity{0.1, 5, true}, PixelDensity{1e20, 1, true}, PixelDensity{-3, 1, false}}) {
    metadata.density = density;
    const Decoded read = decode(encode_rows(image, "png", metadata));
    CHECK(read.warnings.empty());
    CHECK(!read.metadata.gamma);
    CHECK(!read.metadata.chromaticities);
    CHECK(!read.metadata.density);
  }
  // A ratio need not be one of whole numbers.
  metadata.density = PixelDensity{1.5, 1, false};
  const Decoded read = decode(encode_rows(image, "png", metadata));
  REQUIRE(read.metadata.density);
  CHECK(read.metadata.density->x == 1500);
  CHECK(read.metadata.density->y == 1000);
  CHECK(!read.metadata.density->per_metre);
}

TEST_CASE("PNG: an error of the sink reaches the caller") {
  class FullSink : public ByteSink {
   public:
    void write(std::span<const std::byte> bytes) override {
      size_ += bytes.size();
      if (size_ > 100) throw Error(ErrorKind::output, "full");
    }

   private:
    std::size_t size_ = 0;
  };
  FullSink sink;
  const Image8 image = noise<std::uint8_t>(50, 50, 3);
  const auto writer = create_image(sink, {50, 50, 3, SampleType::u8, {}}, "png");
  CHECK(error_of([&] {
          writer->write_rows(std::as_bytes(std::span(image.samples)));
          writer->finish();
        }) == "output: full");
}

}  // namespace
}  // namespace pisr
