#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace pisr {

/// The manual page of a program in section 1, as troff with the macros of man(7): its options, exit
/// codes and environment.
std::string man_page(const CLI::App& app);

}  // namespace pisr
