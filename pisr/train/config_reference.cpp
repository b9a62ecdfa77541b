#include <algorithm>
#include <sstream>

#include "core/error.h"
#include "pisr/model/architectures.h"
#include "pisr/train/config.h"
#include "pisr/train/config_values.h"

namespace pisr {

namespace {

std::string reference_row(const ConfigField& field, const std::string& help) {
  return message("| `", field.key, "` | ", type_name(field), " | `", value_of(field).dump(), "` | ",
                 help, " |\n");
}

}  // namespace

std::string config_reference() {
  TrainConfig config;
  std::ostringstream text;
  text << "# Configuration\n\n"
          "`pisr_train --config FILE` reads JSON; `//` and `/* */` comments are allowed. Every key "
          "has a default, so a\n"
          "file names only what differs. `--set a.b=c` puts one value over the file's; "
          "`--print-config` prints the result.\n"
          "A key that is not in this table is an error. This page is what `pisr_train "
          "--help-config` prints.\n\n"
          "| key | value | default | meaning |\n|---|---|---|---|\n";
  std::vector<std::string> options = {kColourKey};
  for (const Architecture& row : architectures()) {
    for (const NetworkOption& option : row.options) {
      options.push_back(option_key(option.name));
    }
  }
  const auto is_option = [&](const ConfigField& field) {
    return std::ranges::find(options, field.key) != options.end();
  };
  for (const ConfigField& field : config_fields(config)) {
    if (!is_option(field)) {
      text << reference_row(field, field.help);
    }
  }
  text << "\nThe options of a network depend on `network.architecture`. The letter of the paper, "
          "where "
          "there is one, is understood too.\n";
  for (const Architecture& row : architectures()) {
    static_cast<NetworkSpec&>(config.network) = default_spec(row.name);
    text << "\n`" << row.name << "`:\n\n| key | value | default | meaning |\n|---|---|---|---|\n";
    std::size_t next = 0;
    for (const ConfigField& field : config_fields(config)) {
      if (is_option(field)) {
        const std::string symbol = field.key == kColourKey ? "" : row.options[next++].symbol;
        text << reference_row(field,
                              field.help + (symbol.empty() ? "" : " (`network." + symbol + "`)"));
      }
    }
  }
  return text.str();
}

}  // namespace pisr
