#include "pisr/model/padding.h"

#include <cctype>

namespace pisr {
namespace {

bool has(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

std::optional<OptionValue> replicate_padding_of(const std::string& prose) {
  const bool zero = has(prose, "zero pad") || has(prose, "zero-pad");
  const bool replicate =
      has(prose, "replicate pad") || has(prose, "replicate-pad") || has(prose, "replication pad");
  return zero == replicate ? std::nullopt : std::optional<OptionValue>(replicate);
}

/// The digit behind "padding" or "pad", but not "output_padding", behind "deconv".
std::optional<OptionValue> deconvolution_padding_of(const std::string& prose) {
  std::size_t at = prose.find("deconv");
  do {
    at = at == std::string::npos ? at : prose.find("pad", at + 1);
  } while (at != std::string::npos && prose[at - 1] == '_');
  const std::size_t digit =
      at == std::string::npos ? at : prose.find_first_not_of("ading =:", at + 1);
  if (digit == std::string::npos || std::isdigit(static_cast<unsigned char>(prose[digit])) == 0) {
    return std::nullopt;
  }
  return prose[digit] - '0';
}

}  // namespace

NetworkOption replicate_padding_option(bool added_later) {
  return {.name = kReplicatePadding,
          .symbol = "",
          .default_value = false,
          .lowest = 0,
          .highest = 1,
          .help = "convolutions see the border repeated around the image instead of zeros",
          .told_by_shapes = false,
          .added_later = added_later};
}

PaddingMode padding_mode(bool replicate) {
  return replicate ? PaddingMode::replicate : PaddingMode::zero;
}

std::optional<OptionValue> padding_of_prose(const std::string& option, const std::string& prose) {
  return option == kReplicatePadding       ? replicate_padding_of(prose)
         : option == kDeconvolutionPadding ? deconvolution_padding_of(prose)
                                           : std::nullopt;
}

}  // namespace pisr
