#include "core/safetensors_header.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "core/json_names.h"

namespace pisr {
namespace {

using Json = nlohmann::json;
constexpr const char* kMetadata = "__metadata__";

// Where something is wrong, for error texts.
struct Place {
  const std::string& file;
  std::string_view tensor;

  [[noreturn]] void refuse(const std::string& reason) const {
    throw Error(ErrorKind::weights, tensor.empty() ? message('\'', file, "': ", reason)
                                                   : message('\'', file, "': tensor ",
                                                             in_quotes(tensor), ": ", reason));
  }
};

// Parses the document and refuses what JSON leaves open: a name that occurs twice in one object. No
// valid header is nested more than three levels deep.
Json parse_strictly(std::string_view text, const Place& place) {
  constexpr int kMaxDepth = 3;
  RepeatedNames<Json> repeated;
  const auto check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxDepth) {
      place.refuse("header is nested too deeply");
    }
    if (const std::string* name = repeated.find(event, parsed)) {
      place.refuse(message("name ", in_quotes(*name), " stands twice in the header"));
    }
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), check);
  } catch (const Json::exception& error) {
    place.refuse(message("header is not valid JSON: ", in_quotes(error.what())));
  }
}

std::uint64_t unsigned_number(const Json& value, const char* what, const Place& place) {
  if (!value.is_number_unsigned()) {
    place.refuse(message(what, " must hold whole numbers, got ", in_quotes(value.dump())));
  }
  return value.get<std::uint64_t>();
}

DType parse_dtype(const Json& value, const Place& place) {
  if (value == "F32") return DType::f32;
  if (value == "F64") return DType::f64;
  const std::string got = value.is_string() ? value.get<std::string>() : value.dump();
  place.refuse(message("type ", in_quotes(got), " is not read, only F32 and F64"));
}

Shape parse_shape(const Json& value, const Place& place) {
  if (!value.is_array()) {
    place.refuse("shape is not a list");
  }
  std::vector<std::int64_t> extents;
  for (const Json& extent : value) {
    const std::uint64_t number = unsigned_number(extent, "shape", place);
    if (number > std::uint64_t{1} << 40) {
      place.refuse(message("shape ", in_quotes(value.dump()), " is too large"));
    }
    extents.push_back(static_cast<std::int64_t>(number));
  }
  try {
    return Shape(extents);
  } catch (const ShapeError& error) {
    place.refuse(error.what());
  }
}

TensorEntry parse_entry(const std::string& name, const Json& value, std::uint64_t data_size,
                        const Place& place) {
  if (!value.is_object()) {
    place.refuse("its entry is not an object");
  }
  for (const char* key : {"dtype", "shape", "data_offsets"}) {
    if (!value.contains(key)) {
      place.refuse(message(key, " is missing"));
    }
  }
  if (value.size() != 3) {
    place.refuse("its entry has more than dtype, shape and data_offsets");
  }
  TensorEntry entry{name, parse_dtype(value["dtype"], place), parse_shape(value["shape"], place), 0,
                    0};
  const Json& offsets = value["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2) {
    place.refuse("data_offsets is not a list of two");
  }
  entry.begin = unsigned_number(offsets[0], "data_offsets", place);
  entry.end = unsigned_number(offsets[1], "data_offsets", place);
  if (entry.begin > entry.end || entry.end > data_size) {
    place.refuse(message("data_offsets ", entry.begin, " to ", entry.end, " are not within the ",
                         data_size, " bytes of data"));
  }
  const std::uint64_t bytes =
      static_cast<std::uint64_t>(entry.shape.count()) * size_of(entry.dtype);
  if (entry.end - entry.begin != bytes) {
    place.refuse(message(entry.dtype, entry.shape, " needs ", bytes, " bytes, has ",
                         entry.end - entry.begin));
  }
  return entry;
}

std::map<std::string, std::string> parse_metadata(const Json& value, const Place& place) {
  std::map<std::string, std::string> metadata;
  if (value.is_null()) {
    return metadata;  // as some writers say that there are none
  }
  if (!value.is_object()) {
    place.refuse("__metadata__ is not an object");
  }
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) {
      place.refuse(message("__metadata__ ", in_quotes(key), " is not a string"));
    }
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

void check_coverage(const std::vector<TensorEntry>& entries, std::uint64_t data_size,
                    const std::string& file) {
  std::uint64_t end = 0;
  for (const TensorEntry& entry : entries) {
    if (entry.begin != end) {
      Place{file, entry.name}.refuse(
          message("its data starts at byte ", entry.begin,
                  entry.begin < end ? ", within" : ", behind a hole after",
                  " the one before, which ends at ", end));
    }
    end = entry.end;
  }
  if (end != data_size) {
    Place{file, {}}.refuse(
        message("file has ", data_size, " bytes of data, its tensors take ", end));
  }
}

}  // namespace

SafeTensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_size,
                                           const std::string& file) {
  const Place whole{file, {}};
  if (json.empty() || json.front() != '{') {
    whole.refuse("header does not start with '{'");
  }
  // The parser would take a zero byte for the end.
  if (json.find('\0') != std::string_view::npos) {
    whole.refuse("header holds a zero byte");
  }
  const Json document = parse_strictly(json, whole);
  SafeTensorsHeader header;
  for (const auto& [name, value] : document.items()) {
    if (name == kMetadata) {
      header.metadata = parse_metadata(value, whole);
    } else {
      header.entries.push_back(parse_entry(name, value, data_size, {file, name}));
    }
  }
  std::sort(header.entries.begin(), header.entries.end(),
            [](const TensorEntry& a, const TensorEntry& b) { return a.begin < b.begin; });
  check_coverage(header.entries, data_size, file);
  return header;
}

std::string format_safetensors_header(const SafeTensorsHeader& header) {
  Json document = Json::object();
  if (!header.metadata.empty()) {
    document[kMetadata] = header.metadata;
  }
  for (const TensorEntry& entry : header.entries) {
    Json shape = Json::array();
    for (int axis = 0; axis < entry.shape.rank(); ++axis) {
      shape.push_back(entry.shape[axis]);
    }
    document[entry.name] = {{"dtype", entry.dtype == DType::f32 ? "F32" : "F64"},
                            {"shape", std::move(shape)},
                            {"data_offsets", Json::array({entry.begin, entry.end})}};
  }
  try {
    std::string text = document.dump();
    text.append((8 - text.size() % 8) % 8, ' ');
    return text;
  } catch (const Json::exception&) {
    throw Error(ErrorKind::usage, "safetensors: names and metadata must be valid UTF-8");
  }
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 160;
  std::string result = "'";
  for (const char character : text.substr(0, kLongest)) {
    result += character >= ' ' && character <= '~' ? character : '?';
  }
  return result + (text.size() > kLongest ? "...'" : "'");
}

}  // namespace pisr
