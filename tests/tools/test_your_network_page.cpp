#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/safetensors.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"
#include "tests/tools/run_program.h"

namespace pisr {
namespace {

const std::filesystem::path kSource = PISR_SOURCE_DIR;

}  // namespace

TEST_CASE("docs/your-network.md shows the files that are compiled", "[docs]") {
  const std::string page = read_whole(kSource / "docs/your-network.md");
  int lines = 0;
  for (const auto& [language, name] :
       {std::pair{"cpp", "your_network.cpp"}, std::pair{"cmake", "CMakeLists.txt"}}) {
    CAPTURE(name);
    const std::string code = read_whole(kSource / "tests/your_network" / name);
    REQUIRE_FALSE(code.empty());
    CHECK(page.find("```" + std::string(language) + "\n" + code + "```\n") != std::string::npos);
    std::istringstream stream(code);
    for (std::string line; std::string(language) == "cpp" && std::getline(stream, line);) {
      lines += line.empty() ? 0 : 1;
    }
  }
  CHECK(lines < 60);
}

TEST_CASE("the network of docs/your-network.md is distilled, and its losses fall") {
  const TemporaryFolder folder;
  const ProgramRun run = run_command(folder.path(), "", PISR_YOUR_NETWORK, {});
  REQUIRE(run.code == 0);
  CHECK(run.err.empty());
  struct Losses {
    double reconstruction, second;
  };
  std::map<std::string, std::vector<Losses>> losses;
  std::istringstream stream(run.out);
  std::string phase;
  int step = 0;
  for (Losses row{}; stream >> phase >> step >> row.reconstruction >> row.second;) {
    losses[phase].push_back(row);
  }
  CHECK(stream.eof());
  REQUIRE(losses.size() == 2);
  for (const auto& [name, rows] : losses) {
    CAPTURE(name, run.out);
    REQUIRE(rows.size() == 5);
    CHECK(rows.back().reconstruction < 0.9 * rows.front().reconstruction);
    CHECK(rows.back().second < rows.front().second - 0.1 * std::abs(rows.front().second));
  }
  // It starts from the teacher's weights, not from its own.
  CHECK(losses["student"].front().reconstruction < losses["teacher"].front().reconstruction);
  const SafeTensors weights = read_safetensors(folder.path() / "student.safetensors");
  CHECK(weights.metadata.at("architecture") == "yours");
  CHECK(weights.tensors.size() == 5);
}

}  // namespace pisr
