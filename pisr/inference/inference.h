#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "core/context.h"
#include "core/tape.h"
#include "nn/conv_chain.h"
#include "pisr/image/float_planes.h"
#include "pisr/image/image.h"
#include "pisr/inference/tiles.h"
#include "pisr/model/network.h"

namespace pisr {

/// How much memory inference may take. No option changes the result.
struct InferenceOptions {
  /// About how many bytes the maps between the layers may take of a network that is no chain, if it
  /// can be cut into tiles.
  std::int64_t memory = std::int64_t{1} << 30;
  /// How many they may take of an image that must be whole; 0: as many as there are now.
  std::int64_t memory_of_whole = 0;
  /// Side of the tiles, beside their margins, that a network is given which can be cut into tiles;
  /// 0: whole images, or tiles of `memory`.
  int tile = 0;
};

/// Runs a model on luminance, or on RGB where its channels are 3, image after image. The model sees
/// 0..1 and f32, or f64 where it was converted. On the CPU, a chain of convolutions needs memory
/// for its input and output and a few rows (nn/conv_chain.h). Another network runs layer by layer;
/// where that takes more memory than it may and ImageModel::halo() says how far its pixels see, it
/// runs tile by tile. Teachers, networks that see the whole image at once, and all models on a
/// device take their images whole. From the second image of a size on, maps take no new memory. The
/// result has the bits of ImageModel::image, for any number of threads and, but with Eigen's
/// kernels, any tiles.
class Inference {
 public:
  /// Keeps references to the context, whose step memory is reset by each image, and to the model. A
  /// chain has a copy of the parameters of now, which a device puts in order in the first run.
  Inference(Context& context, const ImageModel& model, const InferenceOptions& options = {});

  /// `input` [h, w, c] on 0..255, c the model's channels: the low-resolution image, or the truth
  /// for a model that sees it, then with sides that are multiples of the scale. `output` [h scale,
  /// w scale, c], or [h, w, c], on 0..255, neither clamped nor rounded; its memory is reused where
  /// it is large enough. Throws Error usage for an empty plane or one of other channels, numeric
  /// where an output is not finite, memory where the maps of an image that must be whole would not
  /// fit into the memory there is.
  void run(const Plane& input, Plane& output);
  /// The same of planes [c, h, w] on 0..1, which f32 models see as they are.
  void run(const PlanesView& input, FloatPlanes& output);
  /// The same where only that is wanted which becomes of the rows [first, past) of the input; other
  /// rows of the output may hold anything. Not for models that see the truth. Values that are not
  /// finite are left to the caller, for check_finite().
  void run_rows(const PlanesView& input, int first, int past, FloatPlanes& output);

  /// About how many bytes the maps between the layers take for an image of width x height that must
  /// be whole; nothing for a chain, for tiles, and on a device.
  std::optional<std::int64_t> memory_of_whole(int width, int height);
  /// About how many bytes the maps of the model take for so many pixels, layer by layer.
  std::int64_t bytes_of(std::int64_t pixels);

 private:
  /// Planes [c, h, w] on 0..1 of the model's type.
  template <class T>
  struct Planes;

  /// Rows of the output, [first, past).
  struct Rows {
    int first, past;
  };

  template <class T>
  void run_planes(const Planes<const T>& input, const Planes<T>& output, Rows wanted);
  /// [1, c, h, w] on the host, valid until the next call.
  template <class T>
  Tensor run_whole(const Planes<const T>& input, Rows wanted);
  template <class T>
  void run_tiles(const Planes<const T>& input, const Planes<T>& output);
  std::vector<Tile> tiles_of(int width, int height);
  void check_size(int width, int height, int channels) const;

  Context& context_;
  const ImageModel& model_;
  InferenceOptions options_;
  DType dtype_;
  std::optional<ConvChain> chain_;
  Tape tape_;
  std::optional<double> bytes_of_pixel_;
  /// Planes of an image and of a tile, kept for the next ones.
  template <class T>
  struct Buffers {
    std::vector<T> low, high, read;
  };
  std::tuple<Buffers<float>, Buffers<double>> buffers_;
};

/// Throws the Error numeric of Inference::run() where a value of the rows [first, past) is not
/// finite.
void check_finite(const FloatPlanes& planes, int first, int past);

/// One image.
Plane infer(Context& context, const ImageModel& model, const Plane& input);

}  // namespace pisr
