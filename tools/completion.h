#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace pisr {

/// What makes a shell complete a program's options, their choices, and names of files: a script to
/// be read by bash, a function of zsh's fpath, and a file of fish's completions.
std::string bash_completion(const CLI::App& app);
std::string zsh_completion(const CLI::App& app);
std::string fish_completion(const CLI::App& app);

}  // namespace pisr
