#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/parallel.h"
#include "pisr/image/codec.h"
#include "pisr/image/deflate.h"
#include "pisr/image/png_chunks.h"
#include "pisr/image/png_filter.h"

namespace pisr {
namespace {

/// Filtered bytes that are compressed by themselves: large enough that this costs nothing.
constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
/// Pieces in memory for each thread, so that one which ends late does not keep the others waiting.
constexpr std::size_t kPiecesPerThread = 4;
constexpr std::size_t kMostPieces = 64;

constexpr double kMostNumber = 0x7fffffff;

using Buffer = std::vector<std::byte>;

void put_number(Buffer& to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    to.push_back(static_cast<std::byte>(value >> shift & 0xff));
  }
}

void put(Buffer& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

/// Begins a chunk in an empty buffer, whose data are then appended.
void begin_chunk(Buffer& chunk, std::string_view name) {
  put_number(chunk, 0);
  put(chunk, std::as_bytes(std::span(name)));
}

/// Its length and checksum.
void end_chunk(Buffer& chunk) {
  const auto length = static_cast<std::uint32_t>(chunk.size() - kPngChunkHeader);
  for (int i = 0; i < 4; ++i) {
    chunk[static_cast<std::size_t>(i)] = static_cast<std::byte>(length >> (24 - 8 * i) & 0xff);
  }
  put_number(chunk, crc32_of(std::span(chunk).subspan(4)));
}

/// A number of PNG for a value that is not negative; nothing where it cannot hold it.
std::optional<std::uint32_t> number_of(double value) {
  const double rounded = std::round(value);
  return rounded >= 0 && rounded <= kMostNumber ? std::optional(static_cast<std::uint32_t>(rounded))
                                                : std::nullopt;
}

class PngWriter : public ImageWriter {
 public:
  PngWriter(ByteSink& sink, const ImageInfo& info, const WriteOptions& options)
      : sink_(sink), pool_(options.pool), level_(options.png_level) {
    info_ = info;
    const std::size_t row = info_.row_bytes();
    const auto height = static_cast<std::size_t>(info_.height);
    piece_rows_ = std::clamp<std::size_t>(kPieceBytes / (row + 1), 1, height);
    const std::size_t threads = pool_ == nullptr ? 1 : static_cast<std::size_t>(pool_->threads());
    workers_.resize(threads);
    chunks_.resize(threads == 1 ? 1 : std::min(kPiecesPerThread * threads, kMostPieces));
    // The first row is the one above the others.
    rows_.resize((1 + std::min(chunks_.size() * piece_rows_, height)) * row);
    filled_ = row;
    write_head();
  }

  void write_rows(std::span<const std::byte> rows) override {
    while (!rows.empty()) {
      const auto some = rows.first(std::min(rows.size(), rows_.size() - filled_));
      gather(some);
      rows = rows.subspan(some.size());
      if (filled_ == rows_.size()) {
        compress();
      }
    }
  }

  void finish() override {
    compress();
    write_chunk("IDAT", [&](Buffer& data) {
      put(data, kLastDeflateBlock);
      put_number(data, checksum_);
    });
    write_chunk("IEND", [](Buffer&) {});
  }

 private:
  /// What each thread needs for itself.
  struct Worker {
    std::optional<PieceDeflater> deflater;
    Buffer filtered;
    Buffer scratch;
  };

  template <class Fill>
  void write_chunk(std::string_view name, Fill&& fill) {
    Buffer chunk;
    begin_chunk(chunk, name);
    fill(chunk);
    end_chunk(chunk);
    sink_.write(chunk);
  }

  void write_head() {
    static constexpr std::byte kColour[] = {std::byte{0}, std::byte{4}, std::byte{2}, std::byte{6}};
    constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";
    sink_.write(std::as_bytes(std::span(kSignature)));
    write_chunk("IHDR", [&](Buffer& data) {
      put_number(data, static_cast<std::uint32_t>(info_.width));
      put_number(data, static_cast<std::uint32_t>(info_.height));
      data.push_back(static_cast<std::byte>(8 * size_of(info_.samples)));
      data.push_back(kColour[info_.channels - 1]);
      data.resize(data.size() + 3);  // the only compression and set of filters, no interlacing
    });
    write_colour();
    write_density();
    if (!info_.metadata.exif.empty()) {
      write_chunk("eXIf", [&](Buffer& data) { put(data, info_.metadata.exif); });
    }
  }

  void write_colour() {
    const ImageMetadata& metadata = info_.metadata;
    if (metadata.chromaticities) {
      write_numbers("cHRM", *metadata.chromaticities);
    }
    if (metadata.gamma && *metadata.gamma > 0) {
      write_numbers("gAMA", std::array{*metadata.gamma});
    }
    if (!metadata.icc.empty()) {
      write_chunk("iCCP", [&](Buffer& data) {
        constexpr std::string_view kName = {"ICC profile\0\0", 13};  // and the only compression
        put(data, std::as_bytes(std::span(kName)));
        put(data, zlib_stream(metadata.icc));
      });
    } else if (metadata.rendering_intent) {  // beside a profile it must not stand
      write_chunk("sRGB", [&](Buffer& data) {
        data.push_back(static_cast<std::byte>(*metadata.rendering_intent));
      });
    }
  }

  /// Numbers in units of 1/100000; no chunk where one is too large.
  template <std::size_t kCount>
  void write_numbers(std::string_view name, const std::array<double, kCount>& values) {
    constexpr double kUnit = 100000;
    std::array<std::uint32_t, kCount> numbers;
    for (std::size_t i = 0; i < kCount; ++i) {
      const std::optional<std::uint32_t> value = number_of(values[i] * kUnit);
      if (!value) {
        return;
      }
      numbers[i] = *value;
    }
    write_chunk(name, [&](Buffer& data) {
      for (const std::uint32_t value : numbers) {
        put_number(data, value);
      }
    });
  }

  void write_density() {
    if (!info_.metadata.density) {
      return;
    }
    PixelDensity density = *info_.metadata.density;
    if (!density.per_metre &&
        (density.x != std::round(density.x) || density.y != std::round(density.y))) {
      density.x *= 1000;
      density.y *= 1000;
    }
    const std::optional<std::uint32_t> x = number_of(density.x);
    const std::optional<std::uint32_t> y = number_of(density.y);
    if (x.value_or(0) == 0 || y.value_or(0) == 0) {
      return;
    }
    write_chunk("pHYs", [&](Buffer& data) {
      put_number(data, *x);
      put_number(data, *y);
      data.push_back(density.per_metre ? std::byte{1} : std::byte{0});
    });
  }

  /// Appends to rows_, in the file's order of bytes.
  void gather(std::span<const std::byte> rows) {
    std::byte* to = rows_.data() + filled_;
    if (info_.samples == SampleType::u16 && std::endian::native == std::endian::little) {
      for (std::size_t i = 0; i < rows.size(); i += 2) {
        to[i] = rows[i + 1];
        to[i + 1] = rows[i];
      }
    } else {
      std::copy(rows.begin(), rows.end(), to);
    }
    filled_ += rows.size();
  }

  /// Compresses and writes the rows gathered, and keeps the last one.
  void compress() {
    const std::size_t row = info_.row_bytes();
    const std::size_t count = filled_ / row - 1;
    if (count == 0) {
      return;
    }
    const std::size_t pieces = (count + piece_rows_ - 1) / piece_rows_;
    std::array<std::uint32_t, kMostPieces> sums;
    const auto work = [&](std::int64_t task, int worker) {
      const auto piece = static_cast<std::size_t>(task);
      const std::size_t first = piece * piece_rows_;
      const std::size_t last = std::min(count, first + piece_rows_);
      sums[piece] = compress_piece(workers_[static_cast<std::size_t>(worker)], chunks_[piece],
                                   first, last, began_ || piece > 0);
    };
    if (pool_ == nullptr) {
      for (std::size_t piece = 0; piece < pieces; ++piece) {
        work(static_cast<std::int64_t>(piece), 0);
      }
    } else {
      pool_->parallel_for(static_cast<std::int64_t>(pieces), work);
    }
    for (std::size_t piece = 0; piece < pieces; ++piece) {
      const std::size_t rows = std::min(piece_rows_, count - piece * piece_rows_);
      checksum_ = adler32_joined(checksum_, sums[piece], rows * (row + 1));
      sink_.write(chunks_[piece]);
    }
    began_ = true;
    std::copy_n(rows_.end() - static_cast<std::ptrdiff_t>(rows_.size() - filled_ + row), row,
                rows_.begin());
    filled_ = row;
  }

  /// Makes the chunk of the rows [first, last) of rows_; returns the checksum of what it holds.
  std::uint32_t compress_piece(Worker& worker, Buffer& chunk, std::size_t first, std::size_t last,
                               bool continues) const {
    const std::size_t row = info_.row_bytes();
    const std::size_t pixel = static_cast<std::size_t>(info_.channels) * size_of(info_.samples);
    worker.filtered.resize((last - first) * (row + 1));
    worker.scratch.resize(row);
    const std::span<const std::byte> rows = rows_;
    for (std::size_t y = first; y < last; ++y) {
      const auto to = std::span(worker.filtered).subspan((y - first) * (row + 1), row + 1);
      const auto from = rows.subspan((y + 1) * row, row);
      if (level_ == 0) {
        keep_png_row(from, to);
      } else {
        filter_png_row(from, rows.subspan(y * row, row), pixel, to, worker.scratch);
      }
    }
    if (!worker.deflater) {
      worker.deflater.emplace(level_);
    }
    chunk.clear();
    begin_chunk(chunk, "IDAT");
    if (!continues) {
      put(chunk, kZlibHeader);
    }
    worker.deflater->deflate(worker.filtered, chunk);
    end_chunk(chunk);
    return adler32_of(worker.filtered);
  }

  ByteSink& sink_;
  ThreadPool* pool_;
  int level_;
  ImageInfo info_;
  std::size_t piece_rows_;
  Buffer rows_;         ///< the row above, and those gathered
  std::size_t filled_;  ///< bytes of rows_
  std::vector<Worker> workers_;
  std::vector<Buffer> chunks_;
  std::uint32_t checksum_ = adler32_of({});
  bool began_ = false;
};

}  // namespace

std::unique_ptr<ImageWriter> create_png(ByteSink& sink, const ImageInfo& info,
                                        const WriteOptions& options) {
  if (options.png_level < 0 || options.png_level > 9) {
    throw Error(ErrorKind::usage, message("PNG level must be 0 to 9, got ", options.png_level));
  }
  return std::make_unique<PngWriter>(sink, info, options);
}

}  // namespace pisr
