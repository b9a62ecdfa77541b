#pragma once

#include <optional>
#include <string>

#include "core/ops.h"
#include "pisr/model/network.h"

/// Choices of padding, which the shapes of a network's parameters do not tell.
namespace pisr {

/// Whether convolutions see the border of an image repeated around it, instead of zeros.
inline constexpr const char* kReplicatePadding = "replicate_padding";
/// How many rows and columns are cut off above and at the left of a deconvolution's full output.
inline constexpr const char* kDeconvolutionPadding = "deconvolution_padding";

/// kReplicatePadding as an option of a network. The default is zeros.
NetworkOption replicate_padding_option(bool added_later = false);

PaddingMode padding_mode(bool replicate);

/// The value of one of the two options that prose in lower case tells, e.g. "replicate padding" or
/// "deconv 9x9, padding 4"; nothing for others, and where it tells none.
std::optional<OptionValue> padding_of_prose(const std::string& option, const std::string& prose);

}  // namespace pisr
