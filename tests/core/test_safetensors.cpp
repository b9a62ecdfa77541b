#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "core/philox.h"
#include "core/safetensors.h"
#include "tests/catch.h"
#include "tests/shared_data.h"
#include "tests/temporary_folder.h"

namespace pisr {
namespace {

using Bytes = std::vector<std::byte>;

// A file with this header and `data_size` zero bytes of data.
Bytes file_of(const std::string& header, std::size_t data_size) {
  const std::uint64_t length = header.size();
  Bytes bytes(8 + header.size() + data_size);
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || !(a.shape() == b.shape())) return false;
  return with_type(a.dtype(), [&]<class T>() {
    return std::memcmp(a.data<T>(), b.data<T>(), static_cast<std::size_t>(a.count()) * sizeof(T)) ==
           0;
  });
}

SafeTensors sample_file() {
  SafeTensors file;
  file.tensors["b.weight"] = Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {1, 2, 3, 1});
  file.tensors["a"] = Tensor::from(std::vector<double>{0.1}, {});
  file.tensors["c"] =
      Tensor::from(std::vector<float>{std::numeric_limits<float>::quiet_NaN(), -0.0F, 1e-45F}, {3});
  file.tensors["d \"quoted\" \xC3\xA9"] = Tensor::from(std::vector<double>{1.5, -2.5}, {2, 1});
  file.metadata = {{"scale", "2"}, {"text", "line\nbreak \xC3\xA9"}};
  return file;
}

}  // namespace

TEST_CASE("safetensors: what is written is read back bit for bit", "[safetensors]") {
  const SafeTensors file = sample_file();
  const Bytes bytes = serialise_safetensors(file);
  const SafeTensors back = parse_safetensors(bytes, "sample");
  REQUIRE(back.tensors.size() == file.tensors.size());
  for (const auto& [name, tensor] : file.tensors) {
    CAPTURE(name);
    REQUIRE(back.tensors.contains(name));
    CHECK(same_bits(back.tensors.at(name), tensor));
  }
  CHECK(back.metadata == file.metadata);
  CHECK(serialise_safetensors(back) == bytes);

  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  CHECK(length % 8 == 0);
  CHECK(static_cast<char>(bytes[8]) == '{');
}

TEST_CASE("safetensors: a file without tensors", "[safetensors]") {
  const SafeTensors back = parse_safetensors(serialise_safetensors({}), "empty");
  CHECK(back.tensors.empty());
  CHECK(back.metadata.empty());
  CHECK(parse_safetensors(file_of("{}", 0), "empty").tensors.empty());
}

TEST_CASE("safetensors: metadata of null are none", "[safetensors]") {
  CHECK(parse_safetensors(file_of(R"({"__metadata__":null})", 0), "f").metadata.empty());
}

