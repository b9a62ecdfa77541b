#include "pisr/model/teacher.h"

#include <utility>

#include "pisr/model/architectures.h"

namespace pisr {
namespace {

EncoderOptions encoder_options(const SrNetwork& decoder) {
  const NetworkSpec& spec = decoder.spec();
  EncoderOptions options;
  options.scale = spec.scale;
  options.channels = spec.channels;
  options.feature_channels = decoder.feature_channels();
  if (spec.options.contains("shrink_channels")) {
    options.shrink_channels = number_option(spec, "shrink_channels");
  }
  if (spec.options.contains("slope_per_channel")) {
    options.slope_per_channel = flag_option(spec, "slope_per_channel");
  }
  return options;
}

}  // namespace

Teacher::Teacher(const NetworkSpec& decoder) : Teacher(make_network(decoder)) {}

Teacher::Teacher(std::unique_ptr<SrNetwork> decoder)
    : decoder_(std::move(decoder)), encoder_(encoder_options(*decoder_)) {
  add_child("encoder", encoder_);
  add_child("decoder", *decoder_);
}

Teacher::Result Teacher::forward(const Variable& high) const {
  const Variable compact = encoder_.forward(high);
  const SrNetwork::Result decoded = decoder_->forward(compact);
  return {decoded.image, compact, decoded.feature};
}

Variable Teacher::feature_of(const Variable& high) const {
  return decoder_->feature_of(encoder_.forward(high));
}

std::optional<ConvChain> Teacher::chain(NetworkEnd end) const {
  const std::optional<ConvChain> decoder = decoder_->chain(end);
  if (!decoder) {
    return std::nullopt;
  }
  ConvChain chain;
  encoder_.append_to(chain);
  chain.append(*decoder);
  return chain;
}

}  // namespace pisr
