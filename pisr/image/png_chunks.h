#pragma once
// What a PNG file holds beside its samples. Not for users of the library.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pisr/image/byte_source.h"
#include "pisr/image/metadata.h"

namespace pisr {

/// The eight bytes before a chunk's data.
struct PngChunkHeader {
  std::uint32_t length = 0;  ///< of the data, behind which a checksum of four bytes stands
  std::uint32_t type = 0;    ///< its four letters, the first one highest

  /// Whether a picture can be decoded without such a chunk, whatever it holds. tRNS is none: it
  /// belongs to the samples.
  bool is_beside_samples() const;
  bool is_named() const;  ///< four letters, as in every chunk that is not damaged
  std::string name() const;
};

inline constexpr std::size_t kPngSignature = 8;
inline constexpr std::size_t kPngChunkHeader = 8;
inline constexpr std::size_t kPngChecksum = 4;

PngChunkHeader png_chunk_header(std::span<const std::byte, kPngChunkHeader> bytes);

constexpr std::uint32_t png_chunk_type(const char (&name)[5]) {
  std::uint32_t type = 0;
  for (int i = 0; i < 4; ++i) {
    type = type << 8 | static_cast<unsigned char>(name[i]);
  }
  return type;
}

/// What the chunks of a PNG file say beside the samples.
struct PngOutline {
  ImageMetadata metadata;
  /// What was odd about the chunks beside the samples, a line each, without the file's name.
  std::vector<std::string> warnings;
  /// What makes the samples wrong though a decoder may not see it; empty: nothing.
  std::string error;
  /// What is wrong behind the samples; empty: nothing.
  std::string tail;
};

/// Walks through the chunks. Damage is no error here: what it leaves of the samples is for the
/// decoder to tell.
PngOutline outline_png(const ByteSource& source);

}  // namespace pisr
