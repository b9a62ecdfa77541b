#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "kernels/export.h"
#include "nn/conv_chain.h"
#include "nn/module.h"

namespace pisr {

/// A number, or a flag.
using OptionValue = std::variant<int, bool>;

/// What has to be known to make a network: what configurations and weights store of it.
struct NetworkSpec {
  std::string architecture;                    ///< a name of the table in architectures.h
  int scale = 2;                               ///< 2, 3 or 4; 1: see make_network_of_truth()
  int channels = 0;                            ///< 1: luminance, 3: RGB, 0: the default
  std::map<std::string, OptionValue> options;  ///< those of the architecture, by name

  friend bool operator==(const NetworkSpec&, const NetworkSpec&) = default;
};

/// An option of an architecture, such as its number of layers.
struct NetworkOption {
  const char* name;    ///< in configurations and weights, e.g. "feature_channels"
  const char* symbol;  ///< the letter of the paper, which configurations may use instead
  OptionValue default_value;
  int lowest, highest;  ///< of a number, inclusive
  const char* help;     ///< a line for the list of configuration keys
  int step = 1;         ///< a number is lowest, lowest + step, lowest + 2 step, ...
  /// Whether the shapes of the parameters tell it.
  bool told_by_shapes = true;
  /// Whether there are weights and checkpoints from before it was there: they lack it, which means
  /// the default.
  bool added_later = false;
  /// Whether it is of the form that is trained alone: a merged network has the default.
  bool of_training = false;
};

/// `spec` with the default for every option that it does not name, and the first of `channels`
/// where it names none. Throws Error(usage) for an option that is not in `options`, of the wrong
/// type, out of range or between two steps, a scale other than 1, 2, 3, 4, or channels that are not
/// in `channels`.
PISR_API NetworkSpec completed(const NetworkSpec& spec, const std::vector<NetworkOption>& options,
                               const std::vector<int>& channels = {1});

/// "y" for 1 channel, "rgb" for 3, as configurations and weights say it.
PISR_API const char* colour_name(int channels);

/// The value of an option of a completed spec.
PISR_API int number_option(const NetworkSpec& spec, const std::string& name);
PISR_API bool flag_option(const NetworkSpec& spec, const std::string& name);

/// What a network reads.
enum class NetworkInput {
  low,       ///< the low-resolution image [n, c, h, w]
  enlarged,  ///< that image enlarged by bicubic interpolation [n, c, h scale, w scale]
};

/// Multiply-adds of one forward pass.
struct MultiplyAdds {
  std::int64_t exact;  ///< what is computed
  /// As PISR's tables count: a transposed convolution once per OUTPUT pixel, unless the network
  /// says otherwise.
  std::int64_t paper;
};

/// Where a pass through a network ends.
enum class NetworkEnd { feature, image };

/// A model that makes an image [n, c, h scale, w scale]: a network from the low-resolution image
/// [n, c, h, w], or a teacher from the truth itself.
class PISR_API ImageModel : public Module {
 public:
  /// Of the network, or of the teacher's decoder.
  virtual const NetworkSpec& spec() const noexcept = 0;
  /// Whether the input is the truth [n, c, h scale, w scale].
  virtual bool sees_truth() const noexcept = 0;
  /// Values in 0..1 in and out.
  virtual Variable image(const Variable& input) const = 0;
  /// The same for inference in little memory, with the parameters of now; nothing where the layers
  /// are no chain.
  virtual std::optional<ConvChain> image_chain() const = 0;
  /// How many pixels of the low-resolution image around a piece the result of the piece depends
  /// on; nothing where it depends on the whole image.
  virtual std::optional<int> halo() const { return std::nullopt; }
  /// Changes initial weights so that the network begins as an interpolation of its input, which is
  /// most of what one without a path from input to output learns first. Throws Error(usage) where
  /// it cannot begin as one.
  virtual void start_as_interpolation() = 0;
};

/// A super-resolution network: PISR's student, and the teacher's decoder. A network of one's own
/// implements feature() and reconstruction(); a row in architectures.cpp makes it known by name.
class PISR_API SrNetwork : public ImageModel {
 public:
  /// What a forward pass gives.
  struct Result {
    Variable image;    ///< [n, c, h scale, w scale]
    Variable feature;  ///< [n, feature_channels(), ...]: where distillation looks
  };
  /// low [n, c, h, w], values in 0..1.
  Result forward(const Variable& low) const;
  /// The same from what input() says: the image that others enlarged, perhaps.
  Result forward_input(const Variable& input) const;
  /// Result::feature alone.
  Variable feature_of(const Variable& low) const;

  const NetworkSpec& spec() const noexcept final { return spec_; }
  virtual NetworkInput input() const noexcept { return NetworkInput::low; }
  virtual int feature_channels() const noexcept = 0;
  /// For an output of width x height, which stands for width height / scale^2 pixels of the
  /// low-resolution image even where the scale does not divide it, as in the tables for 1280 x 720.
  virtual MultiplyAdds multiply_adds(std::int64_t width, std::int64_t height,
                                     NetworkEnd end = NetworkEnd::image) const = 0;
  /// The layers up to `end` as a chain, with the parameters of now; nothing where they are none.
  virtual std::optional<ConvChain> chain(NetworkEnd end) const;
  /// The same function as a network with fewer parameters, of layers that are trained in another
  /// form than they are used in: the one to save, export and infer with. Null where this one is it.
  virtual std::unique_ptr<SrNetwork> merged() const { return nullptr; }

  bool sees_truth() const noexcept final { return false; }
  void start_as_interpolation() override;
  Variable image(const Variable& low) const final { return forward(low).image; }
  std::optional<ConvChain> image_chain() const final { return chain(NetworkEnd::image); }

 protected:
  /// For start_as_interpolation() of a network whose narrowest layer has so many channels; throws
  /// Error(usage) where they are fewer than those of the image.
  void check_hands_image_on(int narrowest) const;
  /// Without channels it is a network on luminance.
  explicit SrNetwork(NetworkSpec spec) : spec_(std::move(spec)) {
    spec_.channels = std::max(1, spec_.channels);
  }
  /// input: what input() says.
  virtual Variable feature(const Variable& input) const = 0;
  virtual Variable reconstruction(const Variable& feature, const Variable& input) const = 0;

 private:
  Variable input_of(const Variable& low) const;
  NetworkSpec spec_;
};

/// SrNetwork::merged(), or the network itself.
PISR_API std::unique_ptr<SrNetwork> merged(std::unique_ptr<SrNetwork> network);

/// SrNetwork::halo() of a network that reads the enlarged image, each pixel of the result depending
/// on `radius` pixels of it in every direction.
PISR_API int enlarged_halo(int radius, int scale);

}  // namespace pisr