TEST_CASE("safetensors: malformed files are refused with a reason", "[safetensors]") {
  struct Wrong {
    std::string header;
    std::size_t data;
    std::string reason;
  };
  const std::string a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  const auto entry = [](const std::string& dtype, const std::string& shape,
                        const std::string& offsets) {
    return R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets +
           "}}";
  };
  const std::vector<Wrong> table = {
      {"", 0, "header does not start with '{'"},
      {" {}", 0, "header does not start with '{'"},
      {"[]", 0, "header does not start with '{'"},
      {"\xEF\xBB\xBF{}", 0, "header does not start with '{'"},
      {"{", 0, "not valid JSON"},
      {"{}}", 0, "not valid JSON"},
      {"{} x", 0, "not valid JSON"},
      {std::string("{}\0", 3), 0, "header holds a zero byte"},
      {"{" + a, 8, "not valid JSON"},
      {"{" + a + ",}", 8, "not valid JSON"},
      {"{\"a\xFF\":{}}", 0, "not valid JSON"},
      {"{" + a + "," + a + "}", 8, "name 'a' stands twice"},
      {R"({"a":{"dtype":"F32","dtype":"F64","shape":[2],"data_offsets":[0,8]}})", 8,
       "name 'dtype' stands twice"},
      {R"({"__metadata__":{"k":"1","k":"2"}})", 0, "name 'k' stands twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", 0, "name '__metadata__' stands twice"},
      {R"({"__metadata__":[]})", 0, "__metadata__ is not an object"},
      {R"({"__metadata__":{"k":1}})", 0, "__metadata__ 'k' is not a string"},
      {R"({"__metadata__":{"k":{"l":{"m":{"n":{}}}}}})", 0, "nested too deeply"},
      {"{\"a\":" + std::string(100000, '['), 0, "nested too deeply"},
      {R"({"a":1})", 0, "its entry is not an object"},
      {R"({"a":null})", 0, "its entry is not an object"},
      {R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8, "dtype is missing"},
      {R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", 8, "shape is missing"},
      {R"({"a":{"dtype":"F32","shape":[2]}})", 8, "data_offsets is missing"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", 8, "has more than"},
      {entry("\"I64\"", "[]", "[0,8]"), 8, "tensor 'a': type 'I64' is not read"},
      {entry("\"BF16\"", "[4]", "[0,8]"), 8, "type 'BF16' is not read"},
      {entry("\"f32\"", "[2]", "[0,8]"), 8, "is not read, only F32 and F64"},
      {entry("32", "[2]", "[0,8]"), 8, "type '32' is not read"},
      {entry("\"F32\"", "2", "[0,8]"), 8, "shape is not a list"},
      {entry("\"F32\"", "[2.0]", "[0,8]"), 8, "shape must hold whole numbers, got '2.0'"},
      {entry("\"F32\"", "[-2]", "[0,8]"), 8, "shape must hold whole numbers, got '-2'"},
      {entry("\"F32\"", "[\"2\"]", "[0,8]"), 8, "shape must hold whole numbers"},
      {entry("\"F32\"", "[0]", "[0,0]"), 0, "every extent must be at least 1"},
      {entry("\"F32\"", "[1,1,1,1,2]", "[0,8]"), 8, "at most 4 extents"},
      {entry("\"F32\"", "[18446744073709551615]", "[0,8]"), 8, "is too large"},
      {entry("\"F32\"", "[99999999999999999999999]", "[0,8]"), 8, "shape must hold whole numbers"},
      {entry("\"F32\"", "[1099511627776,1099511627776]", "[0,8]"), 8, "more than 2^40 elements"},
      {entry("\"F32\"", "[4294967296,4294967296,4294967296,4]", "[0,8]"), 8, "more than 2^40"},
      {entry("\"F32\"", "[2]", "[0]"), 8, "data_offsets is not a list of two"},
      {entry("\"F32\"", "[2]", "[0,8,8]"), 8, "data_offsets is not a list of two"},
      {entry("\"F32\"", "[2]", "{}"), 8, "data_offsets is not a list of two"},
      {entry("\"F32\"", "[2]", "[8,0]"), 8, "not within the 8 bytes"},
      {entry("\"F32\"", "[2]", "[-8,0]"), 8, "data_offsets must hold whole numbers"},
      {entry("\"F32\"", "[2]", "[0,9]"), 8, "not within the 8 bytes"},
      {entry("\"F32\"", "[2]", "[18446744073709551608,18446744073709551615]"), 8,
       "not within the 8 bytes"},
      {entry("\"F32\"", "[3]", "[0,8]"), 8, "f32[3] needs 12 bytes, has 8"},
      {entry("\"F64\"", "[2]", "[0,8]"), 8, "f64[2] needs 16 bytes, has 8"},
      {entry("\"F32\"", "[2]", "[0,8]"), 9, "file has 9 bytes of data, its tensors take 8"},
      {entry("\"F32\"", "[2]", "[4,12]"), 12, "behind a hole"},
      {"{" + a + R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12, "within"},
      {"{" + a + R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8, "within"},
      {"{" + a + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}})", 16, "a hole"},
      {"{}", 4, "file has 4 bytes of data, its tensors take 0"},
  };
  for (const Wrong& wrong : table) {
    CAPTURE(wrong.header.substr(0, 200), wrong.reason);
    try {
      parse_safetensors(file_of(wrong.header, wrong.data), "file.safetensors");
      FAIL_CHECK("was accepted");
    } catch (const Error& error) {
      const std::string text = error.what();
      CAPTURE(text);
      CHECK(error.kind() == ErrorKind::weights);
      CHECK(text.find("'file.safetensors': ") == 0);
      CHECK(text.find(wrong.reason) != std::string::npos);
      CHECK(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }));
    }
  }
}

