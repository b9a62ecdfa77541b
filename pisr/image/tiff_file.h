#pragma once
// libtiff on our sources, with errors that are ours. Not for users of the library.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <tiffio.h>

#include "pisr/image/byte_source.h"
#include "pisr/image/metadata.h"

namespace pisr {

/// An open file. libtiff's messages are kept here and printed nowhere.
class TiffFile {
 public:
  /// To be read; the source must outlive it. Throws Error(input) where libtiff cannot open it.
  TiffFile(const ByteSource& source, const std::string& name);
  /// To be written, into memory; `big` as BigTIFF, which holds more than 4 GiB.
  explicit TiffFile(bool big);
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;
  ~TiffFile() { close(); }

  TIFF* get() const { return tiff_; }
  /// From now on a warning is as bad as an error.
  void warnings_are_damage() { strict_ = true; }
  /// After a call for reading: throws Error(input) where it failed, or warned of damage.
  void check_read(bool done);
  /// After a call for writing: throws Error(output) where it failed.
  void check_written(bool done);
  /// Writes what is left to write, and frees all. Throws nothing.
  void close();
  std::vector<std::byte>& bytes() { return written_; }

 private:
  static tmsize_t read(thandle_t handle, void* to, tmsize_t count);
  static tmsize_t write(thandle_t handle, void* from, tmsize_t count);
  static toff_t seek(thandle_t handle, toff_t offset, int origin);
  static int do_nothing(thandle_t) { return 0; }
  static toff_t size(thandle_t handle);
  static int on_error(TIFF*, void* file, const char* module, const char* format, va_list arguments);
  static int on_warning(TIFF*, void* file, const char* module, const char* format,
                        va_list arguments);
  void open(const char* mode, std::int64_t largest_allocation);
  void rethrow();
  void keep_message(const char* format, va_list arguments);

  const ByteSource* source_ = nullptr;  // null: written
  std::string name_;
  std::vector<std::byte> written_;
  std::int64_t position_ = 0;
  bool strict_ = false;
  bool at_end_ = false;  // it was read beyond
  std::string message_;  // the first
  std::exception_ptr exception_;
  TIFF* tiff_ = nullptr;
};

/// What the first directory of a file says beside its samples.
ImageMetadata read_tiff_metadata(TIFF* tiff);
/// Sets the fields of a file that is written. Returns whether libtiff took them.
bool set_tiff_metadata(TIFF* tiff, const ImageMetadata& metadata);

}  // namespace pisr
