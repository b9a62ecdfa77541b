#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "pisr/image/codec.h"
#include "pisr/image/tiff_file.h"

namespace pisr {
namespace {

/// How the samples lie in the file.
struct Layout {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint16_t bits = 1;     ///< of a sample: 1, 2, 4, 8, 16 or 32
  std::uint16_t samples = 1;  ///< of a pixel
  std::uint16_t format = SAMPLEFORMAT_UINT;
  std::uint16_t photometric = PHOTOMETRIC_MINISBLACK;
  std::uint16_t compression = COMPRESSION_NONE;
  bool planes = false;  ///< the samples of a pixel lie apart
  bool tiled = false;
  int colours = 1;  ///< samples of a pixel but for alpha and others
  int alpha = -1;   ///< which of the samples it is; -1: none
  bool premultiplied = false;
};

Layout layout_of(TIFF* tiff, const std::string& name) {
  Layout layout;
  std::uint16_t planar = PLANARCONFIG_CONTIG;
  if (TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &layout.photometric) == 0) {
    fail_to_decode(name, "TIFF that does not tell what its samples mean");
  }
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &layout.width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &layout.height);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &layout.bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &layout.samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &layout.format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &layout.compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
  layout.planes = planar == PLANARCONFIG_SEPARATE && layout.samples > 1;
  layout.tiled = TIFFIsTiled(tiff) != 0;
  return layout;
}

void check_samples(const Layout& layout, const std::string& name) {
  const bool real = layout.format == SAMPLEFORMAT_IEEEFP;
  const bool whole = layout.format == SAMPLEFORMAT_UINT || layout.format == SAMPLEFORMAT_VOID;
  const int bits = layout.bits;
  if (!(whole && (bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16)) &&
      !(real && bits == 32)) {
    fail_to_decode(name, message("TIFF with samples of ", bits, " bits in ",
                                 real    ? "floating point"
                                 : whole ? "unsigned numbers"
                                         : "numbers of another kind"));
  }
  const bool palette = layout.photometric == PHOTOMETRIC_PALETTE;
  const bool grey =
      layout.photometric == PHOTOMETRIC_MINISBLACK || layout.photometric == PHOTOMETRIC_MINISWHITE;
  if ((bits < 8 && (layout.samples > 1 || !(grey || palette))) ||
      ((palette || layout.photometric == PHOTOMETRIC_SEPARATED) && (bits > 8 || real))) {
    fail_to_decode(name, message("TIFF with ", layout.samples, " samples of ", bits,
                                 " bits of photometric interpretation ", layout.photometric));
  }
}

void choose_channels(TIFF* tiff, Layout& layout, const std::string& name) {
  switch (layout.photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_PALETTE:
      layout.colours = 1;
      break;
    case PHOTOMETRIC_RGB:
      layout.colours = 3;
      break;
    case PHOTOMETRIC_SEPARATED:
      layout.colours = 4;
      break;
    case PHOTOMETRIC_YCBCR:
      layout.colours = 3;
      if (layout.compression == COMPRESSION_JPEG && !layout.planes && layout.samples == 3) {
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        break;
      }
      [[fallthrough]];
    default:
      fail_to_decode(name, message("TIFF with ", layout.samples,
                                   " samples of photometric interpretation ", layout.photometric));
  }
  if (layout.samples < layout.colours) {
    fail_to_decode(name, message("TIFF with ", layout.samples, " samples a pixel in place of ",
                                 layout.colours));
  }
  std::uint16_t count = 0;
  const std::uint16_t* kinds = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds) == 0) {
    // Not told: one more sample than colours is alpha, as other readers take it.
    layout.alpha = layout.samples == layout.colours + 1 ? layout.colours : -1;
  } else {
    for (int i = count - 1; i >= 0; --i) {
      const int sample = layout.samples - count + i;
      if ((kinds[i] == EXTRASAMPLE_ASSOCALPHA || kinds[i] == EXTRASAMPLE_UNASSALPHA) &&
          sample >= layout.colours) {
        layout.alpha = sample;
        layout.premultiplied = kinds[i] == EXTRASAMPLE_ASSOCALPHA;
      }
    }
  }
  if (layout.photometric == PHOTOMETRIC_SEPARATED) {
    layout.alpha = -1;
  }
}

