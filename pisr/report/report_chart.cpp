#include "core/error.h"
#include "pisr/report/report_parts.h"

namespace pisr {

std::string script_figure(const char* kind, const std::string& json) {
  return message("<figure class=\"card chart\" data-kind=\"", kind,
                 "\" hidden><script type=\"application/json\">", json, "</script></figure>");
}

std::string no_script_note(const char* what) {
  return message("<noscript><p class=\"card silent\">", what,
                 " are drawn by the page's script, which does not run here.</p></noscript>");
}

}  // namespace pisr
