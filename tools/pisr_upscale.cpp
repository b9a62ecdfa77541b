// pisr_upscale: one image in, one image out.

#include <cstdint>
#include <memory>
#include <string>

#include "core/context.h"
#include "core/parallel.h"
#include "pisr/inference/upscaler.h"
#include "pisr/model/architectures.h"
#include "pisr/model/weights.h"
#include "tools/device_option.h"
#include "tools/padding_options.h"
#include "tools/program.h"

namespace {
constexpr const char* kProgram = "pisr_upscale";
}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): before run_program only memory can run out.
int main(int argc, char** argv) {
  using namespace pisr;
  std::string input;
  std::string output;
  std::string weights;
  WeightsOptions wanted;
  int threads = 0;
  UpscaleOptions options;

  CLI::App app(
      "Enlarges an image: luminance by a network and colour by bicubic interpolation, or both "
      "by a network on RGB",
      kProgram);
  app.add_option("-i,--input", input, "Image to enlarge: PNG, JPEG or BMP")->required();
  app.add_option("-o,--output", output, "Where to write it; the extension decides the format")
      ->required();
  app.add_option("-m,--model", weights, "Weights (safetensors)")->required();
  app.add_option("-s,--scale", wanted.scale,
                 "Scale: 2, 3 or 4; needed where the weights do not tell theirs, otherwise checked")
      ->check(CLI::IsMember({2, 3, 4}));
  app.add_option("--architecture", wanted.architecture,
                 "Network; needed where the weights do not tell theirs, otherwise checked: " +
                     architecture_names());
  add_padding_options(app, wanted.options);
  app.add_option("-j,--threads", threads, "Threads; 0 = all")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  app.add_flag("--overwrite", options.overwrite, "Replace the output where it exists");
  app.add_option("--max-pixels", options.max_pixels, "Largest number of pixels of the output")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--quality", options.jpeg_quality, "Quality of JPEG output, 1 to 100")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  const DeviceOption device_option(app);
  return run_program(app, argc, argv, [&] {
    check_output(output, options);
    wanted.note = [](const std::string& text) { note(kProgram, text); };
    const std::unique_ptr<kernels::Device> device = device_option.open();
    const std::unique_ptr<SrNetwork> network = load_network(weights, wanted);
    network->move_to(device.get());
    ThreadPool pool(threads);
    Context context(pool, device.get(), device_option.host_backend());
    options.note = wanted.note;
    upscale_file(context, *network, input, output, options);
    return 0;
  });
}
