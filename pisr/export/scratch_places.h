#pragma once

#include <cstddef>
#include <vector>

#include "pisr/export/graph.h"

namespace pisr {

/// Where the maps of a network lie in scratch memory, in floats for each pixel of the image. A
/// place is used again once nothing reads its map.
class ScratchPlaces {
 public:
  explicit ScratchPlaces(const Graph& graph);

  /// Where the map begins. The image and the result have no place.
  std::size_t of(int value) const { return at_[static_cast<std::size_t>(value)]; }
  std::size_t total() const { return total_; }

 private:
  std::size_t take(std::size_t floats);
  void release(const std::vector<std::size_t>& places);

  std::vector<std::size_t> at_;  ///< by value
  std::vector<std::size_t> sizes_, free_;
  std::size_t total_ = 0;
};

}  // namespace pisr
