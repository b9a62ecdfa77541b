#include "pisr/model/tensor_names.h"

#include <algorithm>
#include <cctype>

namespace pisr {
namespace {

/// Longer runs of digits are no numbers of layers.
constexpr std::size_t kMostDigits = 6;

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

/// The number at name[at]; nothing where there is none, or one that begins with a needless 0.
std::optional<int> number_at(const std::string& name, std::size_t& at) {
  std::size_t end = at;
  while (end < name.size() && is_digit(name[end])) {
    ++end;
  }
  const std::size_t digits = end - at;
  if (digits == 0 || digits > kMostDigits || (digits > 1 && name[at] == '0')) {
    return std::nullopt;
  }
  const int number = std::stoi(name.substr(at, digits));
  at = end;
  return number;
}

}  // namespace

TensorNames::TensorNames(const LayerNames& names, const std::map<std::string, Tensor>& tensors) {
  for (const LayerName& name : names) {
    Rule rule{parsed(name.theirs), parsed(name.ours), std::nullopt};
    for (const auto& item : tensors) {
      Numbers numbers;
      if (match(rule.theirs, item.first, std::nullopt, numbers) && numbers.contains(kLast)) {
        rule.last = std::max(rule.last.value_or(0), numbers.at(kLast));
      }
    }
    rules_.push_back(std::move(rule));
  }
  for (const auto& [name, tensor] : tensors) {
    const std::string own = ours(name);
    const std::string& key = tensors_.contains(own) ? name : own;
    tensors_.emplace(key, tensor);
    theirs_.emplace(key, name);
  }
}

std::string TensorNames::theirs(const std::string& ours) const {
  if (const auto found = theirs_.find(ours); found != theirs_.end()) {
    return found->second;
  }
  // "feature.slope" is a better rule for itself than "feature".
  std::size_t longest = 0;
  std::string name = ours;
  for (const Rule& rule : rules_) {
    Numbers numbers;
    const auto end = match(rule.ours, ours, std::nullopt, numbers);
    if (end && *end > longest) {
      longest = *end;
      name = filled(rule.theirs, rule.last, numbers) + ours.substr(*end);
    }
  }
  return name;
}

std::string TensorNames::ours(const std::string& theirs) const {
  for (const Rule& rule : rules_) {
    Numbers numbers;
    if (const auto end = match(rule.theirs, theirs, rule.last, numbers)) {
      return filled(rule.ours, rule.last, numbers) + theirs.substr(*end);
    }
  }
  return theirs;
}

TensorNames::Pattern TensorNames::parsed(const std::string& text) {
  Pattern pattern;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t open = std::min(text.find('{', at), text.size());
    Piece piece{text.substr(at, open - at)};
    at = open;
    if (open < text.size()) {
      const std::size_t close = text.find('}', open);
      std::string number = text.substr(open + 1, close - open - 1);
      if (is_digit(number[0])) {
        piece.factor = number[0] - '0';
        number.erase(0, 1);
      }
      const std::string last = "last";
      piece.letter = number.starts_with(last) ? kLast : number[0];
      number.erase(0, piece.letter == kLast ? last.size() : 1);
      piece.offset = number.empty() ? 0 : std::stoi(number);
      at = close + 1;
    }
    pattern.push_back(std::move(piece));
  }
  return pattern;
}

/// Where the pattern ends in `name`, which is the end of a component of its path; nothing where it
/// does not fit. Without `last` any number stands at {last}.
std::optional<std::size_t> TensorNames::match(const Pattern& pattern, const std::string& name,
                                              std::optional<int> last, Numbers& numbers) {
  std::size_t at = 0;
  for (const Piece& piece : pattern) {
    if (name.compare(at, piece.text.size(), piece.text) != 0) {
      return std::nullopt;
    }
    at += piece.text.size();
    if (piece.letter == 0) {
      continue;
    }
    const std::optional<int> number = number_at(name, at);
    if (!number) {
      return std::nullopt;
    }
    if (piece.letter == kLast) {
      if (last && *number != *last + piece.offset) {
        return std::nullopt;
      }
      numbers[kLast] = *number;
      continue;
    }
    const int multiple = *number - piece.offset;
    if (multiple < 0 || multiple % piece.factor != 0) {
      return std::nullopt;
    }
    const int value = multiple / piece.factor;
    if (numbers.emplace(piece.letter, value).first->second != value) {
      return std::nullopt;
    }
  }
  return at == name.size() || name[at] == '.' ? std::optional(at) : std::nullopt;
}

std::string TensorNames::filled(const Pattern& pattern, std::optional<int> last,
                                const Numbers& numbers) {
  std::string text;
  for (const Piece& piece : pattern) {
    text += piece.text;
    if (piece.letter == kLast) {
      text += std::to_string(last.value_or(0) + piece.offset);
    } else if (piece.letter != 0) {
      text += std::to_string(piece.factor * numbers.at(piece.letter) + piece.offset);
    }
  }
  return text;
}

}  // namespace pisr