/// A file declares a size at will. Beyond this, a row or a row of tiles must be a likely one.
void check_size(std::uint64_t bytes, std::int64_t file, const std::string& name) {
  constexpr std::uint64_t kAlways = 1 << 26;
  constexpr std::uint64_t kMostCompressed = 4096;
  if (bytes > kAlways && bytes / kMostCompressed > static_cast<std::uint64_t>(file)) {
    fail_to_decode(name, "truncated");
  }
}

/// The rows of one plane, or of all samples together, as they are in the file but decompressed.
class TiffRows {
 public:
  TiffRows(const ByteSource& source, const std::string& name, const Layout& layout, int plane)
      : file_(source, name), layout_(layout), plane_(plane) {
    TIFF* const tiff = file_.get();
    if (layout.photometric == PHOTOMETRIC_YCBCR) {
      TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    }
    // Of these libtiff decodes what it can and warns.
    if (layout.compression == COMPRESSION_JPEG || layout.compression == COMPRESSION_CCITTRLE ||
        layout.compression == COMPRESSION_CCITTRLEW ||
        layout.compression == COMPRESSION_CCITTFAX3 ||
        layout.compression == COMPRESSION_CCITTFAX4) {
      file_.warnings_are_damage();
    }
    const std::uint64_t samples = layout.planes ? 1 : layout.samples;
    row_bytes_ = (layout.width * samples * layout.bits + 7) / 8;
    check_size(row_bytes_, source.size(), name);
    if (!layout.tiled) {
      file_.check_read(TIFFScanlineSize64(tiff) == row_bytes_);
      return;
    }
    std::uint32_t tile_width = 0;
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tile_height_);
    const std::uint64_t tile = TIFFTileSize64(tiff);
    tile_row_bytes_ = TIFFTileRowSize64(tiff);
    file_.check_read(tile_width > 0 && tile_height_ > 0 && tile > 0 && tile_row_bytes_ > 0 &&
                     tile_width * samples * layout.bits % 8 == 0 &&
                     tile_row_bytes_ == tile_width * samples * layout.bits / 8 &&
                     tile == tile_row_bytes_ * tile_height_);
    across_ = (std::uint64_t{layout.width} + tile_width - 1) / tile_width;
    check_size(tile, source.size(), name);
    check_size(tile * across_, source.size(), name);
    tiles_.resize(tile * across_);
  }

  std::size_t row_bytes() const { return row_bytes_; }

  /// Rows in order.
  void read(std::uint32_t y, std::byte* row) {
    const auto sample = static_cast<std::uint16_t>(plane_);
    if (!layout_.tiled) {
      file_.check_read(TIFFReadScanline(file_.get(), row, y, sample) == 1);
      return;
    }
    const std::size_t tile = tiles_.size() / across_;
    if (y % tile_height_ == 0) {
      const std::uint32_t first = TIFFComputeTile(file_.get(), 0, y, 0, sample);
      for (std::size_t i = 0; i < across_; ++i) {
        const std::uint32_t index = first + static_cast<std::uint32_t>(i);
        file_.check_read(TIFFReadEncodedTile(file_.get(), index, tiles_.data() + tile * i,
                                             static_cast<tmsize_t>(tile)) ==
                         static_cast<tmsize_t>(tile));
      }
    }
    const std::byte* from = tiles_.data() + tile_row_bytes_ * (y % tile_height_);
    for (std::size_t at = 0; at < row_bytes_; at += tile_row_bytes_, from += tile) {
      std::copy_n(from, std::min<std::size_t>(tile_row_bytes_, row_bytes_ - at), row + at);
    }
  }

 private:
  TiffFile file_;
  Layout layout_;
  int plane_;
  std::uint64_t row_bytes_ = 0;
  std::uint32_t tile_height_ = 0;
  std::uint64_t tile_row_bytes_ = 0;
  std::uint64_t across_ = 0;  // tiles in a row of them
  std::vector<std::byte> tiles_;
};

using Palette = std::vector<std::array<std::uint8_t, 3>>;

