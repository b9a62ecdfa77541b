#pragma once

#include <filesystem>
#include <span>

#include "core/atomic_file.h"
#include "pisr/image/byte_sink.h"

namespace pisr {

/// A file that appears with commit(), or not at all.
class FileSink : public ByteSink {
 public:
  explicit FileSink(const std::filesystem::path& path) : file_(path) {}
  void write(std::span<const std::byte> bytes) override { file_.write(bytes); }
  void commit() { file_.commit(); }

 private:
  AtomicFile file_;
};

}  // namespace pisr
