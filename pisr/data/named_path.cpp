#include "pisr/data/named_path.h"

namespace pisr {

std::filesystem::path named_path(const std::filesystem::path& path) {
  std::filesystem::path named = path.lexically_normal();
  if (!named.has_filename()) {
    named = named.parent_path();
  }
  if (named.filename() == "." || named.filename() == "..") {
    named = std::filesystem::weakly_canonical(named);
  }
  return named;
}

}  // namespace pisr
