#pragma once

#include <memory>

#include "kernels/export.h"
#include "pisr/model/encoder.h"
#include "pisr/model/network.h"

namespace pisr {

/// PISR's teacher: an hourglass that sees the ground truth, privileged information at training
/// time. Its decoder is a network like the student. Parameters: those of Encoder below "encoder"
/// and of the network below "decoder".
///
/// Without the hourglass (row 2 of PISR's table 1) there is no encoder: a network like the student
/// that keeps the size looks at the truth itself, and its feature is as large as the truth.
class PISR_API Teacher final : public ImageModel {
 public:
  /// With a decoder as make_network(decoder) makes it, or make_network_of_truth(decoder) without
  /// the hourglass.
  explicit Teacher(const NetworkSpec& decoder, bool hourglass = true);
  /// The encoder is as wide as the decoder's feature, 12 channels wide where it shrinks, or as wide
  /// as an option "shrink_channels" of the decoder says, with PReLU slopes as the decoder's option
  /// "slope_per_channel" says: for FSRCNN, PISR's.
  explicit Teacher(std::unique_ptr<SrNetwork> decoder);

  bool hourglass() const noexcept { return encoder_ != nullptr; }
  /// Null without the hourglass.
  const Encoder* encoder() const noexcept { return encoder_.get(); }
  const SrNetwork& decoder() const noexcept { return *decoder_; }

  /// What a forward pass gives.
  struct Result {
    Variable image;    ///< Y^T [n, c, h, w]
    Variable compact;  ///< X^ [n, c, h / scale, w / scale]; undefined without the hourglass
    Variable feature;  ///< f_T: the decoder's SrNetwork::Result::feature
  };
  /// high [n, c, h, w] in 0..1, luminance or RGB as the decoder's channels say; h and w are
  /// multiples of the scale.
  Result forward(const Variable& high) const;
  /// Result::feature alone.
  Variable feature_of(const Variable& high) const;
  /// The layers from the truth to `end` as a chain, with the parameters of now; nothing where those
  /// of the decoder are none.
  std::optional<ConvChain> chain(NetworkEnd end) const;

  const NetworkSpec& spec() const noexcept override { return spec_; }
  bool sees_truth() const noexcept override { return true; }
  Variable image(const Variable& high) const override { return forward(high).image; }
  /// The encoder begins as a mean of blocks, the decoder as an interpolation of it.
  void start_as_interpolation() override;
  std::optional<ConvChain> image_chain() const override { return chain(NetworkEnd::image); }

 private:
  NetworkSpec spec_;
  std::unique_ptr<SrNetwork> decoder_;
  std::unique_ptr<Encoder> encoder_;
};

}  // namespace pisr
