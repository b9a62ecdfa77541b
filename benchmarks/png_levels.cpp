// What PNG costs at each level: CPU seconds and size of one large picture. For comparison libpng,
// and filtered rows compressed by zlib's fast ways. The picture is a mosaic of the images given,
// enlarged twice by bicubic interpolation. usage: png_levels IMAGE...

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#include <png.h>
#include <zlib.h>

#include "pisr/image/image_io.h"
#include "pisr/image/imresize.h"
#include "pisr/image/png_filter.h"

namespace {

constexpr int kWidth = 4000;
constexpr int kHeight = 3000;
constexpr int kScale = 2;

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Fills rows of images from the left, again and again; where a row is lower than its highest
/// image, black shows.
pisr::Image8 mosaic(const std::vector<pisr::Image8>& images) {
  pisr::Image8 whole(kWidth, kHeight, 3);
  int x = 0;
  int y = 0;
  int highest = 0;
  for (std::size_t next = 0; y < kHeight; ++next) {
    const pisr::Image8& image = images[next % images.size()];
    const int columns = std::min(image.width, kWidth - x);
    const int rows = std::min(image.height, kHeight - y);
    for (int row = 0; row < rows; ++row) {
      std::copy_n(image.row(row), 3 * columns, &whole.at(x, y + row));
    }
    highest = std::max(highest, image.height);
    x += columns;
    if (x == kWidth) {
      y += highest;
      x = highest = 0;
    }
  }
  return whole;
}

std::size_t encode_by_libpng(const pisr::Image8& image, int level) {
  std::size_t size = 0;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &size,
      [](png_structp writer, png_bytep, std::size_t count) {
        *static_cast<std::size_t*>(png_get_io_ptr(writer)) += count;
      },
      [](png_structp) {});
  png_set_compression_level(png, level);
  png_set_IHDR(png, info, static_cast<png_uint_32>(image.width),
               static_cast<png_uint_32>(image.height), 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (int y = 0; y < image.height; ++y) {
    png_write_row(png, image.row(y));
  }
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return size;
}

/// Filtered rows in pieces, as the library makes them.
std::size_t encode_by_zlib(const pisr::Image8& image, int strategy) {
  const std::size_t row = std::size_t{3} * image.width;
  constexpr std::size_t kPiece = std::size_t{256} << 10;
  const std::size_t rows = kPiece / (row + 1);
  const std::vector<std::byte> zeros(row);
  std::vector<std::byte> scratch(row);
  std::vector<std::byte> filtered(rows * (row + 1));
  std::vector<std::byte> out(2 * kPiece);
  const auto bytes = std::as_bytes(std::span(image.samples));
  std::size_t size = 0;
  for (std::size_t first = 0; first < static_cast<std::size_t>(image.height); first += rows) {
    const std::size_t count = std::min(rows, static_cast<std::size_t>(image.height) - first);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t y = first + i;
      pisr::filter_png_row(
          bytes.subspan(y * row, row),
          y == 0 ? std::span<const std::byte>(zeros) : bytes.subspan((y - 1) * row, row), 3,
          std::span(filtered).subspan(i * (row + 1), row + 1), scratch);
    }
    z_stream stream{};
    deflateInit2(&stream, 1, Z_DEFLATED, -15, 8, strategy);
    stream.next_in = reinterpret_cast<Bytef*>(filtered.data());
    stream.avail_in = static_cast<uInt>(count * (row + 1));
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_SYNC_FLUSH);
    size += stream.total_out;
    deflateEnd(&stream);
  }
  return size;
}

/// The fastest of three times, and one where it takes long.
template <class Encode>
void measure(const char* what, int level, Encode&& encode) {
  double least = 0;
  std::size_t size = 0;
  for (int i = 0; i < 3 && least < 2; ++i) {
    const double start = cpu_seconds();
    size = encode();
    const double seconds = cpu_seconds() - start;
    least = i == 0 ? seconds : std::min(least, seconds);
  }
  std::printf("| %s | %d | %.2f | %.1f |\n", what, level, least, static_cast<double>(size) / 1e6);
  std::fflush(stdout);
}

void run(int count, char** paths) {
  std::vector<pisr::Image8> images;
  for (int i = 0; i < count; ++i) {
    pisr::Image8 image = pisr::read_image8(paths[i]);
    if (image.channels == 3) {
      images.push_back(std::move(image));
    }
  }
  if (images.empty()) {
    std::fprintf(stderr, "usage: png_levels IMAGE...   (RGB, 8 bits)\n");
    return;
  }
  const pisr::Image8 picture = pisr::upscale(mosaic(images), kScale);
  std::printf("%dx%d RGB, %.1f MB of samples, one thread\n\n", picture.width, picture.height,
              static_cast<double>(picture.samples.size()) / 1e6);
  std::printf("| encoder | level | CPU seconds | MB |\n|---|---|---|---|\n");
  for (int level = 0; level <= 9; ++level) {
    measure("pisr", level,
            [&] { return pisr::encode_image(picture, "png", {.png_level = level}).size(); });
  }
  for (const int level : {1, 6}) {
    measure("libpng", level, [&] { return encode_by_libpng(picture, level); });
  }
  measure("zlib", 1, [&] { return encode_by_zlib(picture, Z_DEFAULT_STRATEGY); });
  measure("zlib, runs only", 1, [&] { return encode_by_zlib(picture, Z_RLE); });
  measure("zlib, Huffman only", 1, [&] { return encode_by_zlib(picture, Z_HUFFMAN_ONLY); });
}

}  // namespace

int main(int count, char** arguments) {
  try {
    run(count - 1, arguments + 1);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "png_levels: error: %s\n", error.what());
    return 1;
  }
  return 0;
}