Palette read_palette(TIFF* tiff, int bits, const std::string& name) {
  std::array<const std::uint16_t*, 3> colours{};
  if (TIFFGetField(tiff, TIFFTAG_COLORMAP, &colours[0], &colours[1], &colours[2]) == 0) {
    fail_to_decode(name, "TIFF without its palette");
  }
  const int count = 1 << bits;
  // Some writers take the numbers of 16 bits for such of 8.
  const bool narrow = std::ranges::all_of(colours, [&](const std::uint16_t* values) {
    return std::all_of(values, values + count, [](std::uint16_t value) { return value < 256; });
  });
  Palette palette(count);
  for (int i = 0; i < count; ++i) {
    for (int c = 0; c < 3; ++c) {
      palette[i][c] = static_cast<std::uint8_t>(narrow ? colours[c][i] : colours[c][i] >> 8);
    }
  }
  return palette;
}

class TiffReader : public ImageReader {
 public:
  TiffReader(const ByteSource& source, std::string name, const ReadOptions& options)
      : name_(std::move(name)) {
    TiffFile file(source, name_);
    layout_ = layout_of(file.get(), name_);
    check_declared_size(layout_.width, layout_.height, name_, options);
    check_samples(layout_, name_);
    if (TIFFIsCODECConfigured(layout_.compression) == 0 ||
        layout_.compression == COMPRESSION_OJPEG) {
      fail_to_decode(name_, message("TIFF of compression ", layout_.compression,
                                    ", which this build cannot read"));
    }
    choose_channels(file.get(), layout_, name_);
    int colours = layout_.colours == 4 ? 3 : layout_.colours;
    if (layout_.photometric == PHOTOMETRIC_PALETTE) {
      palette_ = read_palette(file.get(), layout_.bits, name_);
      const bool grey = std::ranges::all_of(palette_, [](const auto& colour) {
        return colour[0] == colour[1] && colour[1] == colour[2];
      });
      colours = grey ? 1 : 3;
    }
    info_ = {static_cast<int>(layout_.width), static_cast<int>(layout_.height),
             colours + (layout_.alpha >= 0 ? 1 : 0),
             layout_.bits == 32   ? SampleType::f32
             : layout_.bits == 16 ? SampleType::u16
                                  : SampleType::u8,
             read_tiff_metadata(file.get())};
    if (layout_.photometric == PHOTOMETRIC_SEPARATED && !info_.metadata.icc.empty()) {
      info_.metadata.icc.clear();
      if (options.warn) {
        options.warn(message("'", name_,
                             "': its profile is one of CMYK, and left out: the pixels "
                             "become RGB without it"));
      }
    }
    open_rows(source);
    if (options.warn && TIFFLastDirectory(file.get()) == 0) {
      options.warn(message("'", name_, "': of several images the first is read"));
    }
  }

  void read_rows(std::span<std::byte> rows) override {
    for (; !rows.empty(); rows = rows.subspan(info_.row_bytes()), ++next_) {
      std::byte* const to = rows.data();
      switch (info_.samples) {
        case SampleType::u8:
          read_row<std::uint8_t>(reinterpret_cast<std::uint8_t*>(to));
          break;
        case SampleType::u16:
          read_row<std::uint16_t>(reinterpret_cast<std::uint16_t*>(to));
          break;
        case SampleType::f32:
          read_row<float>(reinterpret_cast<float*>(to));
      }
    }
  }

 private:
  /// Of a file with planes, those of the colours and of alpha.
  void open_rows(const ByteSource& source) {
    std::vector<int> planes = {0};
    if (layout_.planes) {
      for (int c = 1; c < layout_.colours; ++c) {
        planes.push_back(c);
      }
      if (layout_.alpha >= 0) {
        planes.push_back(layout_.alpha);
        layout_.alpha = layout_.colours;
      }
      layout_.samples = static_cast<std::uint16_t>(planes.size());
    }
    for (const int plane : planes) {
      rows_.push_back(std::make_unique<TiffRows>(source, name_, layout_, plane));
    }
    const std::size_t row = rows_.front()->row_bytes();
    part_.resize(row);
    row_.resize(std::max(row * planes.size(), std::size_t{layout_.width}));
  }

