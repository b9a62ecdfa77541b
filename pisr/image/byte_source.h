#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace pisr {

/// Bytes that a decoder reads from any place.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  virtual std::int64_t size() const = 0;
  /// Fills `to` from `offset` on and returns how many bytes there were: fewer than asked for only
  /// at the end. Throws Error input where the file cannot be read.
  virtual std::size_t read(std::int64_t offset, std::span<std::byte> to) const = 0;
};

/// Bytes in memory that the caller keeps.
std::unique_ptr<ByteSource> memory_source(std::span<const std::byte> bytes);
/// Bytes in memory.
std::unique_ptr<ByteSource> memory_source(std::vector<std::byte> bytes);
/// A file, of which little is in memory; one that cannot be read from any place, as a pipe, is read
/// whole. Throws Error input: `cannot read 'x': no such file`.
std::unique_ptr<ByteSource> file_source(const std::filesystem::path& path);
/// The same for an open file descriptor, which the caller keeps; `name` stands in error messages.
std::unique_ptr<ByteSource> descriptor_source(int descriptor, const std::string& name);

/// The whole source in memory.
std::vector<std::byte> read_all(const ByteSource& source);

}  // namespace pisr
