#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace pisr {

/// Compresses pieces of a deflate stream, each by itself, so that several threads can share one
/// stream. The bytes depend on the piece and the level alone. One thread at a time.
class PieceDeflater {
 public:
  /// `level`: 0 (stored) to 9 (smallest).
  explicit PieceDeflater(int level);
  ~PieceDeflater();
  PieceDeflater(PieceDeflater&&) noexcept;
  PieceDeflater& operator=(PieceDeflater&&) noexcept;

  /// Appends the blocks of `piece` to `out`, up to a byte's end. None is the stream's last.
  void deflate(std::span<const std::byte> piece, std::vector<std::byte>& out);

  struct Engine;

 private:
  std::unique_ptr<Engine> engine_;
};

/// The last block of a deflate stream, which holds nothing.
inline constexpr std::array<std::byte, 2> kLastDeflateBlock = {std::byte{0x03}, std::byte{0x00}};
/// What stands before a deflate stream to make it one of zlib, whose checksum stands behind it.
inline constexpr std::array<std::byte, 2> kZlibHeader = {std::byte{0x78}, std::byte{0x01}};

/// zlib's checksum of `bytes` behind others that have the checksum `before`.
std::uint32_t adler32_of(std::span<const std::byte> bytes, std::uint32_t before = 1);
/// The checksum of two parts, the second of `size` bytes.
std::uint32_t adler32_joined(std::uint32_t first, std::uint32_t second, std::size_t size);
/// The checksum of PNG's chunks.
std::uint32_t crc32_of(std::span<const std::byte> bytes, std::uint32_t before = 0);

/// A zlib stream of `bytes`, made for size.
std::vector<std::byte> zlib_stream(std::span<const std::byte> bytes);
/// What a zlib stream holds; nothing where it is damaged or holds more than `most` bytes.
std::optional<std::vector<std::byte>> unzlib(std::span<const std::byte> stream, std::size_t most);

}  // namespace pisr