  /// All samples of the next row, those of a pixel beside each other.
  template <class Sample>
  const Sample* next_samples() {
    auto* const samples = reinterpret_cast<Sample*>(row_.data());
    if (layout_.bits < 8) {
      rows_[0]->read(next_, part_.data());
      const int in_a_byte = 8 / layout_.bits;
      for (std::uint32_t x = 0; x < layout_.width; ++x) {
        const int shift = layout_.bits * (in_a_byte - 1 - static_cast<int>(x) % in_a_byte);
        samples[x] = static_cast<Sample>(std::to_integer<int>(part_[x / in_a_byte]) >> shift &
                                         ((1 << layout_.bits) - 1));
      }
    } else if (rows_.size() == 1) {
      rows_[0]->read(next_, row_.data());
    } else {
      for (std::size_t c = 0; c < rows_.size(); ++c) {
        rows_[c]->read(next_, part_.data());
        const auto* const plane = reinterpret_cast<const Sample*>(part_.data());
        for (std::size_t x = 0; x < layout_.width; ++x) {
          samples[x * rows_.size() + c] = plane[x];
        }
      }
    }
    return samples;
  }

  template <class Sample>
  void read_row(Sample* to) {
    const Sample* from = next_samples<Sample>();
    const int colours = info_.has_alpha() ? info_.channels - 1 : info_.channels;
    for (std::uint32_t x = 0; x < layout_.width; ++x, from += layout_.samples) {
      if constexpr (sizeof(Sample) == 1) {
        if (!palette_.empty()) {
          std::copy_n(palette_[from[0]].begin(), colours, to);
        } else if (layout_.photometric == PHOTOMETRIC_SEPARATED) {
          without_ink(from, to);
        } else {
          const int factor = 255 / ((1 << layout_.bits) - 1);
          std::transform(from, from + colours, to,
                         [&](Sample s) { return static_cast<Sample>(factor * s); });
        }
      } else {
        std::copy_n(from, colours, to);
      }
      if (layout_.photometric == PHOTOMETRIC_MINISWHITE) {
        *to = static_cast<Sample>(kFull<Sample> - *to);
      }
      if (info_.has_alpha()) {
        const Sample alpha = from[layout_.alpha];
        if (layout_.premultiplied) {
          std::transform(to, to + colours, to, [&](Sample s) { return divided(s, alpha); });
        }
        to[colours] = alpha;
      }
      to += info_.channels;
    }
  }

  template <class Sample>
  static constexpr Sample kFull = std::is_same_v<Sample, float>
                                      ? Sample{1}
                                      : static_cast<Sample>(sizeof(Sample) == 1 ? 255 : 65535);

  /// A colour that was multiplied by alpha; rounded down, as Pillow does.
  template <class Sample>
  static Sample divided(Sample colour, Sample alpha) {
    if (alpha == 0) {
      return 0;
    }
    if constexpr (std::is_same_v<Sample, float>) {
      return colour / alpha;
    } else {
      const std::uint32_t full = kFull<Sample>;
      return static_cast<Sample>(std::min(full, colour * full / alpha));
    }
  }

  /// RGB of cyan, magenta, yellow and black, without a colour profile and rounded as Pillow does.
  static void without_ink(const std::uint8_t* ink, std::uint8_t* rgb) {
    const int light = 255 - ink[3];
    for (int c = 0; c < 3; ++c) {
      const int product = ink[c] * light + 128;
      rgb[c] = static_cast<std::uint8_t>(std::max(light - ((product + (product >> 8)) >> 8), 0));
    }
  }

  std::string name_;
  Layout layout_;
  Palette palette_;
  std::vector<std::unique_ptr<TiffRows>> rows_;  // one, or one for each plane
  std::vector<std::byte> part_;                  // a row of a plane, or of packed bits
  std::vector<std::byte> row_;
  std::uint32_t next_ = 0;
};

}  // namespace

bool is_tiff(Bytes start) {
  using namespace std::string_view_literals;
  return starts_with(start, "II*\0"sv) || starts_with(start, "MM\0*"sv) ||
         starts_with(start, "II+\0"sv) || starts_with(start, "MM\0+"sv);
}

std::unique_ptr<ImageReader> open_tiff(const ByteSource& source, const std::string& name,
                                       const ReadOptions& options) {
  return std::make_unique<TiffReader>(source, name, options);
}

}  // namespace pisr
