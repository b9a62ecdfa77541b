#include "pisr/train/config_values.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/error.h"

namespace pisr {

namespace {

using Json = ConfigJson;

std::string number(double value) {
  // JSON's shortest form; integers as such.
  return std::abs(value) < 1e15 && value == std::floor(value)
             ? std::to_string(static_cast<std::int64_t>(value))
             : Json(value).dump();
}

std::string wanted_number(const char* kind, const Range& range) {
  return std::isinf(range.high)
             ? message(kind, " of at least ", number(range.low))
             : message(kind, " from ", number(range.low), " to ", number(range.high));
}

/// Sets one member from JSON. Each function says in its error what the value must be.
struct Reader {
  const Json& value;
  const ConfigField& field;
  const std::string& source;

  [[noreturn]] void must_be(const std::string& wanted) const {
    refuse(message(source, ": ", field.key, " must be ", wanted, ", got ", quoted(value)));
  }

  double number_in_range(const char* kind) const {
    const std::string wanted = wanted_number(kind, field.range);
    if (!value.is_number()) {
      must_be(wanted);
    }
    const double result = value.get<double>();
    if (!(result >= field.range.low && result <= field.range.high)) {
      must_be(wanted);
    }
    return result;
  }
  template <class Integer>
  Integer integer() const {
    const double result = number_in_range("an integer");
    if (result != std::floor(result)) {
      must_be(wanted_number("an integer", field.range));
    }
    if (value.is_number_float()) {
      // 1e6 is how people write a million.
      if (!(std::abs(result) < 9e15)) {
        must_be(wanted_number("an integer", field.range));
      }
      return static_cast<Integer>(result);
    }
    return value.get<Integer>();
  }

  void operator()(int* member) const { *member = integer<int>(); }
  void operator()(std::int64_t* member) const { *member = integer<std::int64_t>(); }
  void operator()(std::uint64_t* member) const { *member = integer<std::uint64_t>(); }
  void operator()(double* member) const { *member = number_in_range("a number"); }
  void operator()(std::optional<std::int64_t>* member) const {
    *member = value.is_null() ? std::nullopt : std::optional(integer<std::int64_t>());
  }
  void operator()(std::optional<double>* member) const {
    *member = value.is_null() ? std::nullopt : std::optional(number_in_range("a number"));
  }
  void operator()(bool* member) const {
    if (!value.is_boolean()) {
      must_be("true or false");
    }
    *member = value.get<bool>();
  }
  void operator()(std::string* member) const {
    if (!value.is_string()) {
      must_be("a text");
    }
    *member = value.get<std::string>();
  }
  void operator()(std::vector<std::string>* member) const {
    const auto is_text = [&](const Json& v) {
      return v.is_string() || (field.digits_are_text && v.is_number_integer());
    };
    const auto text = [](const Json& v) { return v.is_string() ? v.get<std::string>() : v.dump(); };
    if (is_text(value)) {
      *member = {text(value)};
      return;
    }
    if (!value.is_array() || !std::all_of(value.begin(), value.end(), is_text)) {
      must_be("a list of texts");
    }
    member->clear();
    std::transform(value.begin(), value.end(), std::back_inserter(*member), text);
  }
  void operator()(const ChoiceMember& member) const {
    std::string names;
    for (std::size_t i = 0; i < member.names.size(); ++i) {
      if (value.is_string() && value.get<std::string>() == member.names[i]) {
        member.set(i);
        return;
      }
      names += i == 0 ? "" : ", ";
      names += member.names[i];
    }
    must_be("one of " + names);
  }
};

/// The JSON of one member.
struct Writer {
  template <class T>
  Json operator()(const T* member) const {
    return Json(*member);
  }
  template <class T>
  Json operator()(const std::optional<T>* member) const {
    return member->has_value() ? Json(**member) : Json(nullptr);
  }
  Json operator()(const ChoiceMember& member) const { return Json(member.names[member.get()]); }
};

}  // namespace

void refuse(const std::string& text, const std::string& hint) {
  throw Error(ErrorKind::usage, text, hint);
}

std::string quoted(const Json& value) {
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > 60) {
    text.resize(57);
    text += "...";
  }
  return text;
}

void read_value(const Json& value, const ConfigField& field, const std::string& source) {
  std::visit(Reader{value, field, source}, field.member);
}

Json value_of(const ConfigField& field) {
  return std::visit(Writer{}, field.member);
}

std::string type_name(const ConfigField& field) {
  struct Namer {
    const Range& range;
    std::string integer() const { return wanted_number("integer", range); }
    std::string operator()(const int*) const { return integer(); }
    std::string operator()(const std::int64_t*) const { return integer(); }
    std::string operator()(const std::uint64_t*) const { return integer(); }
    std::string operator()(const double*) const { return wanted_number("number", range); }
    std::string operator()(const bool*) const { return "true or false"; }
    std::string operator()(const std::string*) const { return "text"; }
    std::string operator()(const std::vector<std::string>*) const { return "list of texts"; }
    std::string operator()(const std::optional<std::int64_t>*) const {
      return integer() + ", or null";
    }
    std::string operator()(const std::optional<double>*) const {
      return wanted_number("number", range) + ", or null";
    }
    std::string operator()(const ChoiceMember& member) const {
      std::string names;
      for (const std::string& choice : member.names) {
        names.append(names.empty() ? "`" : ", `").append(choice).append("`");
      }
      return names;
    }
  };
  return std::visit(Namer{field.range}, field.member);
}

}  // namespace pisr
