#pragma once

#include <map>
#include <string>

#include "pisr/model/network.h"

namespace pisr {

/// What whoever receives an exported network has to know of it, by name: architecture, scale,
/// colour, options, and what the file of weights tells of licence, data, source and training.
using Facts = std::map<std::string, std::string>;

/// `model` is a network, or a teacher whose weights are handed on. `notes` are the metadata of the
/// file of weights, or what replaces them.
Facts facts_of(const ImageModel& model, const Facts& notes);

/// One fact a line, "licence: MIT", the title of the network first. Control characters are shown as
/// `\\xNN`, so that no fact can end a comment's line.
std::string facts_as_lines(const SrNetwork& network, const Facts& facts,
                           const std::string& before_each_line);

}  // namespace pisr
