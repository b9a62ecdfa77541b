#pragma once

#include <set>
#include <string>
#include <vector>

namespace pisr {

/// Finds a name given twice in one object of a JSON document. JSON does not forbid it, and the
/// parser would keep one of the values and drop the other without a word. To be told of every event
/// by the callback of `Json::parse`, where Json is a type of nlohmann's library.
template <class Json>
class RepeatedNames {
 public:
  /// The name that this event gives, where its object has it already; null otherwise.
  const std::string* find(typename Json::parse_event_t event, const Json& parsed) {
    if (event == Json::parse_event_t::object_start) {
      open_.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      open_.pop_back();
    } else if (event == Json::parse_event_t::key) {
      const auto& name = parsed.template get_ref<const std::string&>();
      return open_.back().insert(name).second ? nullptr : &name;
    }
    return nullptr;
  }

 private:
  std::vector<std::set<std::string>> open_;  ///< the names so far in each object that is open
};

}  // namespace pisr
