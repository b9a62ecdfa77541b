#pragma once

namespace pisr {

/// Style sheet and script of the report's page.
extern const char* const kReportStyle;
extern const char* const kReportScript;

}  // namespace pisr