TEST_CASE("safetensors: wrong lengths are refused", "[safetensors]") {
  const Bytes whole = serialise_safetensors(sample_file());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_THROWS_AS(parse_safetensors(std::span(whole).first(size), "cut"), Error);
  }
  for (const std::uint64_t length :
       {std::uint64_t{100'000'001}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    Bytes bytes = whole;
    std::memcpy(bytes.data(), &length, 8);
    CHECK_THROWS_WITH(parse_safetensors(bytes, "long"),
                      Catch::Contains("more than the 100000000 allowed"));
  }
  Bytes longer = whole;
  longer.emplace_back();
  CHECK_THROWS_WITH(parse_safetensors(longer, "longer"), Catch::Contains("its tensors take"));
}

TEST_CASE("safetensors: 2000 random mutations are refused or read, never more", "[safetensors]") {
  const Bytes whole = serialise_safetensors(sample_file());
  int refused = 0;
  for (std::uint64_t round = 0; round < 2000; ++round) {
    Random random(7, RandomUse::test, round);
    Bytes bytes = whole;
    const std::uint32_t changes = 1 + random.below(4);
    for (std::uint32_t i = 0; i < changes && !bytes.empty(); ++i) {
      const std::size_t at = random.below(static_cast<std::uint32_t>(bytes.size()));
      const auto position = bytes.begin() + static_cast<std::ptrdiff_t>(at);
      switch (random.below(4)) {
        case 0:
          *position = static_cast<std::byte>(random.below(256));
          break;
        case 1:
          bytes.erase(position);
          break;
        case 2:
          bytes.insert(position, static_cast<std::byte>("{}[]\",:0912"[random.below(11)]));
          break;
        default:
          bytes.resize(at);
      }
    }
    try {
      const SafeTensors file = parse_safetensors(bytes, "mutated");
      CHECK(parse_safetensors(serialise_safetensors(file), "again").tensors.size() ==
            file.tensors.size());
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::weights);
      ++refused;
    }
  }
  CHECK(refused > 1000);
}

TEST_CASE("safetensors: what cannot be written is refused", "[safetensors]") {
  SafeTensors file;
  file.tensors["x"] = Tensor();
  CHECK_THROWS_WITH(serialise_safetensors(file), "safetensors: tensor 'x' is undefined");
  file.tensors = {{"__metadata__", Tensor::zeros({1})}};
  CHECK_THROWS_WITH(serialise_safetensors(file),
                    "safetensors: tensor '__metadata__': the name is reserved");
  file.tensors = {{"\xFF", Tensor::zeros({1})}};
  CHECK_THROWS_WITH(serialise_safetensors(file), Catch::Contains("valid UTF-8"));
}

TEST_CASE("safetensors: files", "[safetensors]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "a b.safetensors";
  write_safetensors(path, sample_file());
  CHECK(serialise_safetensors(read_safetensors(path)) == serialise_safetensors(sample_file()));

  CHECK_THROWS_WITH(read_safetensors(folder.path() / "absent"), Catch::Contains("no such file"));
  CHECK_THROWS_WITH(read_safetensors(folder.path()), Catch::Contains("not a regular file"));
  CHECK_THROWS_WITH(read_safetensors("/dev/zero"), Catch::Contains("not a regular file"));
  std::ofstream(folder.path() / "empty").close();
  CHECK_THROWS_WITH(read_safetensors(folder.path() / "empty"), Catch::Contains("has only 0 bytes"));
  std::ofstream(folder.path() / "png") << "\x89PNG and more of it";
  CHECK_THROWS_WITH(read_safetensors(folder.path() / "png"),
                    Catch::Contains("not a safetensors file"));
  try {
    write_safetensors(folder.path() / "absent" / "x.safetensors", sample_file());
    FAIL("was written");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::output);
  }
}

TEST_CASE("safetensors: published weights are read, and kept by writing", "[safetensors]") {
  const auto folder = shared_data("weights");
  if (!folder) return;
  int files = 0;
  for (const auto& item : std::filesystem::directory_iterator(*folder)) {
    if (item.path().extension() != ".safetensors") continue;
    CAPTURE(item.path().string());
    const SafeTensors file = read_safetensors(item.path());
    CHECK_FALSE(file.tensors.empty());
    const SafeTensors back = parse_safetensors(serialise_safetensors(file), "back");
    CHECK(back.metadata == file.metadata);
    REQUIRE(back.tensors.size() == file.tensors.size());
    for (const auto& [name, tensor] : file.tensors) {
      CHECK(same_bits(back.tensors.at(name), tensor));
    }
    ++files;
  }
  CHECK(files > 0);
}

}  // namespace pisr
