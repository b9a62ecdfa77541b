#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace pisr {

/// Where an encoder writes.
class ByteSink {
 public:
  ByteSink() = default;
  ByteSink(const ByteSink&) = delete;
  ByteSink& operator=(const ByteSink&) = delete;
  virtual ~ByteSink() = default;

  /// Appends. Throws Error output where that fails.
  virtual void write(std::span<const std::byte> bytes) = 0;
};

/// Appends to a vector.
class MemorySink : public ByteSink {
 public:
  void write(std::span<const std::byte> bytes) override {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  std::vector<std::byte>& bytes() { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace pisr
