#include <csignal>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/atomic_file.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/skipped.h"
#include "tests/temporary_folder.h"

namespace pisr {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::ptrdiff_t files_in(const fs::path& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

// Lets no file grow beyond `bytes` while it lives: a full disk, as far as write() is concerned.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

// Writing `text` to `path` fails for `reason`, and leaves the folder as it was.
void check_fails(const fs::path& path, std::string_view text, const std::string& reason) {
  try {
    write_file_atomically(path, text);
    FAIL_CHECK("was written");
  } catch (const Error& error) {
    const std::string got = error.what();
    CAPTURE(got);
    CHECK(error.kind() == ErrorKind::output);
    CHECK(got.find("cannot write '" + path.string() + "'") == 0);
    CHECK(got.find(reason) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("a file is written and replaced", "[atomic_file]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "name with space \xC3\xA9";
  write_file_atomically(path, "first");
  CHECK(content(path) == "first");
  const std::string large(3'000'000, 'x');
  write_file_atomically(path, large);
  CHECK(content(path) == large);
  write_file_atomically(path, "");
  CHECK(content(path).empty());
  CHECK(files_in(folder.path()) == 1);
  const fs::path longest = folder.path() / std::string(255, 'n');
  write_file_atomically(longest, "long name");
  CHECK(content(longest) == "long name");
}

TEST_CASE("a relative path without a folder", "[atomic_file]") {
  const TemporaryFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  write_file_atomically("plain", "here");
  fs::current_path(before);
  CHECK(content(folder.path() / "plain") == "here");
}

TEST_CASE("a failed write leaves the old file and nothing else", "[atomic_file]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "file";
  write_file_atomically(path, "old");

  SECTION("folder missing") {
    check_fails(folder.path() / "absent" / "file", "new", "No such file or directory");
  }
  SECTION("a file for a folder") {
    check_fails(path / "file", "new", "Not a directory");
  }
  SECTION("a folder for a file") {
    fs::create_directory(folder.path() / "folder");
    check_fails(folder.path() / "folder", "new", "no regular file");
    CHECK(fs::is_directory(folder.path() / "folder"));
    fs::remove(folder.path() / "folder");
  }
  SECTION("name too long") {
    check_fails(folder.path() / std::string(256, 'n'), "new", "File name too long");
  }
  SECTION("a pipe") {
    REQUIRE(::mkfifo((folder.path() / "pipe").c_str(), 0600) == 0);
    check_fails(folder.path() / "pipe", "new", "no regular file");
    fs::remove(folder.path() / "pipe");
  }
  SECTION("no room after a part of it") {
    const FileSizeLimit limit(1000);
    check_fails(path, std::string(5000, 'x'), "File too large");
  }
  SECTION("read-only folder") {
    // Root may write everywhere, so it becomes nobody for a moment.
    const uid_t user = ::geteuid();
    constexpr uid_t kNobody = 65534;
    fs::permissions(folder.path(), fs::perms(0555));
    if (user == 0 && ::seteuid(kNobody) != 0) {
      skipped("read-only folder: root cannot become another user here");
    } else {
      check_fails(path, "new", "open: Permission denied");
      REQUIRE(::seteuid(user) == 0);
    }
    fs::permissions(folder.path(), fs::perms::owner_all);
  }
  CHECK(content(path) == "old");
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("a full disk leaves the old file", "[atomic_file]") {
  const TemporaryFolder folder;
  if (::mount("none", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
    skipped("full disk: no tmpfs can be mounted here");
    return;
  }
  const fs::path path = folder.path() / "file";
  write_file_atomically(path, "old");
  check_fails(path, std::string(200'000, 'x'), "No space left on device");
  CHECK_THROWS_AS(write_file_atomically(path, std::string(200'000, 'x')), NoSpaceError);
  CHECK(content(path) == "old");
  CHECK(files_in(folder.path()) == 1);
  CHECK(::umount(folder.path().c_str()) == 0);
}

TEST_CASE("a replaced file keeps its permissions", "[atomic_file]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "file";
  const mode_t before = ::umask(022);
  for (const unsigned mode : {0600U, 0444U, 0640U, 0755U, 0666U, 0000U}) {
    CAPTURE(mode);
    fs::remove(path);
    write_file_atomically(path, "old");
    CHECK(fs::status(path).permissions() == fs::perms(0644));
    fs::permissions(path, fs::perms(mode));
    write_file_atomically(path, "new");
    CHECK(fs::status(path).permissions() == fs::perms(mode));
  }
  fs::permissions(path, fs::perms(0600));
  {
    // Nobody else can read it while it is written.
    AtomicFile file(path);
    for (const auto& entry : fs::directory_iterator(folder.path())) {
      CHECK(entry.status().permissions() == fs::perms(0600));
    }
  }
  ::umask(before);
}

TEST_CASE("a file written by root keeps its owner", "[atomic_file]") {
  if (::geteuid() != 0) {
    skipped("owner of a replaced file: only root may give files away");
    return;
  }
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "file";
  write_file_atomically(path, "old");
  REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
  write_file_atomically(path, "new");
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK(status.st_uid == 65534);
  CHECK(status.st_gid == 65534);
}

TEST_CASE("a symbolic link stays, and what it leads to is replaced", "[atomic_file]") {
  const TemporaryFolder folder;
  fs::create_directory(folder.path() / "there");
  const fs::path target = folder.path() / "there" / "target";
  const fs::path link = folder.path() / "link";
  const fs::path second = folder.path() / "second";
  fs::create_symlink("there/target", link);
  fs::create_symlink(link, second);
  check_writable(link);
  CHECK(fs::is_empty(folder.path() / "there"));
  write_file_atomically(link, "made");  // the link led to no file yet
  CHECK(content(target) == "made");
  write_file_atomically(second, "replaced");
  CHECK(content(target) == "replaced");
  CHECK(fs::is_symlink(link));
  CHECK(fs::is_symlink(second));
  CHECK(files_in(folder.path() / "there") == 1);

  fs::create_symlink("round", folder.path() / "round");
  check_fails(folder.path() / "round", "new", "symbolic links");
  CHECK_THROWS_AS(check_writable(folder.path() / "round"), Error);
  fs::create_symlink("there", folder.path() / "to_folder");
  check_fails(folder.path() / "there", "new", "no regular file");
  CHECK(files_in(folder.path()) == 5);
}

TEST_CASE("a partial file grows beside its name", "[atomic_file]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "video";
  const fs::path part = folder.path() / "video.part";
  CHECK(PartialFile::name_of(path) == part);
  const auto write = [](PartialFile& file, std::string_view text) {
    file.write(std::as_bytes(std::span(text)));
  };
  {
    PartialFile file(path, PartialFile::Start::fresh);
    write(file, "one two th");
  }
  CHECK(content(part) == "one two th");
  CHECK(!fs::exists(path));
  CHECK_THROWS_AS(PartialFile(path, PartialFile::Start::fresh), Error);
  CHECK(content(part) == "one two th");
  {
    PartialFile file(path, PartialFile::Start::append);
    file.truncate(8);
    write(file, "three");
    file.commit();
  }
  CHECK(content(path) == "one two three");
  CHECK(!fs::exists(part));
  CHECK_THROWS_AS(PartialFile(path, PartialFile::Start::append), Error);

  fs::permissions(path, fs::perms(0600));
  fs::create_symlink("video", folder.path() / "link");
  write_file_atomically(part, "left over");
  {
    PartialFile file(folder.path() / "link", PartialFile::Start::replace);
    write(file, "new");
    file.commit();
  }
  CHECK(content(path) == "new");
  CHECK(fs::is_symlink(folder.path() / "link"));
  CHECK(fs::status(path).permissions() == fs::perms(0600));
  {
    PartialFile file(path, PartialFile::Start::fresh);
    file.discard();
  }
  CHECK(!fs::exists(part));
  CHECK_THROWS_AS(PartialFile(folder.path(), PartialFile::Start::fresh), Error);
}

TEST_CASE("several threads write one file", "[atomic_file][threads]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "file";
  std::vector<std::thread> threads;
  for (char letter = 'a'; letter < 'e'; ++letter) {
    threads.emplace_back([&path, letter] {
      for (int i = 0; i < 10; ++i) write_file_atomically(path, std::string(10'000, letter));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string text = content(path);
  REQUIRE(text.size() == 10'000);
  CHECK(text == std::string(10'000, text[0]));
  CHECK(files_in(folder.path()) == 1);
}

}  // namespace pisr
