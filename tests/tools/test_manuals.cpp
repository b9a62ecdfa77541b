#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "core/error.h"
#include "pisr/model/architectures.h"
#include "tests/catch.h"
#include "tests/skipped.h"
#include "tests/temporary_folder.h"
#include "tests/tools/run_program.h"
#include "tools/completion.h"
#include "tools/man_page.h"
#include "tools/option_list.h"

namespace pisr {
namespace {

/// A program, and where it lies.
struct Built {
  std::string name;
  std::string path;
};

const std::vector<Built>& programs() {
  static const std::vector<Built> kPrograms = {
      {"pisr_eval", PISR_PROGRAMS "/pisr_eval"},
      {"pisr_report", PISR_PROGRAMS "/pisr_report"},
      {"pisr_train", PISR_PROGRAMS "/pisr_train"},
      {"pisr_upscale", PISR_PROGRAMS "/pisr_upscale"},
#ifdef PISR_BENCH_FOLDER
      {"pisr_bench", PISR_BENCH_FOLDER "/pisr_bench"},
#endif
  };
  return kPrograms;
}

/// Options of every kind, with the characters that troff and shells take for their own.
class Sample {
 public:
  Sample() {
    app.add_option("-f,--file", text, "A 'file' [of 1]: not `$HOME`; more")->type_name("FILE");
    app.add_option("--folder", text, ".hidden \\n folder")->type_name("FOLDER");
    app.add_option("-s,--scale", number, "Scale")->check(CLI::IsMember({2, 3}));
    app.add_option("-n,--number", number, "Number")->check(CLI::Range(0, 9))->capture_default_str();
    app.add_option("-k,--kind", text, "Kind")->type_name("{one, other}");
    app.add_option("-t,--title", text, "Title")->type_name("TEXT");
    app.add_flag("-q,--quiet", quiet, "No words");
    app.add_option("--secret", text, "Hidden")->group("");
    app.add_option("inputs", several, "Inputs")->type_name("PATH")->required();
  }

