#include "pisr/model/foreign_weights.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/safetensors_header.h"
#include "pisr/model/metadata.h"
#include "pisr/model/tensor_names.h"
#include "pisr/model/tensor_order.h"
#include "pisr/model/weight_shapes.h"

namespace pisr {
namespace {

/// A network that the file might be of.
struct Candidate {
  ForeignWeights weights;
  /// Of the network's parameters and the file's tensors together, the share that is in both. A
  /// tensor of another shape counts half.
  double likeness = 0;
  std::string difference;     ///< the first; empty where all fits
  bool is_complaint = false;  ///< the difference is what the row's recognise() threw
};

bool is_unused(const ForeignWeights& weights, const std::string& key) {
  return std::ranges::any_of(
      weights.unused, [&](const std::string& beginning) { return key.starts_with(beginning); });
}

/// Compares a file with the network of `weights`. `theirs` gives the file's name of a parameter.
template <class Theirs>
Candidate compared(ForeignWeights weights, const Tensors& tensors, const Theirs& theirs) {
  Candidate candidate;
  std::unique_ptr<SrNetwork> network;
  try {
    network = make_network(weights.spec);
    weights.spec = network->spec();
  } catch (const Error& error) {
    candidate.difference = error.what();
    candidate.weights = std::move(weights);
    return candidate;
  }
  const auto differs = [&](const std::string& text) {
    if (candidate.difference.empty()) {
      candidate.difference = text;
    }
  };
  double alike = 0;
  std::size_t all = 0;
  std::set<std::string> expected;
  for (const NamedParameter& named : network->parameters()) {
    const std::string key = theirs(named.name);
    const Shape& wanted = named.parameter->value.shape();
    weights.key_of[named.name] = key;
    expected.insert(key);
    ++all;
    const auto found = tensors.find(key);
    if (found == tensors.end()) {
      differs(message("tensor '", key, "' is missing, wanted ", wanted));
    } else if (found->second.shape() != wanted) {
      differs(
          message("tensor '", key, "' must have shape ", wanted, ", got ", found->second.shape()));
      alike += 0.5;
    } else {
      alike += 1;
    }
  }
  for (const auto& [key, tensor] : tensors) {
    if (!expected.contains(key) && !is_unused(weights, key)) {
      differs(
          message("tensor ", in_quotes(key), " ", tensor.shape(), " is not part of this network"));
      ++all;
    }
  }
  candidate.likeness = alike / static_cast<double>(all);
  candidate.weights = std::move(weights);
  return candidate;
}

/// Calls `add` with what the row's networks of every scale and colour make of the file under one
/// way to name its tensors.
template <class Add>
void try_names(const Architecture& row, const LayerNames& names, const SafeTensors& file,
               const Add& add) {
  const TensorNames named(names, file.tensors);
  ForeignWeights weights;
  weights.spec.architecture = row.name;
  weights.spec.options = row.options_of_shapes(named.tensors());
  for (const int channels : row.channels) {
    for (const int scale : {2, 3, 4}) {
      weights.spec.channels = channels;
      weights.spec.scale = scale;
      const Candidate candidate = compared(
          weights, file.tensors, [&](const std::string& own) { return named.theirs(own); });
      add(candidate);
      if (candidate.likeness == 0) {
        return;  // A file of something else altogether.
      }
    }
  }
}

/// The same of what the row's own function recognises.
template <class Add>
void try_recognised(const Architecture& row, const SafeTensors& file, const std::string& name,
                    const Add& add) {
  for (const int scale : {2, 3, 4}) {
    std::optional<ForeignWeights> recognised;
    try {
      recognised = row.recognise(file, name, scale);
    } catch (const Error& error) {
      // It knows the file as its own, and misses something.
      const std::string text = error.what();
      const std::string beginning = message('\'', name, "': ");
      Candidate candidate;
      candidate.weights.spec.architecture = row.name;
      candidate.weights.spec.scale = scale;
      candidate.is_complaint = true;
      candidate.likeness = 0.5;
      candidate.difference = text.starts_with(beginning) ? text.substr(beginning.size()) : text;
      add(candidate);
      continue;
    }
    if (!recognised || (recognised->scale != 0 && recognised->scale != scale)) {
      continue;
    }
    recognised->spec.scale = scale;
    const std::map<std::string, std::string> key_of = recognised->key_of;
    Tensors tensors = file.tensors;
    for (const auto& [key, tensor] : recognised->converted) {
      tensors[key] = tensor;
    }
    add(compared(*recognised, tensors, [&](const std::string& own) {
      const auto found = key_of.find(own);
      return found == key_of.end() ? own : found->second;
    }));
  }
}

/// All candidates of a row, the likest and those that fit.
struct RowResult {
  const Architecture* row;
  Candidate nearest;
  std::vector<Candidate> fitting;              ///< at several scales, perhaps
  std::map<int, std::string> complaints = {};  ///< of recognise(), by the scale it was asked for
};

RowResult result_of(const Architecture& row, const SafeTensors& file, const std::string& name) {
  RowResult result{&row, {}, {}};
  const auto add = [&](const Candidate& candidate) {
    if (result.nearest.weights.spec.architecture.empty() ||
        candidate.likeness > result.nearest.likeness) {
      result.nearest = candidate;
    }
    if (candidate.difference.empty()) {
      result.fitting.push_back(candidate);
    } else if (candidate.is_complaint) {
      result.complaints[candidate.weights.spec.scale] = candidate.difference;
    }
  };
  if (row.recognise != nullptr) {
    try_recognised(row, file, name, add);
  }
  std::vector<LayerNames> all_names = {{}};
  all_names.insert(all_names.end(), row.published_names.begin(), row.published_names.end());
  for (const LayerNames& names : all_names) {
    if (!result.fitting.empty()) {
      break;
    }
    try_names(row, names, file, add);
  }
  return result;
}

/// Tries the row's networks with the default of each number, whatever the tensors are called.
void try_order(const Architecture& row, const SafeTensors& file, RowResult& result) {
  std::vector<NetworkSpec> specs(1);
  specs.front().architecture = row.name;
  for (const NetworkOption& option : row.options) {
    if (const bool* const flag = std::get_if<bool>(&option.default_value)) {
      NetworkSpec other = specs.front();
      other.options[option.name] = !*flag;
      specs.push_back(other);
    }
  }
  for (NetworkSpec& spec : specs) {
    for (const int channels : row.channels) {
      for (const int scale : {2, 3, 4}) {
        spec.channels = channels;
        spec.scale = scale;
        const auto network = make_network(spec);
        if (auto pairs = paired_by_order(*network, file.tensors)) {
          Candidate candidate;
          candidate.weights = {network->spec(), std::move(*pairs), 0, {}, {}};
          result.fitting.push_back(std::move(candidate));
        }
      }
    }
    if (!result.fitting.empty()) {
      return;
    }
  }
}

/// That of the scale that is known, if it fits; otherwise with the scale that the shapes tell.
ForeignWeights chosen(const RowResult& result, const std::string& name, int known_scale) {
  if (const auto complaint = result.complaints.find(known_scale);
      complaint != result.complaints.end()) {
    fail_weights(name, complaint->second);
  }
  const auto known = std::ranges::find_if(result.fitting, [&](const Candidate& candidate) {
    return candidate.weights.spec.scale == known_scale;
  });
  const bool is_told = known_scale != 0 || result.fitting.size() == 1;
  ForeignWeights weights =
      known != result.fitting.end() ? known->weights : result.fitting.front().weights;
  weights.scale = is_told ? weights.spec.scale : 0;
  return weights;
}

[[noreturn]] void refuse(const SafeTensors& file, const std::string& name, const ForeignWish& wish,
                         const RowResult& nearest) {
  const std::string hint = "the networks there are: " + architecture_names();
  if (!wish.architecture.empty()) {
    fail_weights(
        name, message("does not fit ", wish.architecture, ": ", nearest.nearest.difference), hint);
  }
  for (const Architecture& row : architectures()) {
    RowResult by_order{&row, {}, {}};
    try_order(row, file, by_order);
    if (!by_order.fitting.empty()) {
      fail_weights(
          name,
          message("fits no network by the names of its tensors; the nearest is ", row.name,
                  ", which has their shapes"),
          message("--architecture ", row.name, " takes them by their shapes and order; ", hint));
    }
  }
  if (nearest.nearest.likeness == 0) {
    const auto first = file.tensors.begin();
    fail_weights(
        name,
        file.tensors.empty()
            ? std::string("holds no tensors")
            : message("is of no network there is: it has ", file.tensors.size(),
                      " tensors, the first ", in_quotes(first->first), " ", first->second.shape()),
        hint);
  }
  fail_weights(name,
               message("fits no network; the nearest is ", nearest.row->name, ", but ",
                       nearest.nearest.difference),
               hint);
}

}  // namespace

ForeignWeights recognise(const SafeTensors& file, const std::string& name,
                         const ForeignWish& wish) {
  std::vector<RowResult> results;
  for (const Architecture& row : architectures()) {
    results.push_back(result_of(row, file, name));
  }
  std::vector<const RowResult*> fitting;
  const RowResult* nearest = nullptr;
  for (const RowResult& result : results) {
    const bool is_wanted = result.row->name == wish.architecture;
    if (!result.fitting.empty()) {
      fitting.push_back(&result);
      if (is_wanted ||
          (wish.architecture.empty() && result.row->name == wish.preferred_architecture)) {
        return chosen(result, name, wish.scale);
      }
    }
    if (is_wanted ||
        (wish.architecture.empty() &&
         (nearest == nullptr || result.nearest.likeness > nearest->nearest.likeness))) {
      nearest = &result;
    }
  }
  if (fitting.empty() && !wish.architecture.empty()) {
    RowResult by_order{nearest->row, {}, {}};
    try_order(*nearest->row, file, by_order);
    if (!by_order.fitting.empty()) {
      if (wish.note) {
        wish.note(message('\'', name, "': the names of its tensors are not known: those of ",
                          wish.architecture, " are taken by their shapes and order"));
      }
      return chosen(by_order, name, wish.scale);
    }
  }
  if (fitting.empty()) {
    refuse(file, name, wish, *nearest);
  }
  if (fitting.size() > 1 && wish.architecture.empty()) {
    std::string names;
    for (const RowResult* const result : fitting) {
      names += (names.empty() ? "" : ", ") + std::string(result->row->name);
    }
    fail_weights(name, message("fits several networks: ", names), "--architecture tells which");
  }
  return chosen(*fitting.front(), name, wish.scale);
}

}  // namespace pisr
