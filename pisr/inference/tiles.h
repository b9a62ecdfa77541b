#pragma once

#include <cstdint>
#include <vector>

namespace pisr {

/// A piece of an image and the pixels around it that a network reads for it.
struct Tile {
  int left, top, width, height;                      ///< the piece
  int read_left, read_top, read_width, read_height;  ///< with its margin, inside the image
};

/// The margin of tiles that give the bits of the whole image, for a network whose pixels see `halo`
/// pixels around them; even.
int margin_of_tiles(int halo);

/// Cuts width x height pixels into tiles of `side` pixels, made even, the last ones smaller.
std::vector<Tile> tiles_of_side(int width, int height, int margin, int side);

/// Cuts width x height pixels into tiles that read at most `most_pixels` each, or a little more
/// where the margin leaves no room for a piece. Of the ways to cut the one that reads the fewest
/// pixels in all. What a tile reads begins at even pixels; `margin` is even.
std::vector<Tile> cut_into_tiles(int width, int height, int margin, std::int64_t most_pixels);

}  // namespace pisr
