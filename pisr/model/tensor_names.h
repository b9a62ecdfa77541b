#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/tensor.h"

/// What others call the tensors of a network that has a file of its own here.
namespace pisr {

/// A layer, or a single tensor, as somebody else names it, and its name here. What follows in the
/// name of a tensor, such as ".weight", stays. In `theirs`
///
///     {n}               is any number counted from 0, {n+1} one counted from 1, {2n} every other;
///     {last}, {last-1}  is the highest number at this place, and the one before it.
///
/// `ours` says {n} for the same number; any letter will do:
///
///     {"conv{n+3}_{k+1}", "blocks.{n}.enhance.{k}"}
struct LayerName {
  const char* theirs;
  const char* ours;
};

/// All layers of a network, as one repository names them. Of several that fit a tensor the first
/// counts.
using LayerNames = std::vector<LayerName>;

/// The tensors of one file under `names`.
class TensorNames {
 public:
  TensorNames(const LayerNames& names, const std::map<std::string, Tensor>& tensors);

  /// The file's tensors by our names. One that `names` do not know keeps its own, and so does the
  /// second of two that would have one name.
  const std::map<std::string, Tensor>& tensors() const noexcept { return tensors_; }
  /// What the file calls our tensor, or would call it if it had it.
  std::string theirs(const std::string& ours) const;

 private:
  /// A piece of a pattern: text, then perhaps the number factor x letter + offset.
  struct Piece {
    std::string text;
    char letter = 0;  ///< 0: no number follows; kLast: the highest one
    int factor = 1;
    int offset = 0;
  };
  using Pattern = std::vector<Piece>;
  using Numbers = std::map<char, int>;
  struct Rule {
    Pattern theirs;
    Pattern ours;
    std::optional<int> last;  ///< the highest number at the place of {last}
  };
  static constexpr char kLast = '$';

  static Pattern parsed(const std::string& text);
  static std::optional<std::size_t> match(const Pattern& pattern, const std::string& name,
                                          std::optional<int> last, Numbers& numbers);
  static std::string filled(const Pattern& pattern, std::optional<int> last,
                            const Numbers& numbers);
  std::string ours(const std::string& theirs) const;

  std::vector<Rule> rules_;
  std::map<std::string, Tensor> tensors_;
  std::map<std::string, std::string> theirs_;  ///< by ours
};

}  // namespace pisr
