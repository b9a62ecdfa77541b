#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace pisr {

/// Writes curves for TensorBoard: a file of TFRecords, each an `Event` of TensorFlow's event.proto.
/// Every writer makes a file of its own, so a resumed run adds to the curves of the one before it:
/// TensorBoard joins the files of a folder.
class EventWriter {
 public:
  /// Makes the folder where it is missing, and `events.out.tfevents.SECONDS.pisr.N` in it, with N
  /// the first that is free. Its SessionLog START tells a TensorBoard that is open to forget what
  /// earlier files said of `first_step` and later. Throws Error(output), naming path and reason.
  explicit EventWriter(const std::filesystem::path& directory, std::int64_t first_step = 0);

  /// One point of the curve `tag`. `wall_time` is in seconds since 1970; now, where it is not
  /// given. Values that are not finite are written as they are. Throws Error(output).
  void scalar(const std::string& tag, std::int64_t step, double value,
              std::optional<double> wall_time = std::nullopt);

  /// Hands what is buffered to the system, so that a TensorBoard that is open sees it. A crash
  /// loses at most what was written since.
  void flush();

  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  void record(const std::string& event);

  std::filesystem::path path_;
  std::ofstream stream_;
};

/// Drops the points of the curves `PHASE/...` in a folder's event files for which `keep` is false,
/// and records that are cut short or damaged: what a resumed run will write again. Returns the
/// highest step that is left, -1 where there is none. Throws Error(output).
std::int64_t filter_events(
    const std::filesystem::path& directory,
    const std::function<bool(const std::string& phase, std::int64_t step)>& keep);

/// CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected), as iSCSI and TFRecord use it.
std::uint32_t crc32c(std::span<const std::byte> bytes) noexcept;

/// TFRecord's masked CRC, rotated and shifted so that a CRC of data that holds CRCs is sound.
std::uint32_t masked_crc32c(std::span<const std::byte> bytes) noexcept;

}  // namespace pisr
