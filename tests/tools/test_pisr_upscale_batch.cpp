// pisr_upscale with folders and several inputs.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/mount.h>

#include "tests/catch.h"
#include "tests/skipped.h"
#include "tests/thrown.h"
#include "tests/tools/upscale_workplace.h"

using namespace pisr;

namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

int lines_with(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

/// Good and bad files, 9 of which are inputs and 4 of them good; and what is to be passed over.
void make_mixed_folder(const UpscaleWorkplace& work) {
  work.image("in/good.png", 1);
  work.image("in/caf\xC3\xA9 \xE2\x82\xAC.jpg", 2);
  work.image("in/-dash.bmp", 3);
  work.image("in/sub/deep/UPPER.PNG", 4);
  const std::string good = work.content("in/good.png");
  work.text("in/truncated.png", good.substr(0, good.size() / 2));
  work.text("in/empty.png", "");
  work.text("in/text.png", "no image at all");
  work.text("in/sub/new\nline.jpg", "neither");
  fs::create_symlink("round.png", work.path() / "in" / "round.png");
  work.image("in/.hidden.png", 5);
  work.image("in/.hidden/a.png", 5);
  work.text("in/notes.txt", "notes");
  fs::create_directory_symlink("../..", work.path() / "in" / "sub" / "loop");
  fs::create_directory_symlink(".", work.path() / "in" / "self");
}

}  // namespace

TEST_CASE("pisr_upscale: a folder of good and bad files", "[tools]") {
  const UpscaleWorkplace work;
  make_mixed_folder(work);
  const ProgramRun run = work.run({"-r", "-i", "in", "-o", "out", "--report", "report.json"});
  INFO(run.err);
  CHECK(run.code == 1);
  CHECK(run.out.empty());
  CHECK(lines_with(run.err, "pisr_upscale: error: ") == 5);
  CHECK(run.err.ends_with("pisr_upscale: 5 of 9 inputs failed\n"));
  CHECK(lines_with(run.err, "is not followed\n") == 2);
  CHECK(lines_with(run.err, "hint: ") == 0);
  CHECK(contains(run.err, "'in/sub/new\\x0aline.jpg'"));
  CHECK(work.files("out") == Texts{"-dash_x2.bmp", "caf\xC3\xA9 \xE2\x82\xAC_x2.jpg", "good_x2.png",
                                   "sub", "sub/deep", "sub/deep/UPPER_x2.PNG"});
  CHECK(read_image8(work.path() / "out/sub/deep/UPPER_x2.PNG").width == 34);

  const auto report = nlohmann::json::parse(work.content("report.json"));
  CHECK(report["scale"] == 2);
  CHECK(report["model"] == "m");
  CHECK(report["totals"]["inputs"] == 9);
  CHECK(report["totals"]["done"] == 4);
  CHECK(report["totals"]["failed"] == 5);
  CHECK(report["totals"]["skipped"] == 0);
  CHECK(report["totals"]["stopped"] == 0);
  CHECK(report["totals"]["pixels"] == 4 * 34 * 26);
  REQUIRE(report["inputs"].size() == 9);
  std::map<std::string, nlohmann::json> entries;
  for (const auto& entry : report["inputs"]) {
    CHECK(entry.size() == 9);
    entries[entry["input"]] = entry;
  }
  CHECK(entries.at("in/good.png")["status"] == "done");
  CHECK(entries.at("in/good.png")["error"].is_null());
  CHECK(entries.at("in/good.png")["output"] == "out/good_x2.png");
  CHECK(entries.at("in/good.png")["input_width"] == 17);
  CHECK(entries.at("in/good.png")["height"] == 26);
  const auto& truncated = entries.at("in/truncated.png");
  CHECK(truncated["status"] == "failed");
  CHECK(truncated["error"]["kind"] == "input");
  CHECK(truncated["error"]["text"] == "cannot decode 'in/truncated.png': truncated");
  CHECK(entries.at("in/sub/new\\x0aline.jpg")["status"] == "failed");
  CHECK(entries.at("in/round.png")["status"] == "failed");

  // Again: what is there is passed over, or an error each.
  const ProgramRun again = work.run({"-r", "in", "-o", "out", "--skip-existing", "--report", "-"});
  CHECK(again.code == 1);
  const auto second = nlohmann::json::parse(again.out);
  CHECK(second["totals"]["skipped"] == 4);
  CHECK(second["totals"]["failed"] == 5);
  const ProgramRun refused = work.run({"in/good.png", "in/-dash.bmp", "-o", "out"});
  CHECK(refused.code == 1);
  CHECK(refused.err ==
        "pisr_upscale: error: 'out/good_x2.png' exists\n"
        "pisr_upscale: error: 'out/-dash_x2.bmp' exists\n"
        "pisr_upscale: 2 of 2 inputs failed\n");
  CHECK(work.run({"in/good.png", "in/-dash.bmp", "-o", "out", "--overwrite"}).code == 0);
}

