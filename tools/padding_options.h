#pragma once

#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "pisr/model/network.h"

namespace pisr {

/// The options --padding and --deconvolution-padding of a program, for weights that do not tell
/// theirs: as the command line is read they set `options`, which must outlive that and is meant for
/// WeightsOptions::options.
void add_padding_options(CLI::App& app, std::map<std::string, OptionValue>& options);

}  // namespace pisr
