#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/number_text.h"
#include "pisr/image/byte_order.h"
#include "pisr/image/codec.h"
#include "pisr/image/source_cursor.h"

// The formats of netpbm: PBM, PGM and PPM with their samples as text (P1 to P3) or bytes (P4 to
// P6), PAM (P7), and PFM (Pf, PF).

namespace pisr {
namespace {

/// As many bytes of rows are read at a time, or one row.
constexpr std::size_t kBlock = 1 << 18;
/// Words of a header are short; a longer one is not read to its end.
constexpr std::size_t kLongestWord = 100;

bool is_space(int letter) {
  return letter == ' ' || (letter >= '\t' && letter <= '\r');
}
bool is_digit(int letter) {
  return letter >= '0' && letter <= '9';
}

enum class Coding { text, bits, bytes };

/// What a file tells before its samples.
struct Header {
  char kind = 0;  ///< the second letter of the file
  std::int64_t width = 0;
  std::int64_t height = 0;
  int channels = 1;
  Coding coding = Coding::bytes;
  int largest = 1;  ///< value of a sample
  bool from_bottom = false;
  std::endian order = std::endian::big;
  std::int64_t start = 0;  ///< of the samples
};

class HeaderParser {
 public:
  HeaderParser(const ByteSource& source, const std::string& name) : cursor_(source), name_(name) {}

  Header parse() {
    cursor_.next();
    header_.kind = static_cast<char>(cursor_.next());
    if (header_.kind == '7') {
      parse_fields();
    } else {
      header_.width = number(word());
      header_.height = number(word());
      if (header_.kind == 'f' || header_.kind == 'F') {
        parse_scale();
      } else {
        header_.largest = header_.kind == '1' || header_.kind == '4' ? 1 : largest(word());
      }
      header_.channels = header_.kind == '3' || header_.kind == '6' || header_.kind == 'F' ? 3 : 1;
      header_.coding = header_.kind <= '3'   ? Coding::text
                       : header_.kind == '4' ? Coding::bits
                                             : Coding::bytes;
    }
    header_.start = cursor_.position();
    return header_;
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const { fail_to_decode(name_, reason); }

  /// The next letter. A comment counts as the end of its line.
  int letter() {
    int next = cursor_.next();
    if (next == '#') {
      do {
        next = cursor_.next();
      } while (next != '\n' && next != '\r' && next != SourceCursor::kEnd);
    }
    if (next == SourceCursor::kEnd) {
      fail("truncated");
    }
    return next;
  }

  /// The next word; the letter that ends it is read too.
  std::string word() {
    int next = letter();
    while (is_space(next)) {
      next = letter();
    }
    std::string text;
    for (; !is_space(next); next = letter()) {
      text += static_cast<char>(next);
      if (text.size() > kLongestWord) {
        fail("PNM with a damaged header");
      }
    }
    return text;
  }

  std::int64_t number(const std::string& text) const {
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (text.empty() || error != std::errc() || rest != end || !is_digit(text[0]) ||
        value > std::numeric_limits<int>::max()) {
      fail(message("PNM with a '", text, "' in place of a number"));
    }
    return value;
  }

  int largest(const std::string& text) const {
    const std::int64_t value = number(text);
    if (value < 1 || value > 65535) {
      fail(message("PNM with samples up to ", value));
    }
    return static_cast<int>(value);
  }

  /// PFM: its sign tells the byte order; what it means otherwise, no two programs agree on.
  void parse_scale() {
    const std::string text = word();
    const std::optional<double> scale =
        parse_number(std::string_view(text).substr(text[0] == '+' ? 1 : 0));
    if (!scale || !std::isfinite(*scale) || *scale == 0) {
      fail(message("PFM with a scale of '", text, "'"));
    }
    header_.order = *scale < 0 ? std::endian::little : std::endian::big;
    header_.from_bottom = true;
  }

  /// PAM: lines of a key and its value.
  void parse_fields() {
    std::int64_t depth = 0;
    std::string type;
    std::array<bool, 4> found{};
    for (;;) {
      std::string key = word_of_line();
      if (key.empty()) {
        continue;
      }
      if (key == "ENDHDR") {
        break;
      }
      const std::string value = rest_of_line();
      if (key == "WIDTH") {
        header_.width = number(value);
        found[0] = true;
      } else if (key == "HEIGHT") {
        header_.height = number(value);
        found[1] = true;
      } else if (key == "DEPTH") {
        depth = number(value);
        found[2] = true;
      } else if (key == "MAXVAL") {
        header_.largest = largest(value);
        found[3] = true;
      } else if (key == "TUPLTYPE") {
        type += (type.empty() ? "" : " ") + value;
      } else {
        fail(message("PAM with an unknown '", key, "'"));
      }
    }
    if (found != std::array<bool, 4>{true, true, true, true}) {
      fail("PAM without its size, depth or largest value");
    }
    struct Type {
      std::string_view name;
      int channels;
    };
    constexpr std::array<Type, 6> kTypes = {{{"BLACKANDWHITE", 1},
                                             {"GRAYSCALE", 1},
                                             {"BLACKANDWHITE_ALPHA", 2},
                                             {"GRAYSCALE_ALPHA", 2},
                                             {"RGB", 3},
                                             {"RGB_ALPHA", 4}}};
    const bool known =
        type.empty() ? depth >= 1 && depth <= 4 : std::ranges::any_of(kTypes, [&](const Type& one) {
          return one.name == type && one.channels == depth;
        });
    if (!known) {
      fail(message("PAM with ", depth, " channels of type '", type, "'"));
    }
    header_.channels = static_cast<int>(depth);
  }

  /// The first word of the next line; empty for an empty line or a comment. `ended_` tells whether
  /// the line ends with it.
  std::string word_of_line() {
    std::string text;
    int next = letter();
    while (is_space(next) && next != '\n') {
      next = letter();
    }
    for (; !is_space(next); next = letter()) {
      text += static_cast<char>(next);
      if (text.size() > kLongestWord) {
        fail("PAM with a damaged header");
      }
    }
    while (is_space(next) && next != '\n' && text == "ENDHDR") {
      next = letter();
    }
    ended_ = next == '\n';
    return text;
  }

  std::string rest_of_line() {
    std::string text;
    while (!ended_) {
      const int next = letter();
      ended_ = next == '\n';
      if (!is_space(next) || (!text.empty() && !ended_)) {
        text += static_cast<char>(next);
      }
      if (text.size() > kLongestWord) {
        fail("PAM with a damaged header");
      }
    }
    ended_ = false;
    while (!text.empty() && is_space(text.back())) {
      text.pop_back();
    }
    return text;
  }

  SourceCursor cursor_;
  const std::string& name_;
  Header header_;
  bool ended_ = false;
};

class PnmReader : public ImageReader {
 public:
  PnmReader(const ByteSource& source, std::string name, const ReadOptions& options)
      : source_(source),
        name_(std::move(name)),
        warn_(options.warn),
        header_(HeaderParser(source, name_).parse()),
        cursor_(source, header_.start) {
    check_declared_size(header_.width, header_.height, name_, options);
    const bool real = header_.kind == 'f' || header_.kind == 'F';
    const SampleType type = real                    ? SampleType::f32
                            : header_.largest > 255 ? SampleType::u16
                                                    : SampleType::u8;
    info_ = {static_cast<int>(header_.width),
             static_cast<int>(header_.height),
             header_.channels,
             type,
             {}};
    const std::int64_t samples = header_.width * header_.height * header_.channels;
    stride_ = header_.coding == Coding::bits ? (header_.width + 7) / 8
                                             : static_cast<std::int64_t>(info_.row_bytes());
    // As text a sample takes a digit and, but for black and white, a space.
    const std::int64_t least = header_.coding != Coding::text ? stride_ * header_.height
                               : header_.kind == '1'          ? samples
                                                              : 2 * samples - 1;
    if (source_.size() - header_.start < least) {
      fail_to_decode(name_, "truncated");
    }
    if (!real && header_.coding != Coding::bits) {
      scale_samples();
    }
  }