TEST_CASE("pisr_upscale --dry-run writes nothing and finds what fails", "[tools]") {
  const UpscaleWorkplace work;
  make_mixed_folder(work);
  const Texts before = work.files();
  const ProgramRun run = work.run({"-r", "in", "-o", "out", "--dry-run"});
  CHECK(run.code == 1);
  CHECK(lines_with(run.out, "\n") == 5);  // the header of the truncated one is whole
  CHECK(contains(run.out, "'in/good.png' -> 'out/good_x2.png' 34x26\n"));
  CHECK(contains(run.err, "cannot decode 'in/text.png'"));
  CHECK(contains(run.err, " inputs failed\n"));
  const ProgramRun report = work.run({"-r", "in", "-o", "out", "--dry-run", "--report", "-"});
  const auto json = nlohmann::json::parse(report.out);
  CHECK(json["totals"]["planned"].get<int>() + json["totals"]["failed"].get<int>() == 9);
  CHECK(work.run({"in/good.png", "-o", "o.png", "--dry-run"}).out ==
        "'in/good.png' -> 'o.png' 34x26\n");
  CHECK(work.run({"in/good.png", "-o", "in/good.png", "--dry-run"}).code == 4);
  CHECK(work.run({"in/good.png", "-o", "o.png", "--dry-run", "--max-pixels", "10"}).code == 7);
  CHECK(work.run({"in/good.png", "-o", "o.png", "--dry-run", "--report", "r.json"}).code == 2);
  CHECK(work.files() == before);
}

TEST_CASE("pisr_upscale: two inputs that would be one output are found before any work",
          "[tools]") {
  const UpscaleWorkplace work;
  work.image("a/x.png", 1);
  work.image("a/x.jpg", 2);
  work.image("b/x.png", 3);
  work.image("b/x_x2.png", 4);
  const Texts before = work.files();
  const auto refused = [&](const Texts& arguments, const std::string& text) {
    const ProgramRun run = work.run(arguments);
    CAPTURE(run.err);
    CHECK(run.code == 2);
    CHECK(contains(run.err, text));
    CHECK(work.files() == before);
  };
  refused({"a/x.png", "b/x.png", "-o", "out"},
          "'a/x.png' and 'b/x.png' would both be written to 'out/x_x2.png'");
  refused({"a", "b", "-o", "out"}, "would both be written to 'out/x_x2.png'");
  refused({"a", "-o", "out", "-f", "png"},
          "'a/x.jpg' and 'a/x.png' would both be written to 'out/x_x2.png'");
  refused({"a/x.png", "a/../a/x.png", "-o", "out"}, "would both be written to");
  refused({"b", "-o", "b", "--overwrite"},
          "'b/x.png' would be written to 'b/x_x2.png', which is an input too");
  CHECK(work.run({"a", "-o", "out", "-f", "png", "--name", "{name}_{model}.{ext}"}).code == 0);
  CHECK(work.files("out") == Texts{"x.jpg_m.png", "x.png_m.png"});

  fs::create_directory(work.path() / "case");
  work.image("case/y.png", 1);
  work.image("case/Y.png", 2);
  const ProgramRun alike = work.run({"case", "-o", "case_out"});
  CHECK(alike.code == 0);
  CHECK(alike.err ==
        "pisr_upscale: warning: 'case_out/Y_x2.png' and 'case_out/y_x2.png' differ by case only: "
        "on some disks they are one file\n");
}

