#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/error.h"
#include "pisr/image/image_io.h"
#include "pisr/report/report_parts.h"
#include "pisr/report/report_text.h"

namespace pisr {
namespace {

std::string base64(std::span<const std::byte> bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      word = (word << 8) | (k < count ? static_cast<std::uint32_t>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= count ? kDigits[(word >> (18 - 6 * k)) & 63] : '=';
    }
  }
  return text;
}

std::string png_uri(const Image8& image) {
  return "data:image/png;base64," + base64(encode_image(image, "png"));
}

std::string overview(const ReportComparison& comparison) {
  if (comparison.overview.samples.empty()) {
    return "";
  }
  return message("<div class=\"overview\"><img alt=\"\" src=\"", png_uri(comparison.overview),
                 "\"><i style=\"left:", fixed(100 * comparison.left, 2),
                 "%;top:", fixed(100 * comparison.top, 2),
                 "%;width:", fixed(100 * comparison.width, 2),
                 "%;height:", fixed(100 * comparison.height, 2), "%\"></i></div>");
}

/// The pair of pictures under the divider: bicubic, where there is one, and the last.
std::string stage(const ReportComparison& comparison) {
  const std::vector<ReportPicture>& pictures = comparison.pictures;
  const auto select = [&](const char* side, const char* title, std::size_t chosen) {
    std::string html = message("<select class=\"", side, "\" aria-label=\"", title, "\">");
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      html += message("<option", i == chosen ? " selected" : "", ">",
                      escape_html(pictures[i].label), "</option>");
    }
    return html + "</select>";
  };
  const Image8& shape = pictures[0].image;
  return message("<div class=\"stage\" hidden style=\"--split:50%;aspect-ratio:", shape.width, "/",
                 shape.height,
                 "\"><img class=\"right\" alt=\"\"><img class=\"left\" alt=\"\">"
                 "<div class=\"divider\"></div>"
                 "<input type=\"range\" min=\"0\" max=\"100\" step=\"1\" value=\"50\" "
                 "aria-label=\"Divider between the two versions of ",
                 escape_html(comparison.name), "\">",
                 select("a", "Version on the left", std::min<std::size_t>(1, pictures.size() - 1)),
                 select("b", "Version on the right", pictures.size() - 1), "</div>");
}

}  // namespace

std::string comparison_card(const ReportComparison& comparison) {
  if (comparison.pictures.empty()) {
    return "";
  }
  const Image8& shape = comparison.pictures[0].image;
  std::string html = message("<article class=\"card comparison\"><header>", overview(comparison),
                             "<div><h3>", escape_html(comparison.name), "</h3><p>", shape.width,
                             "&times;", shape.height, " pixels of it, enlarged</p></div></header>");
  html += stage(comparison) + "<div class=\"strip\">";
  for (const ReportPicture& picture : comparison.pictures) {
    html += message("<figure><img alt=\"", escape_html(comparison.name), ", ",
                    escape_html(picture.label), "\" width=\"", picture.image.width, "\" height=\"",
                    picture.image.height, "\" style=\"height:auto\" src=\"", png_uri(picture.image),
                    "\"><figcaption><b>", escape_html(picture.label), "</b>");
    html += picture.score
                ? fixed(picture.score->psnr, 2) + " dB<br>" + fixed(picture.score->ssim, 4)
                : "the truth";
    html += "</figcaption></figure>";
  }
  return html + "</div></article>";
}

std::string compact_card(const ReportCompact& compact) {
  std::string html =
      message("<article class=\"card compact\"><header><h3>", escape_html(compact.name),
              "</h3><p>Spectra and histograms are of luminance, ", compact.width, "&times;",
              compact.height, " pixels of Y</p></header><div class=\"features\">");
  for (const CompactPicture& picture : compact.pictures) {
    // All are enlarged alike, so Y is as much larger as it is.
    html += message("<figure style=\"--w:", picture.image.width, "\"><img alt=\"",
                    escape_html(compact.name), ", ", escape_html(picture.label), "\" width=\"",
                    picture.image.width, "\" height=\"", picture.image.height, "\" src=\"",
                    png_uri(picture.image), "\"><figcaption><b>", escape_html(picture.label),
                    "</b>", escape_html(picture.note), "</figcaption></figure>");
  }
  return message(html, "</div></article><div class=\"plots\">",
                 script_figure("plot", plot_json(compact.spectrum)),
                 script_figure("plot", plot_json(compact.histogram)), "</div>");
}

}  // namespace pisr
