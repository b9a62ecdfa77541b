#pragma once

#include <cstdint>
#include <string>

namespace pisr {

/// `text` with & < > " ' escaped: safe as HTML text and inside a quoted attribute.
std::string escape_html(const std::string& text);

/// 12644 -> "12,644"; value >= 0.
std::string grouped(std::int64_t value);

/// A number in few characters: 5000 -> "5k", 0.001 -> "0.001", 1e-7 -> "1e-7".
std::string short_number(double value);

/// `value` as HTML with `digits` after the point: "31.50", "&infin;", "-" for NaN.
std::string fixed(double value, int digits);

}  // namespace pisr