  void read_rows(std::span<std::byte> rows) override {
    const std::size_t row_bytes = info_.row_bytes();
    const std::size_t at_once = std::max<std::size_t>(kBlock / row_bytes, 1);
    while (!rows.empty()) {
      const std::size_t count = std::min(rows.size() / row_bytes, at_once);
      const std::span<std::byte> block = rows.first(count * row_bytes);
      switch (header_.coding) {
        case Coding::text:
          read_text(block);
          break;
        case Coding::bits:
          read_bits(block, static_cast<int>(count));
          break;
        case Coding::bytes:
          read_bytes(block, static_cast<int>(count));
      }
      next_ += static_cast<int>(count);
      rows = rows.subspan(block.size());
    }
  }

  void finish() override {
    std::int64_t end = header_.start + stride_ * header_.height;
    if (header_.coding == Coding::text) {
      do {
        end = cursor_.position();
      } while (is_space(cursor_.next()));
    }
    std::array<std::byte, 3> start{};
    if (source_.read(end, start) == start.size() && warn_ && (is_pnm(start) || is_pam(start))) {
      warn_(message("'", name_, "': of several images the first is read"));
    }
  }

 private:
  /// The sample of each value, scaled to all of 8 or 16 bits and rounded as Pillow does.
  void scale_samples() {
    const int full = info_.samples == SampleType::u16 ? 65535 : 255;
    scaled_.resize(header_.largest + 1);
    for (int value = 0; value <= header_.largest; ++value) {
      scaled_[value] = static_cast<std::uint16_t>(
          std::nearbyint(static_cast<double>(value) / header_.largest * full));
    }
    if (header_.kind == '1') {
      std::swap(scaled_[0], scaled_[1]);  // ink
    }
  }

