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

Teacher::Teacher(const NetworkSpec& decoder, bool hourglass)
    : spec_(completed(decoder)),
      decoder_(hourglass ? make_network(decoder) : make_network_of_truth(decoder)) {
  if (hourglass) {
    encoder_ = std::make_unique<Encoder>(encoder_options(*decoder_));
    add_child("encoder", *encoder_);
  }
  add_child("decoder", *decoder_);
}

Teacher::Teacher(std::unique_ptr<SrNetwork> decoder)
    : spec_(decoder->spec()),
      decoder_(std::move(decoder)),
      encoder_(std::make_unique<Encoder>(encoder_options(*decoder_))) {
  add_child("encoder", *encoder_);
  add_child("decoder", *decoder_);
}

void Teacher::start_as_interpolation() {
  decoder_->start_as_interpolation();
  if (hourglass()) {
    encoder_->start_as_mean();
  }
}

Teacher::Result Teacher::forward(const Variable& high) const {
  const Variable compact = hourglass() ? encoder_->forward(high) : Variable();
  const SrNetwork::Result decoded = decoder_->forward(hourglass() ? compact : high);
  return {decoded.image, compact, decoded.feature};
}

Variable Teacher::feature_of(const Variable& high) const {
  return decoder_->feature_of(hourglass() ? encoder_->forward(high) : high);
}

std::optional<ConvChain> Teacher::chain(NetworkEnd end) const {
  std::optional<ConvChain> decoder = decoder_->chain(end);
  if (!decoder || !hourglass()) {
    return decoder;
  }
  ConvChain chain;
  encoder_->append_to(chain);
  chain.append(*decoder);
  return chain;
}

}  // namespace pisr
