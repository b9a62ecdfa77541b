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

/// Runs one of the project's programs in `folder` with arguments that hold no quotes.
inline ProgramRun run_program(const std::filesystem::path& folder, const std::string& program,
                              const std::vector<std::string>& arguments) {
  std::string command = "cd '" + folder.string() + "' && '" PISR_PROGRAMS "/" + program + "'";
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

}  // namespace pisr
