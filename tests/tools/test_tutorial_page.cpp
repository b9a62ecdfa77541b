#include <cmath>
#include <filesystem>
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

// The code blocks of a language, with an empty line between them.
std::string code_of(const std::string& page, const std::string& language) {
  const std::string begin = "```" + language + "\n";
  std::string code;
  for (std::size_t at = 0; (at = page.find(begin, at)) != std::string::npos;) {
    at += begin.size();
    const std::size_t end = page.find("```\n", at);
    code += (code.empty() ? "" : "\n") + page.substr(at, end - at);
    at = end;
  }
  return code;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

// The numbers of a line, and in `words` what is left of it.
std::vector<double> numbers_of(const std::string& line, std::string& words) {
  std::vector<double> numbers;
  std::istringstream stream(line);
  for (std::string word; stream >> word;) {
    std::size_t used = 0;
    try {
      numbers.push_back(std::stod(word, &used));
    } catch (const std::invalid_argument&) {
      used = 0;
    }
    words += word.substr(used) + ' ';
  }
  return numbers;
}

}  // namespace

TEST_CASE("docs/tutorial.md shows the files that are compiled", "[docs]") {
  const std::string page = read_whole(kSource / "docs/tutorial.md");
  CHECK(code_of(page, "cpp") == read_whole(kSource / "tests/tutorial/tutorial.cpp"));
  CHECK(code_of(page, "cmake") == read_whole(kSource / "tests/tutorial/CMakeLists.txt"));
}

TEST_CASE("the program of docs/tutorial.md prints what the page shows") {
  const TemporaryFolder folder;
  const ProgramRun run = run_command(folder.path(), "", PISR_TUTORIAL, {});
  REQUIRE(run.code == 0);
  CHECK(run.err.empty());
  const std::vector<std::string> printed = lines_of(run.out);
  const std::vector<std::string> shown =
      lines_of(code_of(read_whole(kSource / "docs/tutorial.md"), "text"));
  REQUIRE(printed.size() == shown.size());
  REQUIRE(printed.size() == 8);
  for (std::size_t line = 0; line < printed.size(); ++line) {
    CAPTURE(printed[line], shown[line]);
    std::string words, shown_words;
    const std::vector<double> numbers = numbers_of(printed[line], words);
    const std::vector<double> shown_numbers = numbers_of(shown[line], shown_words);
    CHECK(words == shown_words);
    REQUIRE(numbers.size() == shown_numbers.size());
    REQUIRE_FALSE(numbers.empty());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      // Instruction sets round differently, which training makes larger.
      CHECK(std::abs(numbers[i] - shown_numbers[i]) < 0.2);
    }
  }
  std::string words;
  CHECK(numbers_of(printed.front(), words).front() < 1e-8);
  const std::vector<double> unseen = numbers_of(printed.back(), words);
  REQUIRE(unseen.size() == 2);
  CHECK(unseen[1] > unseen[0] + 6);
  CHECK(read_safetensors(folder.path() / "denoiser.safetensors").tensors.size() == 8);
}

}  // namespace pisr
