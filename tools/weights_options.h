#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "pisr/model/weights.h"

namespace pisr {

/// The options that choose weights: -s, -n, -m, --architecture and those of padding. As the command
/// line is read they set what is given here, which must outlive that; the scale stays 0 where none
/// is told.
void add_weights_options(CLI::App& app, std::string& model_name, std::string& model_file,
                         WeightsOptions& weights);

}  // namespace pisr