  CLI::App app{"What it does, and how", "sample"};
  std::string text;
  std::vector<std::string> several;
  int number = 5;
  bool quiet = false;
};

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
}

bool has_command(const TemporaryFolder& folder, const std::string& command) {
  return run_command(folder.path(), "", "bash", {"-c", "command -v " + command}).code == 0;
}

/// What bash completes in `folder` where `words` have been typed; the last may be unfinished.
std::vector<std::string> completed(const TemporaryFolder& folder, const std::string& program,
                                   const std::string& script,
                                   const std::vector<std::string>& words) {
  write(folder.path() / ".script", script);
  std::string typed;
  for (const std::string& word : words) typed += " \"" + word + "\"";
  write(folder.path() / ".complete", "source ./.script && COMP_WORDS=(" + program + typed +
                                         ") && COMP_CWORD=" + std::to_string(words.size()) +
                                         " && _" + program +
                                         " && printf '%s\\n' \"${COMPREPLY[@]}\"\n");
  const ProgramRun run = run_command(folder.path(), "", "bash", {".complete"});
  CHECK(run.err == "");
  CHECK(run.code == 0);
  std::vector<std::string> lines;
  std::istringstream stream(run.out);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("options of a program are listed by their kind", "[manuals]") {
  const Sample sample;
  using Value = ProgramOption::Value;
  const std::vector<ProgramOption> options = options_of(sample.app);
  REQUIRE(options.size() == 9);  // -h, and all but the hidden one
  CHECK(options[0].long_names == Words{"help"});
  CHECK(options[1].short_names == Words{"f"});
  CHECK(options[1].value == Value::file);
  CHECK(options[2].value == Value::folder);
  CHECK(options[3].value == Value::choice);
  CHECK(options[3].choices == Words{"2", "3"});
  CHECK(options[4].value == Value::number);
  CHECK(options[4].value_name == "INT");
  CHECK(options[4].default_value == "5");
  CHECK(options[5].choices == Words{"one", "other"});
  CHECK(options[6].value == Value::other);
  CHECK(options[7].value == Value::none);
  CHECK(!options[7].takes_several);
  CHECK(options[8].positional == "inputs");
  CHECK(!options[8].is_option());
  CHECK(options[8].takes_several);
  CHECK(options[8].required);
  CHECK(up_to("one; two. three", {". ", ";"}) == "one");
  CHECK(up_to("one", {";"}) == "one");
}

TEST_CASE("a manual page escapes what troff takes for its own", "[manuals]") {
  const std::string page = man_page(Sample().app);
  CHECK_THAT(page, Catch::Contains("\n.SH NAME\nsample \\- What it does\n"));
  CHECK_THAT(page, Catch::Contains("\\fB\\-f\\fR, \\fB\\-\\-file\\fR \\fIFILE\\fR\n"
                                   "A \\(aqfile\\(aq [of 1]: not `$HOME`; more.\n"));
  CHECK_THAT(page, Catch::Contains("\n\\&.hidden \\en folder.\n"));
  CHECK_THAT(page, Catch::Contains("\\fB2\\fR|\\fB3\\fR\nScale.\n"));
  CHECK_THAT(page, Catch::Contains("Number. Default: 5.\n"));
  CHECK_THAT(page, Catch::Contains("\n\\fBsample\\fR [\\fIoption\\fR ...] \\fIinputs\\fR ...\n"));
  CHECK_THAT(page, !Catch::Contains("secret"));
}

TEST_CASE("every program makes a manual page that troff has no word against", "[manuals]") {
  const TemporaryFolder folder;
  if (!has_command(folder, "groff")) {
    skipped("manual pages: no groff");
    return;
  }
  const auto complaints = [&](const std::string& page) {
    write(folder.path() / "page.1", page);
    return run_command(folder.path(), "", "groff", {"-man", "-Tutf8", "-ww", "-z", "page.1"}).err;
  };
  CHECK(complaints(".TH A 1\n\\fBx\\fR\n.nonsense\n") != "");  // it finds faults
  CHECK(complaints(man_page(Sample().app)) == "");
  for (const Built& program : programs()) {
    const ProgramRun run = run_command(folder.path(), "", program.path, {"--generate", "man"});
    CAPTURE(program.name);
    CHECK(run.code == 0);
    CHECK(run.err == "");
    CHECK(complaints(run.out) == "");
    CHECK_THAT(run.out, Catch::Contains("\\fB\\-h\\fR, \\fB\\-\\-help\\fR"));
    CHECK_THAT(run.out, Catch::Contains("\\fB\\-\\-backend\\fR"));
    for (const Built& other : programs()) {
      if (other.name != program.name) {
        CHECK_THAT(run.out, Catch::Contains("\\fB" + other.name + "\\fR(1)"));
      }
    }
  }
}

TEST_CASE("shells accept what every program makes for them", "[manuals]") {
  const TemporaryFolder folder;
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    if (!has_command(folder, shell)) {
      skipped("completion: no " + shell);
      continue;
    }
    const auto accepts = [&](const std::string& script) {
      write(folder.path() / "script", script);
      const ProgramRun run = run_command(folder.path(), "", shell, {"-n", "script"});
      return run.code == 0 && run.err.empty();
    };
    CHECK(!accepts("if 'x\n"));
    const Sample sample;
    CHECK(accepts(shell == "bash"  ? bash_completion(sample.app)
                  : shell == "zsh" ? zsh_completion(sample.app)
                                   : fish_completion(sample.app)));
    for (const Built& program : programs()) {
      const ProgramRun run = run_command(folder.path(), "", program.path, {"--generate", shell});
      CAPTURE(shell, program.name);
      CHECK(run.code == 0);
      CHECK(accepts(run.out));
    }
  }
}

TEST_CASE("bash completes options, choices and names of files", "[manuals]") {
  const TemporaryFolder folder;
  write(folder.path() / "a picture.png", "");
  std::filesystem::create_directory(folder.path() / "a folder");
  const std::string script = run_program(folder.path(), "pisr_upscale", {"--generate", "bash"}).out;
  const auto complete = [&](const Words& words) {
    return completed(folder, "pisr_upscale", script, words);
  };
  CHECK(complete({"--sc"}) == Words{"--scale"});
  CHECK(complete({"--model"}) == Words{"--model-name", "--model"});
  CHECK(complete({"-s", ""}) == Words{"2", "3", "4"});
  CHECK(complete({"--scale", "=", "3"}) == Words{"3"});
  CHECK(complete({"--scale", "="}) == Words{"2", "3", "4"});
  CHECK(complete({"-i", "a p"}) == Words{"a picture.png"});
  CHECK(complete({"-i", "a picture.png", "a f"}) == Words{"a folder"});
  CHECK(complete({"a p"}) == Words{"a picture.png"});
  CHECK(complete({"-j", ""}).empty());
  CHECK(complete({"--metadata", "st"}) == Words{"strip"});
  CHECK(complete({"-x", "--gen"}).empty());
  for (const Architecture& row : architectures()) {
    CHECK(complete({"--architecture", row.name}).front() == row.name);
  }

  const Sample sample;
  const auto of_sample = [&](const Words& words) {
    return completed(folder, "sample", bash_completion(sample.app), words);
  };
  CHECK(of_sample({"--folder", "a"}) == Words{"a folder"});
  CHECK(of_sample({"--title", "a"}).empty());
  CHECK(of_sample({"-k", ""}) == Words{"one", "other"});
}

TEST_CASE("--generate refuses what there is not", "[manuals]") {
  const TemporaryFolder folder;
  const ProgramRun run = run_program(folder.path(), "pisr_eval", {"--generate", "csh"});
  CHECK(run.code == static_cast<int>(ErrorKind::usage));
  CHECK(run.out == "");
  CHECK(run_program(folder.path(), "pisr_eval", {"-h"}).out.find("--generate") ==
        std::string::npos);
}

}  // namespace pisr
