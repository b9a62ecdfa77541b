#include <string>

#include "core/error.h"
#include "tests/catch.h"
#include "tests/thrown.h"
#include "tools/output_name.h"

namespace pisr {

TEST_CASE("names of outputs: fields, braces, and what is refused", "[tools]") {
  const OutputNameFields fields{"folder/a photo.tar.png", "jpg", 3, "pisr_x3"};
  const auto name = [&](const std::string& pattern) { return OutputName(pattern).of(fields); };
  CHECK(name("{stem}_x{scale}.{ext}") == "a photo.tar_x3.jpg");
  CHECK(name("{name}.{ext}") == "a photo.tar.png.jpg");
  CHECK(name("{model}-{stem}{stem}.png") == "pisr_x3-a photo.tara photo.tar.png");
  CHECK(name("{{{stem}}}.png") == "{a photo.tar}.png");
  CHECK(OutputName("{stem}.png").of({".hidden", "png", 2, "m"}) == ".hidden.png");
  CHECK(OutputName("{stem}.{ext}").has_extension_field());
  CHECK(!OutputName("{stem}.ext").has_extension_field());
  for (const char* pattern :
       {"", "out.png", "{scale}.{ext}", "{stem", "stem}", "{stem}}", "{stem}{", "{stem}_{x}.png",
        "{stem}_{}.png", "{Stem}.png", "a/{stem}.png", "../{stem}.png", "{ stem }.png"}) {
    CAPTURE(pattern);
    const Error error = thrown([&] { OutputName{pattern}; });
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(contains(error.what(), std::string("--name '") + pattern + "'"));
    CHECK(contains(error.hint(), "{stem}, {name}, {ext}, {scale} and {model}"));
  }
}

}  // namespace pisr
