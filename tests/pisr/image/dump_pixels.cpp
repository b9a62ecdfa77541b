// Writes `WIDTH HEIGHT CHANNELS BITS` and the decoded samples of an image file to stdout, in the
// byte order of the machine; 32 bits are floating point. For scripts that compare the decoders with
// those of other programs.
// usage: dump_pixels FILE       exit codes: docs/exit-codes.md

#include <algorithm>
#include <cstddef>
#include <iostream>
#include <vector>

#include "core/error.h"
#include "pisr/image/byte_source.h"
#include "pisr/image/image_stream.h"

namespace {

void dump(const char* path) {
  const auto source = pisr::file_source(path);
  const auto reader = pisr::open_image(*source, path, {.warn = [](const std::string& warning) {
    std::cerr << "dump_pixels: warning: " << warning << '\n';
  }});
  const pisr::ImageInfo& info = reader->info();
  std::cout << info.width << ' ' << info.height << ' ' << info.channels << ' '
            << 8 * pisr::size_of(info.samples) << '\n';
  // One row, two, three, ...: readers keep what they decoded beyond the rows asked for.
  std::vector<std::byte> rows;
  for (int y = 0, count = 1; y < info.height; y += count, ++count) {
    count = std::min(count, info.height - y);
    rows.resize(count * info.row_bytes());
    reader->read_rows(rows);
    std::cout.write(reinterpret_cast<const char*>(rows.data()),
                    static_cast<std::streamsize>(rows.size()));
  }
  reader->finish();
  std::cout.flush();
  if (!std::cout) {
    throw pisr::Error(pisr::ErrorKind::output, "cannot write to stdout");
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: dump_pixels FILE\n";
    return static_cast<int>(pisr::ErrorKind::usage);
  }
  try {
    dump(arguments[1]);
  } catch (const pisr::Error& error) {
    std::cerr << "dump_pixels: error: " << error.what() << '\n';
    return static_cast<int>(error.kind());
  }
  return 0;
}
