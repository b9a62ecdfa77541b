#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "kernels/export.h"
#include "pisr/image/image.h"

namespace pisr {

/// A ground-truth image and its low-resolution version, as bytes. Luminance is computed from them
/// where it is needed: it is never rounded, and the 800 images of DIV2K fit into 7 GB.
struct ImagePair {
  std::string name;            ///< file name without extension, e.g. "0001", printable
  std::filesystem::path file;  ///< where `high` came from; the name itself for a built-in image
  Image8 high;                 ///< [h, w, 1 or 3], h and w multiples of the scale
  Image8 low;                  ///< [h / scale, w / scale, channels of high]
  int file_width = 0;          ///< of the file's image, before the crop; 0 for a built-in image
  int file_height = 0;
};

/// "12 x 40": the size that the image has in its file.
PISR_API std::string size_in_file(const ImagePair& pair);

/// Images of one or several folders, in the order of the folders and by name within each.
struct Dataset {
  int scale = 0;
  std::vector<ImagePair> images;
  /// One line per folder, for the log: its layout, how many images, where LR is from.
  std::vector<std::string> sources;
  /// What DatasetOptions::exclude left out, a line for each name in it, and images smaller than
  /// gt_size.
  std::vector<std::string> excluded;
  /// What a person may have meant otherwise, a line each.
  std::vector<std::string> warnings;

  std::int64_t bytes() const;   ///< memory of all samples
  std::int64_t pixels() const;  ///< HR pixels of all images
};

/// Which images of DIV2K; other layouts have one part only and ignore it.
enum class DataPart {
  train,       ///< 0001-0800
  validation,  ///< 0801-0810, PISR's validation images
};

/// Which images of a folder are read, and how.
struct DatasetOptions {
  int scale = 2;
  DataPart part = DataPart::train;
  /// Names of images to leave out, with or without extension, several perhaps joined by commas:
  /// "302003" of BSDS200, which is Set5's woman. A name that no image has is a warning.
  std::vector<std::string> exclude;
  /// Side of the HR patch, a multiple of the scale: smaller images are left out, as the loaders of
  /// the literature do (one image of T91 at a patch of 96). 0: none are, and one that is smaller
  /// than the scale is an error.
  int gt_size = 0;
  /// Largest number of pixels an image may have; beyond it Error(memory), before any allocation.
  std::int64_t max_pixels = 268'435'456;
  /// Files read at once; 0 = as many as the machine has threads.
  int threads = 0;
};

/// Reads folders of images into memory. Each path is one of (first match wins):
///
/// - DIV2K, official or as EDSR packs it: contains DIV2K_train_HR, and perhaps DIV2K_valid_HR and
///   DIV2K_{train,valid}_LR_bicubic/X2/0001x2.png;
/// - a benchmark set: contains HR, and perhaps LR_bicubic/X2/babyx2.png (e.g. benchmark/Set5);
/// - any folder of images, in any format of image_io.h (not its sub-folders), or one image file.
///
/// Files and folders whose names begin with a dot are passed over. Images that lie beside what is
/// read, such as those in sub-folders of a folder of images, are a warning.
///
/// HR is cropped at the right and bottom to a multiple of the scale; alpha is dropped. LR is read
/// from LR_bicubic/X{scale} where the layout has that folder, and made by MATLAB-exact bicubic
/// interpolation where it has not.
///
/// Throws Error(input), which names the file or folder, for a path that does not exist, no images
/// (the message says what was looked for), HR without its LR or the reverse, LR of the wrong size
/// or number of channels, only images smaller than gt_size, and a file that cannot be decoded.
PISR_API Dataset load_dataset(const std::vector<std::filesystem::path>& paths,
                              const DatasetOptions& options);

/// `count` dead-leaves images of size x size pixels, indices first..first + count - 1: no files
/// needed. Training and held-out images of one seed differ by their indices.
/// Error(usage) where the size is not a multiple of the scale.
PISR_API Dataset built_in_dataset(std::uint64_t seed, std::uint64_t first, int count, int size,
                                  int scale, int threads = 0);

}  // namespace pisr
