// pisr::Upscaler over images and frames in memory, against what pisr/inference makes of them.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "core/context.h"
#include "core/error.h"
#include "pisr/inference/upscaler.h"
#include "pisr/inference/video_upscaler.h"
#include "pisr/library/upscaler.h"
#include "pisr/model/built_in_weights.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/pisr/image/images.h"
#include "tests/temporary_folder.h"
#include "tests/thrown.h"
#include "tests/worse.h"

namespace pisr {
namespace {

std::unique_ptr<SrNetwork> built_in_network(int scale) {
  return load_built_in(*find_built_in_weights(kDefaultModel, scale), {});
}

template <class Sample>
ImageOf<Sample> wanted_of(const ImageOf<Sample>& image, int scale) {
  Context context;
  return std::get<ImageOf<Sample>>(
      upscale_image(context, *built_in_network(scale), AnyImage{image}).pixels);
}

template <class Sample>
ImageOf<Sample> run(const Upscaler& upscaler, const ImageOf<Sample>& image) {
  const int scale = upscaler.scale();
  ImageOf<Sample> large(image.width * scale, image.height * scale, image.channels);
  CHECK(upscaler.run(interleaved(image.samples.data(), image.width, image.height, image.channels),
                     interleaved(large.samples.data(), large.width, large.height, large.channels)));
  return large;
}

/// A view of memory in which every sample stands alone: gaps between channels, pixels and rows, the
/// rows from the bottom up, the pixels from right to left.
template <class Pointer, class Byte>
BasicImageView<Pointer> scattered(std::vector<Byte>& memory, int width, int height, int channels,
                                  SampleType type) {
  const auto channel = static_cast<std::ptrdiff_t>(size_of(type)) + 1;
  const std::ptrdiff_t pixel = channel * channels + 3;
  const std::ptrdiff_t row = pixel * width + 5;
  memory.assign(static_cast<std::size_t>(row) * height, Byte{0xA5});
  Byte* const last = memory.data() + row * (height - 1) + pixel * (width - 1);
  return {last, width, height, channels, type, -row, -pixel, channel};
}

template <class Sample>
void check_scattered(int channels) {
  constexpr int kWidth = 7, kHeight = 5, kScale = 2;
  const auto image = noise<Sample>(kWidth, kHeight, channels);
  std::vector<unsigned char> in_memory, out_memory;
  const auto type = sample_type_of<Sample>();
  const auto in = scattered<const void*>(in_memory, kWidth, kHeight, channels, type);
  const auto out = scattered<void*>(out_memory, kWidth * kScale, kHeight * kScale, channels, type);
  const auto place = [](const auto& view, int x, int y, int c) {
    return y * view.row_stride + x * view.pixel_stride + c * view.channel_stride;
  };
  auto* const in_first =
      in_memory.data() + (static_cast<const unsigned char*>(in.samples) - in_memory.data());
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      for (int c = 0; c < channels; ++c) {
        std::memcpy(in_first + place(in, x, y, c), &image.at(x, y, c), sizeof(Sample));
      }
    }
  }
  REQUIRE(Upscaler(Weights::builtin(kScale)).run(in, out));
  const auto wanted = wanted_of(image, kScale);
  std::vector<unsigned char> wanted_memory;
  const auto wanted_view =
      scattered<void*>(wanted_memory, wanted.width, wanted.height, channels, type);
  for (int y = 0; y < wanted.height; ++y) {
    for (int x = 0; x < wanted.width; ++x) {
      for (int c = 0; c < channels; ++c) {
        std::memcpy(static_cast<unsigned char*>(wanted_view.samples) + place(out, x, y, c),
                    &wanted.at(x, y, c), sizeof(Sample));
      }
    }
  }
  CHECK(out_memory == wanted_memory);  // the gaps too
}

