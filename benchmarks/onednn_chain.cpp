// onednn_chain: W1 by oneDNN's primitives, in the layouts it prefers, for compare_torch.py. PReLU
// with one slope is fused as its leaky ReLU. oneDNN has no fast deconvolution for these sizes. It
// is rewritten as a convolution with four outputs, one for each output pixel that belongs to an
// input pixel, and an interleaving.
//
// usage: onednn_chain FILE      FILE: what `pisr_bench --exchange W1` wrote; threads by
//                               OMP_NUM_THREADS; the protocol is that of `pisr_bench --serve`.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <string>
#include <unordered_map>
#include <vector>

#include <nlohmann/json.hpp>
#include <oneapi/dnnl/dnnl.hpp>
#include <sys/resource.h>

#include "core/safetensors.h"
#include "tools/program.h"

namespace {

using dnnl::memory;
using pisr::Tensor;
using Tensors = std::map<std::string, Tensor>;

const Tensor& tensor(const Tensors& tensors, const std::string& name) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) {
    throw pisr::Error(pisr::ErrorKind::weights, "the file has no '" + name + "'");
  }
  return found->second;
}

class Chain {
 public:
  explicit Chain(const Tensors& tensors)
      : engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        input_(tensor(tensors, "0.input")),
        height_(input_.shape()[2]),
        width_(input_.shape()[3]),
        output_(static_cast<std::size_t>(4 * height_ * width_)) {
    current_ = memory({{1, 1, height_, width_}, memory::data_type::f32, memory::format_tag::nchw},
                      engine_, input_.data<float>());
    for (const char* name :
         {"feature", "shrink", "mapping.0", "mapping.1", "mapping.2", "mapping.3", "expand"}) {
      const std::string path = std::string("weights.student.") + name;
      add_convolution(tensor(tensors, path + ".weight"), tensor(tensors, path + ".bias"),
                      tensor(tensors, path + ".slope").data<float>()[0]);
    }
    add_deconvolution(tensor(tensors, "weights.student.deconvolution.weight"),
                      tensor(tensors, "weights.student.deconvolution.bias"));
  }

  const std::vector<float>& run() {
    for (std::size_t i = 0; i < primitives_.size(); ++i) {
      primitives_[i].execute(stream_, arguments_[i]);
    }
    stream_.wait();
    interleave();
    return output_;
  }

