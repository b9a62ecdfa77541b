#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <sys/wait.h>

namespace pisr {

/// What a program did.
struct ProgramRun {
  int code = -1;  ///< exit code; -1 where a signal ended it
  std::string out;
  std::string err;
};

inline std::string read_whole(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// Runs a program in `folder` with arguments that hold no quotes; `environment` is put before the
/// command, e.g. "PISR_ISA=avx2".
inline ProgramRun run_command(const std::filesystem::path& folder, const std::string& environment,
                              const std::string& program,
                              const std::vector<std::string>& arguments) {
  std::string command = "cd '" + folder.string() + "' && " + environment + " '" + program + "'";
  for (const std::string& argument : arguments) {
    command += " '" + argument + "'";
  }
  const std::filesystem::path out = folder / ".out";
  const std::filesystem::path err = folder / ".err";
  command += " >'" + out.string() + "' 2>'" + err.string() + "'";
  const int status = std::system(command.c_str());
  ProgramRun run{WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_whole(out), read_whole(err)};
  std::filesystem::remove(out);
  std::filesystem::remove(err);
  return run;
}

/// Runs one of the project's programs.
inline ProgramRun run_program(const std::filesystem::path& folder, const std::string& program,
                              const std::vector<std::string>& arguments) {
  return run_command(folder, "", PISR_PROGRAMS "/" + program, arguments);
}

}  // namespace pisr