TEST_CASE("pisr_upscale: where the outputs of one input and of several go", "[tools]") {
  const UpscaleWorkplace work;
  work.image("photo.png", 1);
  work.image("other.png", 2);
  work.text("file", "no folder");
  work.text("photo.dat", work.content("photo.png"));
  fs::create_directory(work.path() / "there");
  CHECK(work.run({"-i", "photo.png", "-o", "there"}).code == 0);
  CHECK(work.run({"-i", "photo.png", "-o", "new/folder/", "-f", "jpg"}).code == 0);
  CHECK(work.run({"-i", "photo.png", "other.png", "-o", "several"}).code == 0);
  CHECK(work.run({"-i", "photo.dat", "-o", "there/", "-f", "bmp"}).code == 0);
  CHECK(fs::exists(work.path() / "there/photo_x2.png"));
  CHECK(fs::exists(work.path() / "there/photo_x2.bmp"));
  CHECK(fs::exists(work.path() / "new/folder/photo_x2.jpg"));
  CHECK(fs::exists(work.path() / "several/other_x2.png"));
  const Texts before = work.files();
  const std::vector<std::pair<Texts, int>> table = {
      {{"photo.png", "other.png", "-o", "o.png"}, 2},
      {{"photo.png", "other.png", "-o", "file"}, 4},
      {{"there", "-o", "o.png"}, 2},
      {{"photo.dat", "-o", "there"}, 2},
      {{"photo.png", "-o", "o.gif"}, 2},
      {{"photo.png", "-o", "there", "-f", "gif"}, 2},
      {{"photo.png", "-o", "o.png", "-f", "jpg"}, 2},
      {{"photo.png", "-o", "o.png", "--name", "{stem}.png"}, 2},
      {{"photo.png", "-o", "there", "--name", "{stem}.gif"}, 2},
      {{"photo.png", "-o", "there", "--name", "all.png"}, 2},
      {{"photo.png", "-o", "there", "--name", "{stem}.png", "-f", "png"}, 2},
      {{"photo.png", "-o", "there", "--skip-existing", "--overwrite"}, 2},
      {{"photo.png", "-o", "there", "--progress", "bar"}, 2},
      {{"photo.png", "-o", "there", "--metadata", "some"}, 2},
      {{"photo.png", "-o", "there", "--png-level", "10"}, 2},
      {{"photo.png", "-o", "there", "--frames", "1"}, 2},
      {{"photo.png", "-o", "there", "-n", "../m"}, 2},
      {{"photo.png"}, 2},
      {{"", "-o", "there"}, 2},
      {{"none.png", "-o", "there"}, 3},
      {{"photo.png", "-o", "file/"}, 4},
      {{"photo.png", "-o", "there"}, 4},
      {{"photo.png", "-o", "o.png", "--report", "none/r.json"}, 4}};
  for (const auto& [arguments, code] : table) {
    const ProgramRun run = work.run(arguments);
    CAPTURE(arguments, run.err);
    CHECK(run.code == code);
    CHECK(run.err.starts_with("pisr_upscale: error: "));
    CHECK(work.files() == before);
  }
  const ProgramRun empty = work.run({"new", "-o", "there"});
  CHECK(empty.code == 3);
  CHECK(empty.err ==
        "pisr_upscale: error: no images in the folder 'new'\nhint: -r reads its sub-folders\n");
  CHECK(work.run({"several", "none", "-o", "last"}).code == 1);
  // The output folder within the input is not read.
  CHECK(work.run({"several", "-r", "-o", "several/out"}).code == 0);
  const ProgramRun second = work.run({"several", "-r", "-o", "several/out", "--skip-existing"});
  CHECK(second.code == 0);
  CHECK(contains(second.err, "'several/out' is the output folder"));
  CHECK(work.files("several/out") == Texts{"other_x2_x2.png", "photo_x2_x2.png"});
}

TEST_CASE("pisr_upscale: what is replaced keeps its mode, and links lead on", "[tools]") {
  const UpscaleWorkplace work;
  work.image("photo.png", 1);
  work.image("o.png", 2);
  fs::permissions(work.path() / "o.png", fs::perms(0600));
  fs::create_symlink("o.png", work.path() / "link.png");
  CHECK(work.run({"photo.png", "-o", "link.png"}).code == 4);
  CHECK(work.run({"photo.png", "-o", "link.png", "--overwrite"}).code == 0);
  CHECK(fs::is_symlink(work.path() / "link.png"));
  CHECK(read_image8(work.path() / "o.png").width == 34);
  CHECK(fs::status(work.path() / "o.png").permissions() == fs::perms(0600));
  CHECK(work.run({"photo.png", "-o", "photo.png"}).code == 4);
  CHECK(work.run({"photo.png", "-o", "photo.png", "--overwrite"}).code == 0);
  CHECK(read_image8(work.path() / "photo.png").width == 34);
}