  std::uint16_t scaled(std::int64_t value) const {
    if (value > header_.largest) {
      fail_to_decode(name_, message("PNM with a sample above ", header_.largest));
    }
    return scaled_[value];
  }

  void read_text(std::span<std::byte> block) {
    const std::size_t size = size_of(info_.samples);
    for (std::size_t at = 0; at < block.size(); at += size) {
      const std::uint16_t sample = scaled(number());
      if (size == 1) {
        block[at] = static_cast<std::byte>(sample);
      } else {
        std::copy_n(reinterpret_cast<const std::byte*>(&sample), size, block.begin() + at);
      }
    }
  }

  /// The next number of the text, in black and white the next digit.
  std::int64_t number() {
    int next = text();
    while (is_space(next)) {
      next = text();
    }
    if (next == SourceCursor::kEnd) {
      fail_to_decode(name_, "truncated");
    }
    std::int64_t value = 0;
    const auto add_digit = [&] {
      if (!is_digit(next)) {
        fail_to_decode(name_,
                       message("PNM with a '", static_cast<char>(next), "' among its samples"));
      }
      value = std::min<std::int64_t>(10 * value + next - '0', 1 << 20);  // more than any may be
    };
    add_digit();
    if (header_.kind == '1') {
      return value;
    }
    for (next = text(); next != SourceCursor::kEnd && !is_space(next); next = text()) {
      add_digit();
    }
    return value;
  }

  int text() {
    int next = cursor_.next();
    if (next == '#') {
      do {
        next = cursor_.next();
      } while (next != '\n' && next != '\r' && next != SourceCursor::kEnd);
    }
    return next;
  }

  void read_bits(std::span<std::byte> block, int count) {
    bits_.resize(stride_ * count);
    read_exactly(source_, header_.start + stride_ * next_, bits_, name_);
    auto to = block.begin();
    for (int y = 0; y < count; ++y) {
      for (int x = 0; x < info_.width; ++x) {
        const std::byte bit = bits_[stride_ * y + x / 8] >> (7 - x % 8) & std::byte{1};
        *to++ = bit == std::byte{0} ? std::byte{255} : std::byte{0};
      }
    }
  }

  void read_bytes(std::span<std::byte> block, int count) {
    const int first = header_.from_bottom ? info_.height - next_ - count : next_;
    read_exactly(source_, header_.start + stride_ * first, block, name_);
    convert_order(block, size_of(info_.samples), header_.order);
    if (header_.from_bottom) {
      for (int i = 0; i < count / 2; ++i) {
        std::swap_ranges(block.begin() + stride_ * i, block.begin() + stride_ * (i + 1),
                         block.begin() + stride_ * (count - 1 - i));
      }
    }
    if (info_.samples == SampleType::u8 && header_.largest != 255) {
      for (std::byte& sample : block) {
        sample = static_cast<std::byte>(scaled(std::to_integer<int>(sample)));
      }
    } else if (info_.samples == SampleType::u16 && header_.largest != 65535) {
      for (std::size_t at = 0; at < block.size(); at += 2) {
        std::uint16_t sample = 0;
        std::copy_n(block.begin() + at, 2, reinterpret_cast<std::byte*>(&sample));
        sample = scaled(sample);
        std::copy_n(reinterpret_cast<const std::byte*>(&sample), 2, block.begin() + at);
      }
    }
  }

  const ByteSource& source_;
  std::string name_;
  std::function<void(const std::string&)> warn_;
  Header header_;
  SourceCursor cursor_;
  std::int64_t stride_ = 0;  // bytes of a row in the file, but as text
  std::vector<std::uint16_t> scaled_;
  std::vector<std::byte> bits_;
  int next_ = 0;  // row
};

/// Whether a file starts with P, one of `kinds` and what ends a word.
bool starts_with_kind(Bytes start, std::string_view kinds) {
  if (start.size() < 3 || start[0] != std::byte{'P'}) {
    return false;
  }
  const char after = static_cast<char>(start[2]);
  return kinds.find(static_cast<char>(start[1])) != std::string_view::npos &&
         (is_space(after) || after == '#');
}

}  // namespace

bool is_pnm(Bytes start) {
  return starts_with_kind(start, "123456");
}
bool is_pam(Bytes start) {
  return starts_with_kind(start, "7");
}
bool is_pfm(Bytes start) {
  return starts_with_kind(start, "fF");
}

std::unique_ptr<ImageReader> open_pnm(const ByteSource& source, const std::string& name,
                                      const ReadOptions& options) {
  return std::make_unique<PnmReader>(source, name, options);
}

}  // namespace pisr