 private:
  /// A slope of 1 means no activation.
  void add_convolution(const Tensor& weight, const Tensor& bias, float slope) {
    const auto f32 = memory::data_type::f32;
    const auto any = memory::format_tag::any;
    const memory::dims kernel = {weight.shape()[0], weight.shape()[1], weight.shape()[2],
                                 weight.shape()[3]};
    const memory::dims padding = {kernel[2] / 2, kernel[3] / 2};
    const memory::desc source = kernel[1] == 1
                                    ? current_.get_desc()
                                    : memory::desc({1, kernel[1], height_, width_}, f32, any);
    dnnl::primitive_attr attributes;
    if (slope != 1) {
      dnnl::post_ops activation;
      activation.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, slope, 0.0F);
      attributes.set_post_ops(activation);
    }
    const dnnl::convolution_forward::primitive_desc description(
        {dnnl::prop_kind::forward_inference,
         dnnl::algorithm::convolution_direct,
         source,
         memory::desc(kernel, f32, any),
         memory::desc({kernel[0]}, f32, memory::format_tag::a),
         memory::desc({1, kernel[0], height_, width_}, f32, any),
         {1, 1},
         padding,
         padding},
        attributes, engine_);
    reorder_current(description.src_desc());
    const memory plain_weight({kernel, f32, memory::format_tag::oihw}, engine_,
                              weight.data<float>());
    memory packed_weight(description.weights_desc(), engine_);
    dnnl::reorder(plain_weight, packed_weight)
        .execute(stream_, const_cast<memory&>(plain_weight), packed_weight);
    memory own_bias({{kernel[0]}, f32, memory::format_tag::a}, engine_);
    std::copy_n(bias.data<float>(), kernel[0], static_cast<float*>(own_bias.get_data_handle()));
    stream_.wait();
    const memory result(description.dst_desc(), engine_);
    add(dnnl::convolution_forward(description), {{DNNL_ARG_SRC, current_},
                                                 {DNNL_ARG_WEIGHTS, packed_weight},
                                                 {DNNL_ARG_BIAS, own_bias},
                                                 {DNNL_ARG_DST, result}});
    current_ = result;
  }

  /// Output pixel (2 y + i, 2 x + j) multiplies input pixel (y + dy, x + dx) by the weight at (i +
  /// 4 - 2 dy, j + 4 - 2 dx) if that is one of the 9x9; |dy|, |dx| <= 2.
  void add_deconvolution(const Tensor& weight, const Tensor& bias) {
    const std::int64_t channels = weight.shape()[0];
    const Tensor phases = Tensor::zeros({4, channels, 5, 5});
    for (std::int64_t phase = 0; phase < 4; ++phase) {
      for (std::int64_t c = 0; c < channels; ++c) {
        for (std::int64_t k = 0; k < 25; ++k) {
          const std::int64_t row = phase / 2 + 4 - 2 * (k / 5 - 2);
          const std::int64_t column = phase % 2 + 4 - 2 * (k % 5 - 2);
          if (row >= 0 && row < 9 && column >= 0 && column < 9) {
            phases.data<float>()[(phase * channels + c) * 25 + k] =
                weight.data<float>()[(c * 9 + row) * 9 + column];
          }
        }
      }
    }
    add_convolution(phases, Tensor::full({4}, bias.item()), 1);
    const memory::desc interleaved({1, 4, height_, width_}, memory::data_type::f32,
                                   memory::format_tag::nhwc);
    reorder_current(interleaved);
  }

  void reorder_current(const memory::desc& wanted) {
    if (current_.get_desc() == wanted) {
      return;
    }
    const memory result(wanted, engine_);
    add(dnnl::reorder(current_, result), {{DNNL_ARG_FROM, current_}, {DNNL_ARG_TO, result}});
    current_ = result;
  }

  void add(const dnnl::primitive& primitive, const std::unordered_map<int, memory>& arguments) {
    primitives_.push_back(primitive);
    arguments_.push_back(arguments);
  }

  void interleave() {
    const auto* phases = static_cast<const float*>(current_.get_data_handle());
#pragma omp parallel for schedule(static)
    for (std::int64_t y = 0; y < height_; ++y) {
      float* upper = output_.data() + 4 * y * width_;
      float* lower = upper + 2 * width_;
      const float* pixel = phases + 4 * y * width_;
      for (std::int64_t x = 0; x < width_; ++x, pixel += 4) {
        upper[2 * x] = pixel[0];
        upper[2 * x + 1] = pixel[1];
        lower[2 * x] = pixel[2];
        lower[2 * x + 1] = pixel[3];
      }
    }
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  Tensor input_;
  std::int64_t height_, width_;
  std::vector<float> output_;
  memory current_;
  std::vector<dnnl::primitive> primitives_;
  std::vector<std::unordered_map<int, memory>> arguments_;
};

/// The largest difference in units of the largest value; NaN counts as infinite.
double difference(const std::vector<float>& got, const Tensor& wanted) {
  double largest = 0, error = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double right = wanted.data<float>()[i];
    const double here = std::abs(got[i] - right);
    largest = std::max(largest, std::abs(right));
    error = here <= error ? error : std::isnan(here) ? HUGE_VAL : here;
  }
  return error / largest;
}

void serve(Chain& chain) {
  for (std::string line; std::getline(std::cin, line) && line.starts_with("run ");) {
    std::vector<double> times(std::stoul(line.substr(4)));
    for (double& time : times) {
      const auto start = std::chrono::steady_clock::now();
      chain.run();
      time = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
                 .count();
    }
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::cout << nlohmann::json{{"ms", times}, {"peak_kb", usage.ru_maxrss}}.dump() << std::endl;
  }
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): before run_program only memory can run out.
int main(int argc, char** argv) {
  std::string file;
  CLI::App app("W1 by oneDNN, run on request of compare_torch.py", "onednn_chain");
  app.add_option("file", file, "What pisr_bench --exchange W1 wrote")->required();
  return pisr::run_program(app, argc, argv, [&] {
    const Tensors tensors = pisr::read_safetensors(file).tensors;
    Chain chain(tensors);
    const double error = difference(chain.run(), tensor(tensors, "0.output"));
    const dnnl_version_t* version = dnnl_version();
    std::cout << nlohmann::json{{"check", "output"},
                                {"error", error},
                                {"version", pisr::message(version->major, ".", version->minor, ".",
                                                          version->patch)}}
                     .dump()
              << std::endl;
    serve(chain);
    return 0;
  });
}