TEST_CASE("pisr_upscale: names that begin with a dash", "[tools]") {
  const UpscaleWorkplace work;
  work.image("-photo.png", 1);
  CHECK(work.run({"-o", "out/", "--", "-photo.png"}).code == 0);
  CHECK(work.run({"--input=-photo.png", "--output=-large.png"}).code == 0);
  CHECK(fs::exists(work.path() / "out/-photo_x2.png"));
  CHECK(fs::exists(work.path() / "-large.png"));
}

TEST_CASE("pisr_upscale: a disk that is full ends all, a limit on files does not", "[tools]") {
  const UpscaleWorkplace work;
  for (const char* name : {"in/a.png", "in/b.png", "in/c.png"}) {
    work.image(name, 1, 200, 200);
  }
  work.image("in/d.png", 1, 2, 2);
  const ProgramRun limited = work.script("ulimit -f 8\n$UPSCALE in -o out\necho $?\n");
  INFO(limited.err);
  CHECK(limited.out == "1\n");
  CHECK(lines_with(limited.err, "File too large") == 3);
  CHECK(work.files("out") == Texts{"d_x2.png"});

  fs::create_directory(work.path() / "full");
  if (::mount("none", (work.path() / "full").c_str(), "tmpfs", 0, "size=16k") != 0) {
    skipped("full disk: no tmpfs can be mounted here");
    return;
  }
  for (const char* format : {"png", "jpg", "bmp"}) {
    CAPTURE(format);
    const ProgramRun full = work.run({"in", "-o", "full", "-f", format, "--report", "r.json"});
    CHECK(full.code == 4);
    CHECK(lines_with(full.err, "No space left on device") == 1);
    CHECK(work.files("full").empty());
    const auto report = nlohmann::json::parse(work.content("r.json"));
    CHECK(report["totals"]["failed"] == 1);
    CHECK(report["totals"]["stopped"] == 3);
  }
  CHECK(::umount((work.path() / "full").c_str()) == 0);
}

TEST_CASE("pisr_upscale: progress and what is said", "[tools]") {
  const UpscaleWorkplace work;
  work.image("in/a.png", 1);
  work.image("in/b.png", 2);
  work.text("in/c.png", "");
  const ProgramRun json = work.run({"in", "-o", "json", "--progress", "json"});
  CHECK(json.code == 1);
  std::istringstream lines(json.out);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line);
    CHECK(event["event"] == "image");
    CHECK(event["n"] == ++number);
    CHECK(event["of"] == 3);
    CHECK(event["status"] == (number < 3 ? "done" : "failed"));
  }
  CHECK(number == 3);
  const ProgramRun log = work.run({"in", "-o", "log", "--progress", "log"});
  CHECK(log.out.empty());
  CHECK(log.err.starts_with("[1/3] 'in/a.png' -> 'log/a_x2.png': 34x26, "));
  CHECK(contains(work.run({"in/a.png", "-o", "v.png", "-v"}).err,
                 "pisr_upscale: weights m: FSRCNN(4, 2, 1) x2, "));
  const ProgramRun line = work.run({"in", "-o", "line", "--progress", "line"});
  CHECK(contains(line.err, "\r\033[K"));
  CHECK(contains(line.err, "\r\033[Kpisr_upscale: error: cannot decode 'in/c.png'"));
  const ProgramRun quiet = work.run({"in", "-o", "quiet", "-q", "--progress", "log"});
  CHECK(quiet.err ==
        "pisr_upscale: error: cannot decode 'in/c.png': empty file\n"
        "pisr_upscale: 1 of 3 inputs failed\n");
  CHECK(work.run({"in", "-o", "x", "--progress", "json", "--report", "-"}).code == 2);
  // Nobody reads what it prints: the work is done all the same.
  const ProgramRun gone =
      work.script("($UPSCALE in/a.png in/b.png -o gone --progress json; echo $? >code) | true\n");
  CHECK(work.content("code") == "0\n");
  CHECK(work.files("gone").size() == 2);
}
