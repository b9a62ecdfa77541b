#pragma once

#include <cstdint>
#include <vector>

namespace pisr {

/// A piece of an image and the pixels around it that a network reads for it.
struct Tile {
  int left, top, width, height;                      ///< the piece
  int read_left, read_top, read_width, read_height;  ///< with its margin, inside the image
};

/// Cuts width x height pixels into tiles that read at most `most_pixels` each, or a little more
/// where the margin leaves no room for a piece. Of the ways to cut the one that reads the fewest
/// pixels in all. What a tile reads begins at even pixels; `margin` is even.
std::vector<Tile> cut_into_tiles(int width, int height, int margin, std::int64_t most_pixels);

}  // namespace pisr