TEST_CASE("Upscaler: views of 8 and 16 bits have the samples of upscale_image", "[library]") {
  for (const int scale : {2, 3, 4}) {
    const Upscaler upscaler(Weights::builtin(scale));
    CHECK(upscaler.scale() == scale);
    for (const int channels : {1, 2, 3, 4}) {
      const auto bytes = noise<std::uint8_t>(9, 6, channels);
      CHECK(largest_difference(run(upscaler, bytes), wanted_of(bytes, scale)) == 0);
      const auto words = noise<std::uint16_t>(5, 8, channels);
      CHECK(largest_difference(run(upscaler, words), wanted_of(words, scale)) == 0);
    }
  }
}

TEST_CASE("Upscaler: any strides, also negative ones, and no byte between the samples is written",
          "[library]") {
  for (const int channels : {1, 2, 3, 4}) {
    check_scattered<std::uint8_t>(channels);
    check_scattered<std::uint16_t>(channels);
  }
}

TEST_CASE("Upscaler: floating point is what the integers were before they were rounded",
          "[library]") {
  const Upscaler upscaler(Weights::builtin(2));
  const auto image = noise<std::uint8_t>(11, 7, 3);
  std::vector<float> low(image.samples.size());
  // As planes, one after another.
  const std::size_t count = low.size() / 3;
  for (std::size_t i = 0; i < low.size(); ++i) {
    low[i % 3 * count + i / 3] = static_cast<float>(image.samples[i]) / 255;
  }
  std::vector<float> high(4 * low.size());
  REQUIRE(
      upscaler.run(planar(std::as_const(low).data(), 11, 7, 3), planar(high.data(), 22, 14, 3)));
  const Image8 wanted = wanted_of(image, 2);
  double largest = 0;
  bool beyond = false;
  for (std::size_t i = 0; i < high.size(); ++i) {
    const double value = high[i % 3 * 4 * count + i / 3] * 255.0;
    beyond = beyond || value < 0 || value > 255;
    const double difference = std::abs(std::clamp(value, 0.0, 255.0) - wanted.samples[i]);
    largest = worse(largest, difference);
  }
  CHECK(largest <= 0.501);
  CHECK(beyond);  // it was not clamped
}

