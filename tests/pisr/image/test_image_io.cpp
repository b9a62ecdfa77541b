#include <algorithm>
#include <csignal>
#include <fstream>
#include <iterator>

#include <png.h>
#include <sys/resource.h>

#include "pisr/image/image_io.h"
#include "pisr/image/luma.h"
#include "tests/catch.h"
#include "tests/pisr/image/decoded.h"
#include "tests/pisr/image/encoded_images.h"
#include "tests/pisr/image/images.h"
#include "tests/shared_data.h"
#include "tests/temporary_folder.h"

namespace pisr {
namespace {

Image8 decode8(const std::vector<std::byte>& file) {
  return std::get<Image8>(decode_image(file, "test").pixels);
}

std::string decode_error(const std::vector<std::byte>& file, const ReadOptions& limits = {}) {
  return error_of([&] { decode_image(file, "test", limits); });
}

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST_CASE("16 bits are rounded to 8 where asked") {
  Image16 wide(6, 1, 1);
  wide.samples = {0, 128, 129, 257, 65406, 65535};
  const TemporaryFolder folder;
  write_image(folder.path() / "a.png", wide);
  CHECK(read_image8(folder.path() / "a.png").samples ==
        std::vector<std::uint8_t>{0, 0, 1, 1, 254, 255});
}

TEST_CASE("BMP: grey, RGB and alpha, there and back") {
  for (const int channels : {1, 3, 4}) {
    for (const int width : {1, 2, 3, 4, 9}) {
      INFO(channels << " channels, width " << width);
      const auto image = noise<std::uint8_t>(width, 6, channels);
      CHECK(largest_difference(decode8(encode_image(image, "bmp")), image) == 0);
    }
  }
}

TEST_CASE("BMP: rows from the top, and four bytes a pixel without alpha") {
  const Image8 image = noise<std::uint8_t>(4, 2, 3);
  std::vector<std::byte> file = encode_image(image, "bmp");
  // A negative height: the first row comes first.
  for (int i = 0; i < 4; ++i) {
    file[22 + i] = static_cast<std::byte>(-2 >> (8 * i) & 0xff);
  }
  std::swap_ranges(file.begin() + 54, file.begin() + 54 + 12, file.begin() + 54 + 12);
  CHECK(largest_difference(decode8(file), image) == 0);

  std::vector<std::byte> wide = encode_image(image, "bmp");
  wide.resize(54);
  wide[28] = std::byte{32};
  for (int y = 1; y >= 0; --y) {
    for (int x = 0; x < 4; ++x) {
      for (const int c : {2, 1, 0}) {
        wide.push_back(std::byte(image.at(x, y, c)));
      }
      wide.push_back(std::byte{0});
    }
  }
  CHECK(largest_difference(decode8(wide), image) == 0);
}

/// A BMP of one row of pixels, with the palette and the samples given.
std::vector<std::byte> bmp_with_palette(int width, int bits, int header,
                                        const std::vector<int>& palette,
                                        const std::vector<int>& row) {
  std::vector<std::byte> file;
  const auto put = [&](std::int64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) file.push_back(static_cast<std::byte>(value >> (8 * i)));
  };
  const int start = 14 + header + static_cast<int>(palette.size());
  put('B' | 'M' << 8, 2);
  put(start + 4, 4);
  put(0, 4);
  put(start, 4);
  put(header, 4);
  put(width, header == 12 ? 2 : 4);
  put(1, header == 12 ? 2 : 4);
  put(1, 2);
  put(bits, 2);
  file.resize(14 + header);
  for (const int byte : palette) put(byte, 1);
  for (const int byte : row) put(byte, 1);
  file.resize(start + 4);
  return file;
}

TEST_CASE("BMP: the colours of a palette, and an index beyond it") {
  struct Row {
    int bits;
    std::vector<int> row;     // of pixels 0 1 1
    std::vector<int> beyond;  // of pixels 0 1 and one that is too large
    std::string what;
  };
  for (const int header : {12, 40}) {
    for (const int colours : {1, 2}) {
      std::vector<int> palette;
      for (int i = 0; i < colours; ++i) {
        palette.insert(palette.end(), {10 + i, 20 + i, 30 + i});
        if (header == 40) palette.push_back(0);
      }
      for (const Row& row : {Row{1, {0x60}, {}, ""}, Row{4, {0x01, 0x10}, {0x01, 0x20}, "2"},
                             Row{8, {0, 1, 1}, {0, 1, 255}, "255"}}) {
        INFO(header << "-byte header, " << row.bits << " bits, " << colours << " colours");
        const auto good = bmp_with_palette(3, row.bits, header, palette, row.row);
        if (colours == 2) {
          const Image8 image = decode8(good);
          REQUIRE(image.channels == 3);
          CHECK(image.samples == std::vector<std::uint8_t>{30, 20, 10, 31, 21, 11, 31, 21, 11});
        } else {
          CHECK(decode_error(good) ==
                "input: cannot decode 'test': BMP with a pixel of colour 1, its palette has 1");
        }
        if (colours == 2 && !row.beyond.empty()) {
          CHECK(decode_error(bmp_with_palette(3, row.bits, header, palette, row.beyond)) ==
                "input: cannot decode 'test': BMP with a pixel of colour " + row.what +
                    ", its palette has 2");
        }
      }
    }
  }
  if (const auto path = shared_data("cases/index_beyond_palette.bmp")) {
    CHECK_THROWS_WITH(read_image8(*path), Catch::Contains("its palette has 10"));
  }
}

TEST_CASE("folders: what begins with a dot is passed over") {
  const TemporaryFolder folder;
  for (const char* name : {"a.png", ".b.png", "._a.png"}) {
    std::ofstream(folder.path() / name) << "x";
  }
  std::filesystem::create_directory(folder.path() / "inner");
  std::filesystem::create_directory(folder.path() / ".git");
  using Paths = std::vector<std::filesystem::path>;
  CHECK(list_images(folder.path()) == Paths{folder.path() / "a.png"});
  CHECK(list_folders(folder.path()) == Paths{folder.path() / "inner"});
  CHECK_THROWS_AS(list_folders(folder.path() / "none"), Error);
}

TEST_CASE("a limit of the enlarged image tells the image's own size") {
  const Image8 image = gradient(10, 6, 3);
  for (const char* format : {"png", "jpeg", "bmp"}) {
    const std::vector<std::byte> file = encode_image(image, format);
    CHECK(decode_error(file, {540, 3}) == "none");
    CHECK(decode_error(file, {539, 3}) ==
          "memory: cannot decode 'test': 10x6 enlarged to 30x18 exceeds the limit of 539 pixels");
  }
}

TEST_CASE("the content decides what a file is, its name what is written") {
  const TemporaryFolder folder;
  const Image8 image = gradient(12, 9, 3);
  for (const std::string extension : {".png", ".bmp", ".PNG", ".jpg", ".JPEG"}) {
    const std::filesystem::path path = folder.path() / ("image" + extension);
    write_image(path, image);
    CHECK(has_image_extension(path));
    const std::filesystem::path renamed = folder.path() / "renamed.png";
    std::filesystem::copy_file(path, renamed, std::filesystem::copy_options::overwrite_existing);
    CHECK(largest_difference(read_image8(renamed), image) <= 12);
    CHECK((read_bytes(path)[0] == std::byte{0x89}) == (extension == ".png" || extension == ".PNG"));
  }
  CHECK(list_images(folder.path()).size() == 6);
  CHECK(!has_image_extension("image.txt"));
  CHECK(!has_image_extension("png"));
}

TEST_CASE("what cannot be read: one line says why") {
  const TemporaryFolder folder;
  const std::string root = folder.path().string();
  CHECK(error_of([&] { read_image(root + "/x.png"); }) ==
        "input: cannot read '" + root + "/x.png': no such file");
  CHECK(error_of([&] { read_image(root); }) == "input: cannot read '" + root + "': is a folder");
  CHECK(error_of([&] { list_images(root + "/none"); }) ==
        "input: cannot read the folder '" + root + "/none': No such file or directory");
  write_bytes(folder.path() / "empty.png", {});
  CHECK(error_of([&] { read_image8(root + "/empty.png"); }) ==
        "input: cannot decode '" + root + "/empty.png': empty file");
  CHECK(decode_error({}) == "input: cannot decode 'test': empty file");
  for (const std::string text : {"x", "P0 1 1 255 x", "\x89PN", "\xff\xd8", "GIF89a......"}) {
    CHECK_THAT(decode_error(bytes_of(text)),
               Catch::StartsWith("input: cannot decode 'test': not an image (PNG, JPEG, "));
  }
  CHECK(decode_error(bytes_of("BM")) == "input: cannot decode 'test': truncated");
}

TEST_CASE("a file that ends early is an error, unless all its pixels are there") {
  const Image8 image = gradient(20, 12, 3);
  struct Row {
    std::vector<std::byte> file;
    int read;  ///< beginnings that hold all pixels
  };
  // PNG: from the checksum of the samples on. BMP: none, its pixels come last.
  constexpr int kPngTail = 4 + 18 + 12;
  const Row rows[] = {{encode_image(image, "png"), kPngTail},
                      {encode_image(noise<std::uint16_t>(5, 5, 4), "png"), kPngTail},
                      {encode_image(image, "bmp"), 0},
                      {encode_image(gradient(20, 12, 4), "bmp"), 0}};
  for (const Row& row : rows) {
    const int read = check_beginnings(row.file, 8);
    CHECK((row.read == 0 ? read == 0 : read >= row.read));
    CHECK(read <= 2 * row.read);
  }
}

/// A PNG file of one grey 8 bit pixel whose header declares another size, checksum corrected.
std::vector<std::byte> png_declaring(std::uint32_t width, std::uint32_t height) {
  PngKind kind;
  kind.colour_type = PNG_COLOR_TYPE_GRAY;
  std::vector<std::byte> file = make_png(kind, 1, 1, {0});
  for (int i = 0; i < 4; ++i) {
    file[16 + i] = static_cast<std::byte>(width >> (24 - 8 * i));
    file[20 + i] = static_cast<std::byte>(height >> (24 - 8 * i));
  }
  correct_png_checksums(file);
  return file;
}

/// The most memory this process has held, in MiB.
double peak_memory() {
  rusage usage{};
  REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

TEST_CASE("declared sizes are checked before memory is taken") {
  const double before = peak_memory();
  CHECK(decode_error(png_declaring(100000, 100000)) ==
        "memory: cannot decode 'test': 100000x100000 exceeds the limit of 268435456 pixels");
  CHECK(decode_error(png_declaring(0x7fffffff, 0x7fffffff)) ==
        "memory: cannot decode 'test': 2147483647x2147483647 exceeds the limit of 268435456 "
        "pixels");
  // Within the limit, but more than so few bytes can hold.
  CHECK(decode_error(png_declaring(16384, 16384)) == "input: cannot decode 'test': truncated");
  CHECK(decode_error(png_declaring(0, 5)).substr(0, 29) == "input: cannot decode 'test': ");

  std::vector<std::byte> jpeg = encode_image(gradient(8, 8, 3), "jpeg");
  const std::vector<std::byte> marker = {std::byte{0xff}, std::byte{0xc0}};
  const auto frame = std::search(jpeg.begin(), jpeg.end(), marker.begin(), marker.end());
  REQUIRE(frame != jpeg.end());
  frame[5] = frame[7] = std::byte{0x3f};  // 16136 x 16136
  CHECK(decode_error(jpeg) == "input: cannot decode 'test': truncated");
  frame[5] = frame[7] = std::byte{0xff};
  CHECK(decode_error(jpeg) ==
        "memory: cannot decode 'test': 65288x65288 exceeds the limit of 268435456 pixels");

  std::vector<std::byte> bmp = encode_image(gradient(8, 8, 3), "bmp");
  bmp[20] = bmp[21] = std::byte{0x7f};
  CHECK(decode_error(bmp) ==
        "memory: cannot decode 'test': 2139029512x8 exceeds the limit of 268435456 pixels");
  bmp[20] = std::byte{0x01};
  bmp[21] = std::byte{0};
  CHECK(decode_error(bmp) == "input: cannot decode 'test': truncated");

  CHECK(peak_memory() - before < 64);  // any of these pictures would take more

  const Image8 image = gradient(10, 10, 3);
  for (const std::vector<std::byte>& file :
       {encode_image(image, "png"), encode_image(image, "jpeg"), encode_image(image, "bmp")}) {
    CHECK(decode_error(file, {100}) == "none");
    CHECK(decode_error(file, {99}) ==
          "memory: cannot decode 'test': 10x10 exceeds the limit of 99 pixels");
  }
}

TEST_CASE("what cannot be written: an error, the old file, and no temporary one") {
  const TemporaryFolder folder;
  const std::string root = folder.path().string();
  const Image8 image = gradient(64, 64, 3);
  CHECK(error_of([&] { write_image(root + "/none/a.png", image); }).substr(0, 8) == "output: ");
  CHECK(error_of([&] { write_image(root + "/a.gif", image); }) ==
        "usage: cannot write '" + root + "/a.gif': unknown image format");
  CHECK(error_of([&] { write_image(root + "/a.jpg", Image8(2, 2, 4)); }) ==
        "usage: cannot write '" + root + "/a.jpg': JPEG cannot hold an alpha channel");
  CHECK(error_of([&] { write_image(root + "/a.bmp", Image16(2, 2, 3)); }) ==
        "usage: cannot write '" + root + "/a.bmp': BMP cannot hold 16 bits a sample");
  CHECK(error_of([&] { write_image(root + "/a.bmp", Image8(2, 2, 2)); }) ==
        "usage: cannot write '" + root + "/a.bmp': BMP cannot hold grey with an alpha channel");
  CHECK(error_of([&] { write_image(root + "/a.jpg", image, {0}); }) ==
        "usage: cannot write '" + root + "/a.jpg': JPEG quality must be 1 to 100, got 0");
  CHECK(error_of([&] { write_image(root + "/a.png", Image8()); }).substr(0, 7) == "usage: ");
  CHECK(error_of([&] { write_image(root + "/a.jpg", Image8(70000, 1, 3)); }).substr(0, 8) ==
        "output: ");
  CHECK(files_in(folder.path()) == 0);

  std::filesystem::create_directory(folder.path() / "folder.png");
  CHECK(error_of([&] { write_image(root + "/folder.png", image); }).substr(0, 8) == "output: ");
  CHECK(files_in(folder.path()) == 1);

  // A full disk, as a limit on the size of a file shows it.
  const Image8 old = noise<std::uint8_t>(4, 4, 1);
  write_image(root + "/a.png", old);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small = {200, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string error = error_of([&] { write_image(root + "/a.png", image); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(error.substr(0, 8) == "output: ");
  CHECK(largest_difference(read_image8(root + "/a.png"), old) == 0);
  CHECK(files_in(folder.path()) == 2);
}

}  // namespace
}  // namespace pisr
