#include <string>
#include <vector>

#include "core/printable.h"
#include "tests/catch.h"

namespace pisr {
namespace {

TEST_CASE("printable text is one line of UTF-8", "[printable]") {
  struct Row {
    std::string text;
    std::string shown;
  };
  for (const Row& row :
       std::vector<Row>{{"", ""},
                        {"a b/c.png", "a b/c.png"},
                        {"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80",
                         "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"},
                        {"caf\xE9", "caf\\xe9"},
                        {"a\nb\x7F\x1B", "a\\x0ab\\x7f\\x1b"},
                        {std::string("\0a", 2), "\\x00a"},
                        {"\x80\xBF", "\\x80\\xbf"},                      // no first byte
                        {"\xC0\xAF \xC1\xBF", "\\xc0\\xaf \\xc1\\xbf"},  // longer than they need be
                        {"\xE0\x80\xAF", "\\xe0\\x80\\xaf"},
                        {"\xF0\x80\x80\xAF", "\\xf0\\x80\\x80\\xaf"},
                        {"\xED\xA0\x80", "\\xed\\xa0\\x80"},  // half of a surrogate pair
                        {"\xF4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
                        {"\xF5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"},
                        {"\xE2\x82", "\\xe2\\x82"},  // cut off
                        {"\xE2\x82z", "\\xe2\\x82z"},
                        {"\xC2\x85\xC2\xA0", "\\xc2\\x85\xC2\xA0"},  // a control character
                        {"\\xe9", "\\xe9"}}) {
    INFO(row.shown);
    CHECK(printable(row.text) == row.shown);
    CHECK(printable(row.shown) == row.shown);
  }
}

TEST_CASE("a path comes back from its text, whatever its bytes", "[printable]") {
  for (const std::string path : {"a/b.png", "caf\xC3\xA9", "caf\xE9/\xFF", "a\nb", "\\xe9",
                                 "\\\\x41", "\\x5c", "\\x", "C:\\xylophone"}) {
    const std::string text = path_to_text(path);
    INFO(text);
    CHECK(path_from_text(text) == path);
    CHECK(printable(text) == text);
  }
  CHECK(path_to_text("caf\xE9") == "caf\\xe9");
  CHECK(path_to_text("\\xe9") == "\\x5cxe9");
  CHECK(path_to_text("C:\\xylophone") == "C:\\xylophone");
}

}  // namespace
}  // namespace pisr
