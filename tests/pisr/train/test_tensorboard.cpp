#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "pisr/train/tensorboard.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace pisr;

namespace {

std::uint32_t crc_of(const std::string& text) {
  return crc32c(std::as_bytes(std::span(text.data(), text.size())));
}

std::uint64_t little_endian(const std::string& text, std::size_t at, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(text.at(at + static_cast<std::size_t>(i)))}
             << (8 * i);
  }
  return value;
}

/// The payloads of a file of TFRecords; every length and checksum is checked.
std::vector<std::string> read_records(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  std::vector<std::string> records;
  std::size_t at = 0;
  while (at < file.size()) {
    const auto masked = [](const std::string& text) {
      const std::uint32_t crc = crc_of(text);
      return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
    };
    const auto length = static_cast<std::size_t>(little_endian(file, at, 8));
    REQUIRE(little_endian(file, at + 8, 4) == masked(file.substr(at, 8)));
    records.push_back(file.substr(at + 12, length));
    REQUIRE(records.back().size() == length);
    REQUIRE(little_endian(file, at + 12 + length, 4) == masked(records.back()));
    at += 16 + length;
  }
  return records;
}

/// Fields of a protobuf message: number -> raw bytes (varints as 8 bytes).
std::map<int, std::string> fields_of(const std::string& text) {
  std::map<int, std::string> fields;
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(text.at(at++));
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) {
        return value;
      }
    }
  };
  while (at < text.size()) {
    const std::uint64_t key = varint();
    std::string value;
    switch (key & 7) {
      case 0: {
        const std::uint64_t number = varint();
        value.assign(reinterpret_cast<const char*>(&number), 8);
        break;
      }
      case 1:
        value = text.substr(at, 8);
        at += 8;
        break;
      case 2: {
        const auto length = static_cast<std::size_t>(varint());
        value = text.substr(at, length);
        at += length;
        break;
      }
      case 5:
        value = text.substr(at, 4);
        at += 4;
        break;
      default:
        FAIL("wire type " << (key & 7));
    }
    fields[static_cast<int>(key >> 3)] = value;
  }
  return fields;
}

struct Point {
  std::string tag;
  std::int64_t step;
  float value;
  double wall_time;
};

Point point_of(const std::string& record) {
  auto event = fields_of(record);
  auto value = fields_of(fields_of(event.at(5)).at(1));
  return {value.at(1), static_cast<std::int64_t>(little_endian(event.at(2), 0, 8)),
          std::bit_cast<float>(static_cast<std::uint32_t>(little_endian(value.at(2), 0, 4))),
          std::bit_cast<double>(little_endian(event.at(1), 0, 8))};
}

}  // namespace

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
