#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "pisr/train/tensorboard.h"
#include "tests/catch.h"
#include "tests/pisr/train/event_file.h"
#include "tests/temporary_folder.h"

using namespace pisr;

TEST_CASE("crc32c agrees with the vectors of RFC 3720", "[tensorboard]") {
  CHECK(crc_of("123456789") == 0xE3069283U);
  CHECK(crc_of(std::string(32, '\0')) == 0x8A9136AAU);
  CHECK(crc_of(std::string(32, '\xFF')) == 0x62A8AB43U);
  std::string rising;
  for (int i = 0; i < 32; ++i) {
    rising.push_back(static_cast<char>(i));
  }
  CHECK(crc_of(rising) == 0x46DD794EU);
  CHECK(crc_of("") == 0U);
}

TEST_CASE("an event file reads back", "[tensorboard]") {
  const TemporaryFolder folder;
  const auto directory = folder.path() / "run" / "tb";
  EventWriter writer(directory);
  writer.scalar("loss/total", 1, 0.125, 1000.5);
  writer.scalar("psnr/Set5", 300, 37.25);
  writer.scalar("loss/total", std::int64_t{1} << 40, std::numeric_limits<double>::quiet_NaN(), 2);
  writer.flush();

  const auto records = read_records(writer.path());
  REQUIRE(records.size() == 5);
  CHECK(fields_of(records[0]).at(3) == "brain.Event:2");
  // SessionLog { status: START } from step 0 on.
  auto start = fields_of(records[1]);
  CHECK(little_endian(start.at(2), 0, 8) == 0);
  CHECK(start.at(7) == std::string("\x08\x01"));
  const Point first = point_of(records[2]);
  CHECK(first.tag == "loss/total");
  CHECK(first.step == 1);
  CHECK(first.value == 0.125F);
  CHECK(first.wall_time == 1000.5);
  const Point second = point_of(records[3]);
  CHECK(second.tag == "psnr/Set5");
  CHECK(second.step == 300);
  CHECK(second.value == 37.25F);
  CHECK(second.wall_time > 1.7e9);
  const Point third = point_of(records[4]);
  CHECK(third.step == std::int64_t{1} << 40);
  CHECK(std::isnan(third.value));
}

TEST_CASE("a second writer makes a second file", "[tensorboard]") {
  const TemporaryFolder folder;
  EventWriter first(folder.path());
  first.scalar("a", 1, 1);
  first.flush();
  EventWriter second(folder.path());
  CHECK(first.path() != second.path());
  CHECK(read_records(first.path()).size() == 3);
  CHECK(read_records(second.path()).size() == 2);
}

TEST_CASE("what a resumed run writes again is dropped from the curves", "[tensorboard]") {
  const TemporaryFolder folder;
  std::vector<std::filesystem::path> files;
  for (const std::int64_t begin : {1, 4}) {
    EventWriter writer(folder.path(), begin);
    for (std::int64_t step = begin; step < begin + 3; ++step) {
      writer.scalar("teacher/loss", 10 * step, 1);
      writer.scalar("student/psnr", step, 1);
    }
    writer.flush();
    files.push_back(writer.path());
  }
  // The last one was killed while it wrote; what cannot be read at all is not touched.
  std::ofstream(files[1], std::ios::binary | std::ios::app) << "half a record";
  std::ofstream(folder.path() / "events.out.tfevents.1.other") << "not ours";
  std::ofstream(folder.path() / "notes.txt") << "x";

  const auto keep = [](const std::string& phase, std::int64_t step) {
    return phase == "teacher" || (phase == "student" && step <= 4);
  };
  CHECK(filter_events(folder.path(), keep) == 60);
  std::map<std::string, std::vector<std::int64_t>> steps;
  for (const std::filesystem::path& file : files) {
    for (const std::string& record : read_records(file)) {
      if (fields_of(record).contains(5)) {
        steps[point_of(record).tag].push_back(point_of(record).step);
      }
    }
  }
  CHECK(steps.at("teacher/loss") == std::vector<std::int64_t>{10, 20, 30, 40, 50, 60});
  CHECK(steps.at("student/psnr") == std::vector<std::int64_t>{1, 2, 3, 4});
  CHECK(std::filesystem::file_size(folder.path() / "events.out.tfevents.1.other") == 8);
  CHECK(std::filesystem::exists(folder.path() / "notes.txt"));

  CHECK(filter_events(folder.path() / "absent", keep) == -1);
  const auto none = [](const std::string&, std::int64_t) { return false; };
  CHECK(filter_events(folder.path(), none) == -1);
  CHECK(read_records(files[0]).size() == 2);
}

TEST_CASE("a damaged event ends its file", "[tensorboard]") {
  const TemporaryFolder folder;
  EventWriter writer(folder.path());
  writer.scalar("teacher/loss", 1, 1);
  writer.flush();
  const auto good = std::filesystem::file_size(writer.path());
  writer.scalar("teacher/loss", 2, 1);
  writer.scalar("teacher/loss", 3, 1);
  writer.flush();
  std::fstream stream(writer.path(), std::ios::binary | std::ios::in | std::ios::out);
  stream.seekp(static_cast<std::streamoff>(good) + 20);
  stream.put('\x7F');
  stream.close();
  const auto all = [](const std::string&, std::int64_t) { return true; };
  CHECK(filter_events(folder.path(), all) == 1);
  CHECK(std::filesystem::file_size(writer.path()) == good);
}

TEST_CASE("an event file that cannot be made is one clear error", "[tensorboard]") {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "file") << "x";
  try {
    const EventWriter writer(folder.path() / "file" / "tb");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::output);
    CHECK(std::string(error.what()).find("tb") != std::string::npos);
  }
}
