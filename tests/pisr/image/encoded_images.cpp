#include "tests/pisr/image/encoded_images.h"

#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>
#include <png.h>

namespace pisr {
std::vector<std::byte> make_png(const PngKind& kind, int width, int height,
                                const std::vector<std::uint8_t>& rows) {
  std::vector<std::byte> file;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &file,
      [](png_structp writer, png_bytep from, std::size_t count) {
        auto* to = static_cast<std::vector<std::byte>*>(png_get_io_ptr(writer));
        const auto* bytes = reinterpret_cast<const std::byte*>(from);
        to->insert(to->end(), bytes, bytes + count);
      },
      nullptr);
  png_set_IHDR(png, info, width, height, kind.bit_depth, kind.colour_type,
               kind.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!kind.palette.empty()) {
    std::vector<png_color> colours;
    for (std::size_t i = 0; i < kind.palette.size(); i += 3) {
      colours.push_back({kind.palette[i], kind.palette[i + 1], kind.palette[i + 2]});
    }
    png_set_PLTE(png, info, colours.data(), static_cast<int>(colours.size()));
  }
  if (!kind.alpha.empty()) {
    png_set_tRNS(png, info, kind.alpha.data(), static_cast<int>(kind.alpha.size()), nullptr);
  }
  if (kind.transparent_grey >= 0) {
    png_color_16 colour{};
    colour.gray = static_cast<png_uint_16>(kind.transparent_grey);
    png_set_tRNS(png, info, nullptr, 0, &colour);
  }
  png_write_info(png, info);
  std::vector<png_bytep> pointers(height);
  for (int y = 0; y < height; ++y) {
    pointers[y] = const_cast<png_bytep>(&rows[rows.size() / height * y]);
  }
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return file;
}

std::vector<std::byte> make_jpeg(const JpegKind& kind, int width, int height,
                                 const std::vector<std::uint8_t>& samples) {
  static constexpr J_COLOR_SPACE kFrom[] = {JCS_GRAYSCALE, JCS_RGB, JCS_RGB, JCS_CMYK, JCS_CMYK};
  static constexpr J_COLOR_SPACE kStored[] = {JCS_GRAYSCALE, JCS_YCbCr, JCS_RGB, JCS_CMYK,
                                              JCS_YCCK};
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &buffer, &size);
  jpeg.image_width = width;
  jpeg.image_height = height;
  jpeg.input_components = static_cast<int>(samples.size()) / width / height;
  jpeg.in_color_space = kFrom[static_cast<int>(kind.colour)];
  jpeg_set_defaults(&jpeg);
  jpeg_set_colorspace(&jpeg, kStored[static_cast<int>(kind.colour)]);
  jpeg_set_quality(&jpeg, kind.quality, TRUE);
  jpeg.comp_info[0].h_samp_factor = kind.across;
  jpeg.comp_info[0].v_samp_factor = kind.down;
  jpeg.arith_code = kind.arithmetic ? TRUE : FALSE;
  jpeg.restart_in_rows = kind.restart_rows;
  std::vector<jpeg_scan_info> scans;
  if (kind.progressive) {
    jpeg_simple_progression(&jpeg);
  } else if (kind.scan_for_each) {
    for (int i = 0; i < jpeg.num_components; ++i) {
      scans.push_back({1, {i, 0, 0, 0}, 0, 63, 0, 0});
    }
    jpeg.scan_info = scans.data();
    jpeg.num_scans = jpeg.num_components;
  }
  jpeg_start_compress(&jpeg, TRUE);
  for (int y = 0; y < height; ++y) {
    auto* row = const_cast<JSAMPROW>(&samples[samples.size() / height * y]);
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  const auto* bytes = reinterpret_cast<const std::byte*>(buffer);
  std::vector<std::byte> file(bytes, bytes + size);
  std::free(buffer);
  return file;
}

void correct_png_checksums(std::vector<std::byte>& file) {
  constexpr std::size_t kSignature = 8;
  if (file.size() < kSignature || file[1] != std::byte{'P'}) {
    return;
  }
  const auto number_at = [&file](std::size_t at) {
    std::size_t value = 0;
    for (int i = 0; i < 4; ++i) {
      value = value << 8 | std::to_integer<std::size_t>(file[at + i]);
    }
    return value;
  };
  std::size_t at = kSignature;  // each chunk: length, name, content, checksum of the last two
  while (file.size() - at >= 12 && number_at(at) <= file.size() - at - 12) {
    const std::size_t end = at + 8 + number_at(at);
    std::uint32_t sum = 0xffffffff;
    for (std::size_t i = at + 4; i < end; ++i) {
      sum ^= std::to_integer<std::uint32_t>(file[i]);
      for (int bit = 0; bit < 8; ++bit) {
        sum = sum >> 1 ^ ((sum & 1) != 0 ? 0xedb88320 : 0);
      }
    }
    for (int i = 0; i < 4; ++i) {
      file[end + i] = static_cast<std::byte>(~sum >> (24 - 8 * i) & 0xff);
    }
    at = end + 4;
  }
}

}  // namespace pisr