TEST_CASE("Upscaler: tiles, memory, threads and what ran before do not change the result",
          "[library][threads]") {
  const auto image = noise<std::uint8_t>(40, 90, 4);
  const auto wanted = wanted_of(image, 2);
  for (const UpscalerOptions& options :
       {UpscalerOptions{.threads = 1, .tile = 16, .memory = 1, .log = {}},
        UpscalerOptions{.threads = 3, .memory = 50'000, .log = {}}}) {
    const Upscaler upscaler(Weights::builtin(2), options);
    CHECK(largest_difference(run(upscaler, image), wanted) == 0);
    run(upscaler, noise<std::uint8_t>(17, 3, 1));
    CHECK(largest_difference(run(upscaler, image), wanted) == 0);
    upscaler.trim();
    CHECK(largest_difference(run(upscaler, image), wanted) == 0);
  }
}

TEST_CASE("Upscaler: two threads share one", "[library][threads]") {
  const Upscaler upscaler(Weights::builtin(2), {.threads = 2, .log = {}});
  const auto image = noise<std::uint8_t>(33, 21, 3);
  const auto wanted = wanted_of(image, 2);
  std::vector<Image8> results[2];
  std::vector<std::thread> threads;
  for (std::vector<Image8>& mine : results) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        Image8& large = mine.emplace_back(66, 42, 3);
        upscaler.run(interleaved(image.samples.data(), 33, 21, 3),
                     interleaved(large.samples.data(), 66, 42, 3));
        if (i == 2) {
          upscaler.trim();
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (const std::vector<Image8>& mine : results) {
    for (const Image8& large : mine) {
      CHECK(largest_difference(large, wanted) == 0);
    }
  }
}

TEST_CASE("Upscaler: it is cancelled between strips, and tells its progress", "[library]") {
  const Upscaler upscaler(Weights::builtin(2), {.threads = 1, .memory = 1, .log = {}});
  const auto image = noise<std::uint8_t>(8, 200, 1);
  Image8 large(16, 400, 1);
  std::vector<std::int64_t> told;
  RunCallbacks callbacks;
  callbacks.progress = [&](std::int64_t done, std::int64_t rows) {
    CHECK(rows == 200);
    told.push_back(done);
  };
  const auto in = interleaved(image.samples.data(), 8, 200, 1);
  const auto out = interleaved(large.samples.data(), 16, 400, 1);
  CHECK(upscaler.run(in, out, callbacks));
  REQUIRE(told.size() > 2);
  CHECK(std::is_sorted(told.begin(), told.end()));
  CHECK(told.back() == 200);
  told.clear();
  callbacks.cancelled = [&] { return told.size() == 2; };
  CHECK_FALSE(upscaler.run(in, out, callbacks));
  CHECK(told.size() == 2);
  callbacks.cancelled = [] { return false; };
  callbacks.progress = [](auto, auto) { throw std::runtime_error("enough"); };
  CHECK_THROWS_WITH(upscaler.run(in, out, callbacks), "enough");
  callbacks.progress = {};
  CHECK(upscaler.run(in, out, callbacks));
  CHECK(largest_difference(large, wanted_of(image, 2)) == 0);
}

TEST_CASE("Upscaler: views that do not fit are refused", "[library]") {
  const Upscaler upscaler(Weights::builtin(2));
  std::vector<std::uint8_t> memory(1000);
  std::vector<float> floats(1000);
  const auto in = interleaved(std::as_const(memory).data(), 4, 3, 3);
  const auto error = [&](const ConstImageView& low, const ImageView& high) {
    return error_of([&] { upscaler.run(low, high); });
  };
  CHECK(error(in, interleaved(memory.data(), 8, 7, 3)) ==
        "usage: upscale: the output must be 8x6x3 of uint8, got 8x7x3 of uint8");
  CHECK(error(in, interleaved(floats.data(), 8, 6, 3)) ==
        "usage: upscale: the output must be 8x6x3 of uint8, got 8x6x3 of float");
  CHECK(error(in, interleaved(memory.data(), 8, 6, 4)) ==
        "usage: upscale: the output must be 8x6x3 of uint8, got 8x6x4 of uint8");
  CHECK(error(interleaved(std::as_const(memory).data(), 0, 3, 3), {}) ==
        "usage: upscale: the input must have 1x1 pixels or more and 1 to 4 channels, got 0x3x3 of "
        "uint8");
  CHECK(error(interleaved(std::as_const(memory).data(), 4, 3, 5), {}) ==
        "usage: upscale: the input must have 1x1 pixels or more and 1 to 4 channels, got 4x3x5 of "
        "uint8");
  CHECK(error(interleaved(static_cast<const std::uint8_t*>(nullptr), 4, 3, 3),
              interleaved(memory.data(), 8, 6, 3)) ==
        "usage: upscale: the input is a null pointer");
  CHECK(error(in, interleaved(static_cast<std::uint8_t*>(nullptr), 8, 6, 3)) ==
        "usage: upscale: the output is a null pointer");
  CHECK(error(interleaved(std::as_const(memory).data(), 1 << 30, 3, 1), {}) ==
        "usage: upscale: 1073741824x3 times 2 exceeds 2^31 - 1 samples a side");
  floats.assign(floats.size(), std::numeric_limits<float>::quiet_NaN());
  std::vector<float> high(1000);
  const std::string numeric = error_of([&] {
    upscaler.run(interleaved(std::as_const(floats).data(), 4, 3, 1),
                 interleaved(high.data(), 8, 6, 1));
  });
  CHECK(numeric.substr(0, 9) == "numeric: ");
}

TEST_CASE("Upscaler: options out of range, and devices that are not there, are refused",
          "[library]") {
  const auto error = [](const UpscalerOptions& options) {
    return error_of([&] { Upscaler upscaler(Weights::builtin(2), options); });
  };
  CHECK(error({.threads = -1, .log = {}}) == "usage: Upscaler: threads must be 0 to 1024, got -1");
  CHECK(error({.tile = -2, .log = {}}) == "usage: Upscaler: tile must be 0 or positive, got -2");
  CHECK(error({.memory = 0, .log = {}}) == "usage: Upscaler: memory must be positive, got 0");
  CHECK(thrown([] {
          Upscaler upscaler(Weights::builtin(2), {.device = "cuda:77", .log = {}});
        }).kind() == ErrorKind::device);
  CHECK(error({.device = "gpu", .log = {}}).substr(0, 7) == "usage: ");
}

TEST_CASE("Weights: built in, of a file and of memory; what is none is refused", "[library]") {
  const Weights weights = Weights::builtin(3);
  CHECK(weights.scale() == 3);
  CHECK(weights.channels() == 1);
  CHECK(weights.architecture() == built_in_network(3)->spec().architecture);
  CHECK(weights.parameter_count() == built_in_network(3)->parameter_count());
  CHECK(Weights::builtin_names().size() == built_in_weights().size());
  const Error absent = thrown([] { Weights::builtin(2, "none"); });
  CHECK(absent.kind() == ErrorKind::weights);
  CHECK(absent.what() == std::string("no built-in weights 'none' of scale 2"));
  CHECK(contains(absent.hint(), Weights::builtin_names()[0]));
  CHECK(thrown([] { Weights::builtin(5); }).what() ==
        std::string("no built-in weights 'pisr-plain' of scale 5"));

  const TemporaryFolder folder;
  const auto file = folder.path() / "w.safetensors";
  save_weights(file, *built_in_network(3));
  const auto image = noise<std::uint8_t>(6, 5, 3);
  CHECK(largest_difference(run(Upscaler(Weights::load(file)), image), wanted_of(image, 3)) == 0);
  const auto bytes = find_built_in_weights(kDefaultModel, 3)->file;
  CHECK(largest_difference(
            run(Upscaler(Weights::parse(bytes.data(), bytes.size(), "bytes", 3)), image),
            wanted_of(image, 3)) == 0);
  for (const Error& error : {thrown([&] { Weights::load(file, 2); }),
                             thrown([&] { Weights::parse(bytes.data(), 100, "bytes"); }),
                             thrown([&] { Weights::load(folder.path() / "none"); })}) {
    CHECK(error.kind() == ErrorKind::weights);
  }
}

/// A frame of noise as one block of planes, and views of such blocks.
std::vector<std::uint16_t> noisy_frame(const VideoFormat& format) {
  std::vector<std::uint16_t> samples(format.frame_bytes() / format.sample_bytes());
  std::mt19937 random(3);
  for (std::uint16_t& sample : samples) {
    sample = static_cast<std::uint16_t>(random() % static_cast<unsigned>(format.largest() + 1));
  }
  return samples;
}

template <class Pointer, class Sample>
BasicFrameView<Pointer> frame_view(const VideoFormat& format, Sample* samples) {
  BasicFrameView<Pointer> view;
  view.format = format;
  for (int p = 0; p < format.planes(); ++p) {
    const auto plane = static_cast<std::size_t>(p);
    view.planes[plane] = samples;
    view.row_strides[plane] = format.plane_width(p) * std::ptrdiff_t{sizeof(Sample)};
    samples += format.plane_bytes(p) / sizeof(Sample);
  }
  return view;
}

TEST_CASE("Upscaler: frames have the samples of FrameUpscaler", "[library]") {
  const Upscaler upscaler(Weights::builtin(2));
  for (const Chroma chroma : {Chroma::none, Chroma::s420, Chroma::s422, Chroma::s444}) {
    for (const int depth : {8, 10, 12, 16}) {
      VideoFormat format{.width = 9, .height = 7, .chroma = chroma, .depth = depth};
      format.full_range = depth == 12;
      const VideoFormat large = enlarged(format, 2);
      const std::vector<std::uint16_t> low = noisy_frame(format);
      Frame frame, wanted;
      for (const std::uint16_t sample : low) {
        frame.samples.push_back(static_cast<std::byte>(sample & 0xFF));
        if (depth > 8) {
          frame.samples.push_back(static_cast<std::byte>(sample >> 8));
        }
      }
      Context context;
      const auto network = built_in_network(2);
      FrameUpscaler(context, *network, format).run(frame, wanted);
      std::vector<std::byte> got(large.frame_bytes());
      if (depth == 8) {
        const std::vector<std::uint8_t> bytes(low.begin(), low.end());
        upscaler.run(frame_view<const void*>(format, bytes.data()),
                     frame_view<void*>(large, reinterpret_cast<std::uint8_t*>(got.data())));
        CHECK(got == wanted.samples);
      } else {
        std::vector<std::uint16_t> words(got.size() / 2);
        upscaler.run(frame_view<const void*>(format, low.data()),
                     frame_view<void*>(large, words.data()));
        for (std::size_t i = 0; i < words.size(); ++i) {
          got[2 * i] = static_cast<std::byte>(words[i] & 0xFF);
          got[2 * i + 1] = static_cast<std::byte>(words[i] >> 8);
        }
        CHECK(got == wanted.samples);
      }
    }
  }
}

TEST_CASE("Upscaler: frames from the bottom up, and those that do not fit", "[library]") {
  const Upscaler upscaler(Weights::builtin(2));
  const VideoFormat format{.width = 4, .height = 3, .chroma = Chroma::none};
  const VideoFormat large = enlarged(format, 2);
  const std::vector<std::uint8_t> low = {1, 2, 3, 4, 50, 60, 70, 80, 90, 200, 210, 220};
  std::vector<std::uint8_t> high(48), mirrored(48);
  upscaler.run(frame_view<const void*>(format, low.data()), frame_view<void*>(large, high.data()));
  auto in = frame_view<const void*>(format, low.data() + 8);
  in.row_strides[0] = -4;
  auto out = frame_view<void*>(large, mirrored.data() + 40);
  out.row_strides[0] = -8;
  upscaler.run(in, out);
  std::vector<std::uint8_t> turned;  // the picture upside down
  for (int y = 2; y >= 0; --y) {
    turned.insert(turned.end(), low.begin() + 4 * y, low.begin() + 4 * y + 4);
  }
  std::vector<std::uint8_t> wanted(48), straight(48);
  upscaler.run(frame_view<const void*>(format, turned.data()),
               frame_view<void*>(large, wanted.data()));
  for (int y = 0; y < 6; ++y) {
    std::copy_n(mirrored.begin() + 8 * (5 - y), 8, straight.begin() + 8 * y);
  }
  CHECK(straight == wanted);
  CHECK(high != wanted);

  auto error = [&](const ConstFrameView& a, const FrameView& b) {
    return error_of([&] { upscaler.run(a, b); });
  };
  const auto fits = frame_view<const void*>(format, low.data());
  VideoFormat other = large;
  other.chroma = Chroma::s420;
  CHECK(error(fits, frame_view<void*>(other, high.data())) ==
        "usage: upscale: the output must be 8x6, 1 planes of 8 bits, the chroma and range of the "
        "input, got 8x6, 3 planes of 8 bits");
  auto null = frame_view<void*>(large, high.data());
  null.planes[0] = nullptr;
  CHECK(error(fits, null) == "usage: upscale: plane 0 of the output is a null pointer");
  VideoFormat deep = format;
  deep.depth = 17;
  CHECK(
      error(frame_view<const void*>(deep, low.data()), null) ==
      "usage: upscale: a frame must have 1x1 pixels or more of 8 to 16 bits, got 4x3, 1 planes of "
      "17 bits");
  deep.depth = 10;
  const std::vector<std::uint16_t> beyond(12, 1024);
  std::vector<std::uint16_t> words(48);
  CHECK(error(frame_view<const void*>(deep, beyond.data()),
              frame_view<void*>(enlarged(deep, 2), words.data())) ==
        "input: upscale: sample 1024 of plane 0 is larger than 1023");
}

}  // namespace
}  // namespace pisr
