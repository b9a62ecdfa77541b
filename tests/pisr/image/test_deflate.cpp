#include <algorithm>
#include <cstring>
#include <random>

#include <zlib.h>

#include "pisr/image/deflate.h"
#include "tests/catch.h"
#include "tests/pisr/image/images.h"

namespace pisr {
namespace {

using Buffer = std::vector<std::byte>;

Buffer random_bytes(std::size_t size, int values) {
  std::mt19937 random(static_cast<unsigned>(size));
  Buffer bytes(size);
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(random() % static_cast<unsigned>(values));
  }
  return bytes;
}

TEST_CASE("deflate: pieces of any kind make one stream") {
  for (int level = 0; level <= 9; ++level) {
    PieceDeflater deflater(level);
    Buffer all;
    Buffer stream(kZlibHeader.begin(), kZlibHeader.end());
    std::uint32_t checksum = 1;
    for (const std::size_t size : {0, 1, 2, 300, 70000, 300000}) {
      for (const int values : {1, 3, 256}) {
        const Buffer piece = random_bytes(size, values);
        deflater.deflate(piece, stream);
        checksum = adler32_joined(checksum, adler32_of(piece), piece.size());
        all.insert(all.end(), piece.begin(), piece.end());
      }
    }
    stream.insert(stream.end(), kLastDeflateBlock.begin(), kLastDeflateBlock.end());
    for (int shift = 24; shift >= 0; shift -= 8) {
      stream.push_back(static_cast<std::byte>(checksum >> shift & 0xff));
    }
    INFO("level " << level);
    CHECK(unzlib(stream, all.size()) == all);
    CHECK(unzlib(stream, all.size() - 1) == std::nullopt);
    stream.back() ^= std::byte{1};
    CHECK(unzlib(stream, all.size()) == std::nullopt);
  }
}

TEST_CASE("deflate: a piece gives the same bytes whatever came before it") {
  for (const int level : {1, 6}) {
    const Buffer piece = random_bytes(50000, 20);
    PieceDeflater fresh(level);
    Buffer expected;
    fresh.deflate(piece, expected);
    PieceDeflater used(level);
    Buffer other;
    used.deflate(random_bytes(90000, 7), other);
    Buffer found;
    used.deflate(piece, found);
    CHECK(found == expected);
  }
}

TEST_CASE("checksums are those of the standards") {
  Buffer text(9);
  std::memcpy(text.data(), "123456789", 9);
  CHECK(crc32_of(text) == 0xcbf43926);
  CHECK(adler32_of(text) == 0x091e01de);
  CHECK(adler32_of({}) == 1);
  CHECK(crc32_of({}) == 0);
  for (const std::size_t size : {1, 31, 5552, 5553, 100000}) {
    Buffer bytes = random_bytes(size, 256);
    std::uint32_t low = 1;
    std::uint32_t high = 0;
    for (const std::byte byte : bytes) {
      low = (low + std::to_integer<std::uint32_t>(byte)) % 65521;
      high = (high + low) % 65521;
    }
    CHECK(adler32_of(bytes) == (high << 16 | low));
    const auto first = std::span(bytes).first(size / 3);
    const auto second = std::span(bytes).subspan(size / 3);
    CHECK(adler32_of(second, adler32_of(first)) == adler32_of(bytes));
    CHECK(adler32_joined(adler32_of(first), adler32_of(second), second.size()) ==
          adler32_of(bytes));
    CHECK(crc32_of(second, crc32_of(first)) == crc32_of(bytes));
    std::fill(bytes.begin(), bytes.end(), std::byte{255});
    CHECK(adler32_of(bytes) ==
          adler32(1, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(size)));
  }
}

TEST_CASE("unzlib: cut or damaged streams, and ones that hold more than allowed") {
  const Buffer bytes = random_bytes(3000, 9);
  const Buffer stream = zlib_stream(bytes);
  CHECK(unzlib(stream, 3000) == bytes);
  CHECK(unzlib(stream, 2999) == std::nullopt);
  CHECK(unzlib({}, 100) == std::nullopt);
  for (std::size_t length = 0; length < stream.size(); ++length) {
    REQUIRE(unzlib(std::span(stream).first(length), 5000) == std::nullopt);
  }
  int found = 0;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    Buffer damaged = stream;
    damaged[i] ^= std::byte{4};
    // Bits between the last block and the checksum mean nothing.
    REQUIRE(unzlib(damaged, 5000).value_or(bytes) == bytes);
    found += unzlib(damaged, 5000) ? 0 : 1;
  }
  CHECK(found >= static_cast<int>(stream.size()) - 1);
  CHECK(unzlib(zlib_stream({}), 10) == Buffer{});
}

}  // namespace
}  // namespace pisr
