#include "core/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <string_view>
#include <system_error>

#include "core/atomic_file.h"
#include "core/safetensors_header.h"

namespace pisr {
namespace {

// A file is: the header's length in 8 bytes, the header, the numbers; all little-endian.
static_assert(std::endian::native == std::endian::little);
constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeader = 100'000'000;

[[noreturn]] void refuse(const std::string& file, const std::string& reason) {
  throw Error(ErrorKind::weights, message('\'', file, "': ", reason));
}

// Checks the first bytes before more is read.
std::size_t header_length(std::span<const std::byte> first_bytes, std::uint64_t file_size,
                          const std::string& file) {
  if (file_size < kLengthBytes) {
    refuse(file, message("not a safetensors file: has only ", file_size, " bytes"));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, first_bytes.data(), kLengthBytes);
  if (length > kMaxHeader) {
    refuse(file, message("not a safetensors file: its header would have ", length,
                         " bytes, more than the ", kMaxHeader, " allowed"));
  }
  if (length > file_size - kLengthBytes) {
    refuse(file, message("truncated: its header needs ", length, " bytes, the file has ",
                         file_size - kLengthBytes, " after the length"));
  }
  return static_cast<std::size_t>(length);
}

void* bytes_of(const Tensor& tensor) {
  return with_type(tensor.dtype(), [&]<class T>() { return static_cast<void*>(tensor.data<T>()); });
}

void read_exactly(std::ifstream& stream, std::byte* target, std::size_t count,
                  const std::string& file) {
  stream.read(reinterpret_cast<char*>(target), static_cast<std::streamsize>(count));
  if (stream.gcount() != static_cast<std::streamsize>(count)) {
    refuse(file, "cannot be read to its end");
  }
}

}  // namespace

SafeTensors parse_safetensors(std::span<const std::byte> bytes, const std::string& name) {
  const std::size_t length = header_length(bytes, bytes.size(), name);
  const std::string_view json(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  const std::span<const std::byte> data = bytes.subspan(kLengthBytes + length);
  SafeTensorsHeader header = parse_safetensors_header(json, data.size(), name);
  SafeTensors file;
  file.metadata = std::move(header.metadata);
  for (const TensorEntry& entry : header.entries) {
    const Tensor tensor = Tensor::empty(entry.shape, entry.dtype);
    std::memcpy(bytes_of(tensor), data.data() + entry.begin, entry.end - entry.begin);
    file.tensors.emplace(entry.name, tensor);
  }
  return file;
}

SafeTensors read_safetensors(const std::filesystem::path& path) {
  const std::string name = path.string();
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    refuse(name, "no such file");
  }
  if (!std::filesystem::is_regular_file(status)) {
    refuse(name, "is not a regular file");
  }
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  std::ifstream stream(path, std::ios::binary);
  if (error || !stream) {
    refuse(name, "cannot be opened");
  }
  std::vector<std::byte> bytes(kLengthBytes);
  read_exactly(stream, bytes.data(), std::min<std::size_t>(kLengthBytes, size), name);
  header_length(bytes, size, name);
  try {
    bytes.resize(size);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::memory, message('\'', name, "': no memory for its ", size, " bytes"));
  }
  read_exactly(stream, bytes.data() + kLengthBytes, size - kLengthBytes, name);
  return parse_safetensors(bytes, name);
}

std::vector<std::byte> serialise_safetensors(const SafeTensors& file) {
  SafeTensorsHeader header;
  header.metadata = file.metadata;
  std::uint64_t offset = 0;
  // Wider numbers come first, which keeps each aligned to its size.
  for (const DType dtype : {DType::f64, DType::f32}) {
    for (const auto& [name, tensor] : file.tensors) {
      if (name == "__metadata__" || !tensor.defined()) {
        throw Error(ErrorKind::usage,
                    message("safetensors: tensor ", in_quotes(name),
                            tensor.defined() ? ": the name is reserved" : " is undefined"));
      }
      if (tensor.dtype() == dtype) {
        const std::uint64_t end =
            offset + static_cast<std::uint64_t>(tensor.count()) * size_of(dtype);
        header.entries.push_back({name, dtype, tensor.shape(), offset, end});
        offset = end;
      }
    }
  }
  const std::string json = format_safetensors_header(header);
  if (json.size() > kMaxHeader) {
    throw Error(ErrorKind::usage, message("safetensors: the header would have ", json.size(),
                                          " bytes, more than the ", kMaxHeader, " allowed"));
  }
  const std::uint64_t length = json.size();
  std::vector<std::byte> bytes(kLengthBytes + json.size() + offset);
  std::memcpy(bytes.data(), &length, kLengthBytes);
  std::memcpy(bytes.data() + kLengthBytes, json.data(), json.size());
  std::byte* data = bytes.data() + kLengthBytes + json.size();
  for (const TensorEntry& entry : header.entries) {
    const Tensor here = file.tensors.at(entry.name).to(nullptr);
    std::memcpy(data + entry.begin, bytes_of(here), entry.end - entry.begin);
  }
  return bytes;
}

void write_safetensors(const std::filesystem::path& path, const SafeTensors& file) {
  write_file_atomically(path, serialise_safetensors(file));
}

}  // namespace pisr
