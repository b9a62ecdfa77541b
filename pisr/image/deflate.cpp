#include "pisr/image/deflate.h"

#include <algorithm>
#include <new>
#include <utility>

#include <zlib.h>

#include "core/error.h"

#if PISR_HAS_ISAL
#include <immintrin.h>
#include <isa-l/igzip_lib.h>
#endif

namespace pisr {
namespace {

/// zlib counts in 32 bits.
constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;

const Bytef* bytef(std::span<const std::byte> bytes) {
  return reinterpret_cast<const Bytef*>(bytes.data());
}
Bytef* bytef(std::span<std::byte> bytes) {
  return reinterpret_cast<Bytef*>(bytes.data());
}

/// More than a piece takes that cannot be compressed: Huffman codes of bytes are not that bad.
std::size_t most_compressed(std::size_t size) {
  return size + size / 4 + 1024;
}

}  // namespace

struct PieceDeflater::Engine {
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;
  /// Returns how many bytes of `to` it wrote. `to` is large enough for anything.
  virtual std::size_t deflate(std::span<const std::byte> piece, std::span<std::byte> to) = 0;
};

namespace {

class ZlibEngine : public PieceDeflater::Engine {
 public:
  explicit ZlibEngine(int level) {
    // Rows are filtered: few long matches, many small numbers.
    constexpr int kNoHeader = -15;
    constexpr int kMemory = 8;
    const int strategy = level <= 1 ? Z_DEFAULT_STRATEGY : Z_FILTERED;
    if (deflateInit2(&stream_, level, Z_DEFLATED, kNoHeader, kMemory, strategy) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~ZlibEngine() override { deflateEnd(&stream_); }

  std::size_t deflate(std::span<const std::byte> piece, std::span<std::byte> to) override {
    deflateReset(&stream_);
    stream_.next_in = const_cast<Bytef*>(bytef(piece));
    stream_.avail_in = static_cast<uInt>(piece.size());
    stream_.next_out = bytef(to);
    stream_.avail_out = static_cast<uInt>(to.size());
    ::deflate(&stream_, Z_SYNC_FLUSH);
    return to.size() - stream_.avail_out;
  }

 private:
  z_stream stream_{};
};

#if PISR_HAS_ISAL
/// ISA-L leaves the upper halves of vector registers in use, and the SSE code that follows would
/// take several times as long.
[[gnu::target("avx")]] void clear_upper_halves() {
  _mm256_zeroupper();
}
void leave_avx() {
  if (__builtin_cpu_supports("avx")) {
    clear_upper_halves();
  }
}

/// Intel's igzip: at about the size of zlib's level 1 five times as fast.
class IsalEngine : public PieceDeflater::Engine {
 public:
  IsalEngine() : memory_(ISAL_DEF_LVL1_DEFAULT) {}

  std::size_t deflate(std::span<const std::byte> piece, std::span<std::byte> to) override {
    isal_deflate_init(&stream_);
    stream_.level = 1;
    stream_.level_buf = reinterpret_cast<std::uint8_t*>(memory_.data());
    stream_.level_buf_size = static_cast<std::uint32_t>(memory_.size());
    stream_.flush = FULL_FLUSH;
    stream_.next_in = const_cast<Bytef*>(bytef(piece));
    stream_.avail_in = static_cast<std::uint32_t>(piece.size());
    stream_.next_out = bytef(to);
    stream_.avail_out = static_cast<std::uint32_t>(to.size());
    isal_deflate(&stream_);
    leave_avx();
    return to.size() - stream_.avail_out;
  }

 private:
  std::vector<std::byte> memory_;
  isal_zstream stream_;
};
#endif

std::unique_ptr<PieceDeflater::Engine> make_engine(int level) {
#if PISR_HAS_ISAL
  if (level == 1) {
    return std::make_unique<IsalEngine>();
  }
#endif
  return std::make_unique<ZlibEngine>(level);
}

}  // namespace

PieceDeflater::PieceDeflater(int level) : engine_(make_engine(level)) {}
PieceDeflater::~PieceDeflater() = default;
PieceDeflater::PieceDeflater(PieceDeflater&&) noexcept = default;
PieceDeflater& PieceDeflater::operator=(PieceDeflater&&) noexcept = default;

void PieceDeflater::deflate(std::span<const std::byte> piece, std::vector<std::byte>& out) {
  while (!piece.empty()) {
    const auto some = piece.first(std::min(piece.size(), kMostAtOnce));
    const std::size_t before = out.size();
    const std::size_t room = most_compressed(some.size());
    out.resize(before + room);
    const std::size_t size = engine_->deflate(some, std::span(out).subspan(before));
    if (size == room) {
      throw Error(ErrorKind::output, "deflate: compressed data are larger than expected");
    }
    out.resize(before + size);
    piece = piece.subspan(some.size());
  }
}

std::uint32_t adler32_of(std::span<const std::byte> bytes, std::uint32_t before) {
  uLong sum = before;
  while (!bytes.empty()) {
    const auto some = bytes.first(std::min(bytes.size(), kMostAtOnce));
#if PISR_HAS_ISAL
    sum = isal_adler32(static_cast<std::uint32_t>(sum), bytef(some), some.size());
    leave_avx();
#else
    sum = adler32(sum, bytef(some), static_cast<uInt>(some.size()));
#endif
    bytes = bytes.subspan(some.size());
  }
  return static_cast<std::uint32_t>(sum);
}

std::uint32_t adler32_joined(std::uint32_t first, std::uint32_t second, std::size_t size) {
  return static_cast<std::uint32_t>(adler32_combine(first, second, static_cast<z_off_t>(size)));
}

std::uint32_t crc32_of(std::span<const std::byte> bytes, std::uint32_t before) {
  uLong sum = before;
  while (!bytes.empty()) {
    const auto some = bytes.first(std::min(bytes.size(), kMostAtOnce));
    sum = crc32(sum, bytef(some), static_cast<uInt>(some.size()));
    bytes = bytes.subspan(some.size());
  }
  return static_cast<std::uint32_t>(sum);
}

std::vector<std::byte> zlib_stream(std::span<const std::byte> bytes) {
  constexpr int kSmallest = 9;
  uLongf size = compressBound(bytes.size());
  std::vector<std::byte> stream(size);
  if (compress2(bytef(std::span(stream)), &size, bytef(bytes), bytes.size(), kSmallest) != Z_OK) {
    throw std::bad_alloc();
  }
  stream.resize(size);
  return stream;
}

std::optional<std::vector<std::byte>> unzlib(std::span<const std::byte> stream, std::size_t most) {
  z_stream inflater{};
  if (inflateInit(&inflater) != Z_OK) {
    throw std::bad_alloc();
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&inflater, inflateEnd);
  inflater.next_in = const_cast<Bytef*>(bytef(stream));
  inflater.avail_in = static_cast<uInt>(std::min(stream.size(), kMostAtOnce));
  std::vector<std::byte> out;
  std::size_t size = 0;
  int result = Z_OK;
  while (result == Z_OK && size <= most) {
    out.resize(std::min(most + 1, std::max<std::size_t>(1024, 2 * size)));
    inflater.next_out = bytef(std::span(out)) + size;
    inflater.avail_out = static_cast<uInt>(out.size() - size);
    result = inflate(&inflater, Z_NO_FLUSH);
    size = out.size() - inflater.avail_out;
  }
  if (result != Z_STREAM_END || size > most) {
    return std::nullopt;
  }
  out.resize(size);
  return out;
}

}  // namespace pisr
