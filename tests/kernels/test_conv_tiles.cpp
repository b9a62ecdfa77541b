// Convolutions of emulated and real devices by tiles of the image.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "kernels/cuda/conv/conv_fp32_tiles.h"
#include "kernels/cuda/conv/conv_tf32_patch_tiles.h"
#include "kernels/cuda/conv/conv_tf32_tiles.h"
#include "kernels/cuda/conv/conv_weight_gradient_tiles.h"
#include "kernels/emulator/machine/emulator.h"
#include "kernels/table.h"
#include "tests/catch.h"
#include "tests/devices.h"
#include "tests/kernels/conv_cases.h"
#include "tests/kernels/conv_comparison.h"
#include "tests/kernels/emulated.h"
#include "tests/kernels/test_launcher.h"

namespace pisr::kernels {
namespace {

// Cases for conv_tf32_tiles.h, beside the common ones.
std::vector<ConvCase> tile_cases() {
  return {
      conv("several tiles, more filters than a block's", 2, 9, 60, 19, 37, {3, 1, 1}),
      conv("replicate", 1, 8, 9, 18, 20, {5, 2, 2, 1, PaddingMode::replicate}),
      conv("stride 3", 1, 10, 8, 35, 40, {4, 3, 1}),
      conv("stride beyond the kernel", 1, 8, 8, 9, 20, {1, 3, 0}),
      conv("channels in several goes", 1, 100, 12, 17, 18, {3, 1, 1}),
      conv("row kernel", 1, 8, 11, 5, 21, {1, 1, 1, 1, PaddingMode::zero, 7}),
      conv("padding beyond the kernel", 1, 8, 8, 2, 3, {2, 2, 4}),
      conv("rows by float4", 2, 12, 12, 18, 36, {3, 1, 1}),
      conv("rows by float4, channels in several goes", 1, 100, 57, 9, 20, {5, 1, 2}),
  };
}
std::vector<ConvCase> transposed_tile_cases() {
  return {
      transpose("stride 4", 1, 9, 20, 7, 20, {9, 4, 4}, 3),
      transpose("stride beyond the kernel", 1, 12, 57, 5, 9, {2, 3, 0}, 1),
      transpose("several tiles", 2, 16, 8, 17, 18, {3, 1, 1}),
      transpose("residues, rows by float4", 2, 12, 9, 17, 20, {9, 2, 4}, 1),
  };
}
// Cases for conv_tf32_patch_tiles.h.
std::vector<ConvCase> patch_tile_cases() {
  return {
      conv("patches, the first layer", 2, 1, 56, 17, 19, {5, 1, 2, 1, PaddingMode::replicate}),
      conv("patches of three channels, filters in two blocks", 1, 3, 57, 9, 33, {7, 1, 3}),
      conv("patches of seven elements", 1, 7, 8, 18, 16, {1}),
      conv("patches, stride 4", 1, 2, 12, 30, 70, {5, 4, 2}),
  };
}

// Cases to few channels, where residues are merged.
std::vector<ConvCase> merged_tile_cases() {
  return {
      transpose("FSRCNN x2", 1, 56, 1, 19, 35, {9, 2, 4}, 1),
      transpose("FSRCNN x3", 2, 12, 1, 17, 5, {9, 3, 4}, 2),
      transpose("FSRCNN x4", 1, 9, 1, 18, 18, {9, 4, 4}, 3),
      transpose("FSRCNN x3, rows by float4", 1, 12, 1, 5, 20, {9, 3, 4}, 2),
      transpose("no output padding", 1, 8, 1, 5, 33, {9, 2, 4}, 0),
      transpose("two channels, no padding", 1, 8, 2, 4, 5, {6, 2, 0}, 0),
      transpose("three channels", 1, 11, 3, 5, 7, {5, 3, 4}, 2),
      transpose("four channels, all that a kernel reaches", 1, 8, 4, 5, 6, {4, 2, 3}, 1),
      transpose("seven channels", 2, 8, 7, 3, 18, {3, 2, 1}, 0),
      transpose("64 filters", 1, 8, 4, 3, 4, {4, 4, 1}, 1),
      transpose("stride 1", 1, 8, 1, 20, 9, {3, 1, 2}, 0),
      transpose("one pixel", 1, 8, 1, 1, 1, {9, 2, 4}, 1),
      transpose("one pixel of one", 1, 8, 1, 1, 1, {1, 1, 0}, 0),
      transpose("stride beyond the kernel, few channels", 1, 8, 2, 4, 3, {1, 3, 0}, 2),
      transpose("stride beyond the kernel, merged", 1, 8, 1, 4, 3, {1, 2, 0}, 1),
      transpose("padding beyond the kernel", 1, 8, 1, 9, 9, {2, 2, 3}, 0),
      transpose("row kernel", 1, 8, 1, 9, 9, {1, 2, 0, 1, PaddingMode::zero, 7}, 0),
  };
}
// Cases by how many warps share the rows of a product, and how many its pixels, in TF32.
std::vector<ConvCase> weight_tile_cases() {
  return {
      conv("weights, two warps for the rows", 2, 1, 60, 17, 33, {5, 1, 2}),
      conv("weights, one warp", 1, 12, 56, 16, 19, {1}),
      conv("weights, two warps, few filters", 2, 56, 12, 9, 20, {1}),
      conv("weights, four warps, few filters", 1, 12, 12, 18, 17, {3, 1, 1}),
      conv("weights, channels in two blocks", 1, 41, 57, 10, 11, {1}),
      conv("weights, channels in blocks of eight", 3, 9, 60, 33, 35, {5, 2, 2}),
      conv("weights, as many rows as there can be", 1, 1, 2, 20, 23, {11, 1, 5}),
      conv("weights of one filter", 1, 12, 1, 17, 17, {3, 1, 1}),
      conv("weights, a row kernel", 1, 7, 13, 9, 18, {1, 1, 4, 1, PaddingMode::zero, 9}),
      conv("weights, stride 3", 2, 3, 17, 50, 20, {4, 3, 2}),
      conv("weights, more tiles than parts", 3, 1, 2, 145, 161,
           {3, 1, 1, 1, PaddingMode::replicate}),
  };
}
std::vector<ConvCase> transposed_weight_tile_cases() {
  return {
      transpose("weights, the last layer", 2, 56, 1, 9, 17, {9, 2, 4}, 1),
      transpose("weights, the last layer for x3", 1, 56, 1, 6, 17, {9, 3, 4}, 2),
      transpose("weights, the last layer for x4", 1, 56, 1, 5, 6, {9, 4, 4}, 3),
  };
}

// Cases for conv_fp32_tiles.h, beside the common ones: each kind of TapColumns with each WarpSplit,
// sums of few and of many terms, several blocks along every axis.
std::vector<ConvCase> float_tile_cases() {
  return {
      conv("short sums, 5x5", 2, 1, 57, 19, 67, {5, 1, 2, 1, PaddingMode::replicate}),
      conv("short sums, 1x1", 1, 12, 60, 17, 33, {1}),
      conv("short sums, 3x3", 1, 4, 13, 9, 34, {3, 1, 1}),
      conv("9x9 with stride 2", 2, 1, 30, 18, 67, {9, 2, 4}),
      conv("9x9 with stride 2, few filters", 1, 2, 12, 17, 130, {9, 2, 4}),
      conv("9x9 with stride 2, one filter", 1, 5, 1, 17, 66, {9, 2, 4}),
      conv("many channels, 1x1", 1, 190, 12, 9, 33, {1}),
      conv("channels in several goes, 3x3", 1, 50, 12, 9, 40, {3, 1, 1}),
      conv("channels in several goes, 5x5", 1, 56, 28, 8, 32, {5, 1, 2}),
      conv("few filters, 5x5", 1, 25, 4, 10, 37, {5, 1, 2}),
      conv("rows by float4, 1x1", 2, 7, 13, 11, 68, {1}),
      conv("rows by float4, 3x3", 2, 5, 12, 17, 36, {3, 1, 1}),
      conv("rows by float4, 5x5", 2, 3, 57, 9, 4, {5, 1, 2}),
      conv("rows by float4, padding beyond the kernel", 1, 3, 9, 5, 8, {5, 1, 7}),
      conv("1x1 with padding", 1, 3, 5, 5, 40, {1, 1, 1}),
      conv("few filters, 1x1", 1, 57, 3, 3, 40, {1}),
      conv("tile beyond its pitch", 1, 3, 5, 4, 70, {1, 1, 0, 1, PaddingMode::zero, 7}),
      conv("column of ten", 1, 2, 8, 11, 35, {10, 1, 4, 1, PaddingMode::zero, 3}),
      conv("stride 4", 1, 6, 9, 33, 70, {5, 4, 2}),
      conv("one pixel", 3, 12, 13, 1, 1, {5, 1, 2}),
  };
}
std::vector<ConvCase> transposed_float_tile_cases() {
  return {
      transpose("merged residues", 2, 56, 1, 9, 35, {9, 2, 4}, 1),
      transpose("merged residues, rows by float4", 2, 5, 1, 18, 40, {9, 2, 4}, 1),
      transpose("merged residues, stride 3", 1, 13, 1, 9, 33, {9, 3, 4}, 2),
      transpose("merged residues, stride 4", 1, 13, 1, 9, 33, {9, 4, 4}, 3),
      transpose("merged residues, three channels", 1, 7, 3, 6, 34, {4, 2, 1}),
      transpose("residues", 2, 20, 13, 7, 35, {5, 2, 2}, 1),
      transpose("residues without taps", 1, 3, 9, 5, 40, {2, 3, 0}, 1),
      transpose("stride 1", 1, 12, 56, 9, 33, {3, 1, 1}),
      transpose("one pixel", 2, 9, 1, 1, 1, {9, 2, 4}, 1),
  };
}

}  // namespace

TEST_CASE("the convolutions of a device equal their definition, twice", "[device]") {
  for (const Precision precision : {Precision::fp32, Precision::tf32}) {
    const bool exact = precision == Precision::fp32;
    const auto test_device = [&](Device& device, CaseSize size) {
      const ConvPlace place{.device = &device};
      const auto check = [&](const ConvCase& test, bool is_transpose) {
        if (size == CaseSize::small && y_count(test.sizes) > 300) {
          return;
        }
        for (const Store store : {Store::write, Store::add}) {
          compare_conv<float>(device.floats(), test, is_transpose, -1, store, place,
                              exact ? tolerance<float>() : kTf32Tolerance);
          if (exact) {
            compare_conv<double>(device.doubles(), test, is_transpose, -1, store, place);
          }
        }
        const ConvInputs<float> inputs(test.sizes, -1);
        const ConvKind<float> kernels = conv_kind(device.floats(), is_transpose);
        const auto first = run_conv<float>(kernels, test.sizes, inputs, place, Store::write, 0);
        const auto second = run_conv<float>(kernels, test.sizes, inputs, place, Store::write, 0);
        CHECK(same_bits(first.y, second.y));
        CHECK(same_bits(first.dx, second.dx));
        CHECK(same_bits(first.dweight, second.dweight));
        CHECK(same_bits(first.dbias, second.dbias));
      };
      for (const ConvCase& test : conv_cases()) {
        check(test, false);
      }
      for (const ConvCase& test : transpose_cases()) {
        check(test, true);
      }
      if (exact) {
        for (const ConvCase& test : float_tile_cases()) {
          check(test, false);
        }
        for (const ConvCase& test : transposed_float_tile_cases()) {
          check(test, true);
        }
      }
      if (!exact) {
        for (const auto& cases : {tile_cases(), patch_tile_cases(), weight_tile_cases()}) {
          for (const ConvCase& test : cases) {
            check(test, false);
          }
        }
        for (const auto& cases :
             {transposed_tile_cases(), merged_tile_cases(), transposed_weight_tile_cases()}) {
          for (const ConvCase& test : cases) {
            check(test, true);
          }
        }
      }
    };
    for_each_device(test_device, precision);
  }
}

TEST_CASE("emulated CUDA convolutions in TF32 by tiles of the image") {
  const auto& table = emulated_cuda::kernel_table(Precision::tf32);
  for (const ConvCase& test : tile_cases()) {
    CHECK(emulated_cuda::tf32_tiles_take_forward(test.sizes));
    compare_conv<float>(table, test, false, -1, Store::write, {}, kTf32Tolerance);
  }
  for (const ConvCase& test : transposed_tile_cases()) {
    CHECK(emulated_cuda::tf32_tiles_take_transpose(transposed(test.sizes)));
    compare_conv<float>(table, test, true, -1, Store::add, {}, kTf32Tolerance);
  }
  for (const ConvCase& test : patch_tile_cases()) {
    CHECK(emulated_cuda::tf32_patch_tiles_take_forward(test.sizes));
    compare_conv<float>(table, test, false, -1, Store::write, {}, kTf32Tolerance);
  }
  for (const ConvCase& test : transposed_weight_tile_cases()) {
    CHECK(emulated_cuda::tf32_patch_tiles_take_forward(transposed(test.sizes)));
  }
  for (const ConvCase& test : merged_tile_cases()) {
    CHECK(emulated_cuda::tf32_tiles_take_transpose(transposed(test.sizes)));
    compare_conv<float>(table, test, true, -1, Store::write, {}, kTf32Tolerance);
  }
  for (const ConvCase& test :
       {conv("groups", 1, 16, 16, 5, 5, {3, 1, 1, 2}),
        conv("few channels", 1, 7, 16, 5, 5, {3, 1, 1}),
        conv("stride 4", 1, 8, 8, 30, 33, {5, 4, 2}), conv("stride 5", 1, 8, 8, 9, 9, {5, 5, 0}),
        conv("too many taps", 1, 8, 17, 12, 12, {11, 1, 5})}) {
    CHECK(!emulated_cuda::tf32_tiles_take_forward(test.sizes));
    compare_conv<float>(table, test, false, -1, Store::write, {}, kTf32Tolerance);
  }
  for (const ConvCase& test :
       {conv("", 1, 8, 56, 9, 9, {5, 1, 2}), conv("", 1, 2, 4, 9, 9, {3, 1, 1, 2}),
        conv("", 1, 1, 7, 9, 9, {5, 1, 2}), conv("", 1, 1, 8, 20, 20, {17, 1, 8}),
        conv("", 1, 1, 8, 20, 20, {5, 5, 2})}) {
    CHECK(!emulated_cuda::tf32_patch_tiles_take_forward(test.sizes));
  }
}

TEST_CASE("emulated CUDA convolutions: gradients of weights by tiles of the image") {
  for (const Precision precision : {Precision::fp32, Precision::tf32}) {
    const auto& table = emulated_cuda::kernel_table(precision);
    const double tolerated = precision == Precision::fp32 ? tolerance<float>() : kTf32Tolerance;
    for (const ConvCase& test : weight_tile_cases()) {
      CHECK(emulated_cuda::tiles_take_weight_gradient(test.sizes, precision));
      compare_conv<float>(table, test, false, -1, Store::add, {}, tolerated);
    }
    for (const ConvCase& test : transposed_weight_tile_cases()) {
      CHECK(emulated_cuda::tiles_take_weight_gradient(transposed(test.sizes), precision));
      compare_conv<float>(table, test, true, -1, Store::write, {}, tolerated);
    }
    for (const ConvCase& test :
         {conv("weights of groups", 1, 16, 16, 5, 5, {3, 1, 1, 2}),
          conv("weights of too many taps", 1, 1, 2, 20, 23, {17, 1, 8}),
          conv("weights of too large a tile", 1, 2, 17, 90, 90, {9, 9, 4})}) {
      CHECK(!emulated_cuda::tiles_take_weight_gradient(test.sizes, precision));
      compare_conv<float>(table, test, false, -1, Store::write, {}, tolerated);
    }
    // One block must have all channels, or two would compute the same dz.
    const auto takes_prelu = [&](const ConvCase& test) {
      return emulated_cuda::tiles_take_prelu_weight_gradient(test.sizes, precision);
    };
    CHECK(takes_prelu(conv("", 1, 56, 12, 9, 9, {1})));
    CHECK(takes_prelu(conv("", 1, 1, 56, 9, 9, {5, 1, 2})));
    CHECK(takes_prelu(conv("", 1, 12, 12, 9, 9, {3, 1, 1})));
    CHECK(!takes_prelu(conv("", 1, 56, 56, 9, 9, {5, 2, 2})));
    CHECK(!takes_prelu(conv("", 1, 56, 56, 9, 9, {1})));
  }
}

TEST_CASE("emulated CUDA convolutions in float by tiles of the image") {
  const auto& table = emulated_cuda::kernel_table<float>();
  for (const float lowest : {-1.0F, 0.0F}) {
    const Store store = lowest == 0 ? Store::add : Store::write;
    for (const ConvCase& test : float_tile_cases()) {
      CHECK(emulated_cuda::fp32_tiles_take_forward(test.sizes));
      CHECK(emulated_cuda::fp32_tiles_take_transpose(test.sizes));
      compare_conv<float>(table, test, false, lowest, store);
    }
    for (const ConvCase& test : transposed_float_tile_cases()) {
      CHECK(emulated_cuda::fp32_tiles_take_transpose(transposed(test.sizes)));
      CHECK(emulated_cuda::fp32_tiles_take_forward(transposed(test.sizes)));
      compare_conv<float>(table, test, true, lowest, store);
    }
  }
  // The layers of the networks, forward and backward.
  for (const ConvCase& layer :
       {conv("", 1, 1, 56, 96, 96, {5, 1, 2}), conv("", 1, 56, 12, 96, 96, {1}),
        conv("", 1, 12, 12, 96, 96, {3, 1, 1}), conv("", 1, 12, 56, 96, 96, {1}),
        conv("", 1, 56, 56, 96, 96, {5, 1, 2}), conv("", 1, 56, 56, 96, 96, {5, 2, 2}),
        conv("", 1, 56, 12, 96, 96, {3, 1, 1}), conv("", 1, 12, 1, 96, 96, {3, 1, 1}),
        conv("", 1, 1, 56, 192, 192, {9, 2, 4}), conv("", 1, 1, 56, 288, 288, {9, 3, 4}),
        conv("", 1, 1, 56, 384, 384, {9, 4, 4})}) {
    CHECK(emulated_cuda::fp32_tiles_take_forward(layer.sizes));
    CHECK(emulated_cuda::fp32_tiles_take_transpose(layer.sizes));
  }
  for (const ConvCase& test :
       {conv("groups", 1, 4, 4, 5, 5, {3, 1, 1, 2}), conv("stride 5", 1, 3, 4, 9, 9, {5, 5, 0}),
        conv("too many taps", 1, 13, 13, 5, 5, {39, 1, 19})}) {
    CHECK(!emulated_cuda::fp32_tiles_take_forward(test.sizes));
    CHECK(!emulated_cuda::fp32_tiles_take_transpose(test.sizes));
    compare_conv<float>(table, test, false, -1, Store::write);
  }
}

// The other loads into shared memory: images aligned to 16 bytes, which those of `compare_conv` are
// not, and weights that are packed once.
TEST_CASE("emulated CUDA convolutions have the same bits however operands are loaded", "[order]") {
  class KeptWeight : public WeightCache {
   public:
    void* memory(std::size_t bytes, bool& is_new) override {
      is_new = words_.empty();
      words_.resize((bytes + sizeof(float4) - 1) / sizeof(float4));
      return words_.data();
    }
    bool is_empty() const { return words_.empty(); }

   private:
    std::vector<float4> words_;
  };
  const auto check = [](Precision precision, const std::vector<ConvCase>& cases,
                        bool is_transpose) {
    const auto forward = conv_kind(emulated_cuda::kernel_table(precision), is_transpose).forward;
    for (const ConvCase& test : cases) {
      CAPTURE(test.name, static_cast<int>(precision));
      const ConvInputs<float> inputs(test.sizes, -1);
      std::vector<float4> memory(inputs.x.size() / 4 + 2);
      KeptWeight cache;
      const auto run = [&](std::ptrdiff_t misaligned, WeightCache* kept) {
        float* const x = &memory[0].x + misaligned;
        std::copy(inputs.x.begin(), inputs.x.end(), x);
        std::vector<float> y(y_count(test.sizes), std::numeric_limits<float>::quiet_NaN());
        ConvArgs<float> args{test.sizes, x, inputs.weight.data(), nullptr, y.data()};
        args.cache = kept;
        TestLauncher launcher;
        forward(launcher, args);
        return y;
      };
      const std::vector<float> expected = run(1, nullptr);
      CHECK(same_bits(run(0, nullptr), expected));
      CHECK(same_bits(run(0, &cache), expected));
      CHECK(same_bits(run(0, &cache), expected));
      CHECK(!cache.is_empty());
    }
  };
  check(Precision::fp32, float_tile_cases(), false);
  check(Precision::fp32, transposed_float_tile_cases(), true);
  check(Precision::tf32, tile_cases(), false);
  check(Precision::tf32, transposed_tile_cases(), true);
  check(Precision::tf32, merged_tile_cases(), true);
  check(Precision::tf32,
        {conv("1x1 to few", 1, 57, 12, 5, 20, {1}), conv("1x1 to many", 2, 12, 60, 5, 20, {1})},
        false);
}

TEST_CASE("emulated CUDA convolutions: tiles for weights on a card of little shared memory") {
  emulator::set_card({std::size_t{64} << 10, 40});  // sm_75
  const auto takes = [](const ConvCase& test) {
    return emulated_cuda::tiles_take_weight_gradient(test.sizes, Precision::fp32);
  };
  CHECK(takes(conv("", 1, 12, 12, 9, 9, {3, 1, 1})));
  CHECK(!takes(conv("", 1, 2, 56, 9, 9, {5, 3, 2})));
  for (const ConvCase& test : weight_tile_cases()) {
    compare_conv<float>(emulated_cuda::kernel_table(Precision::fp32), test, false, -1, Store::add);
  }
  emulator::set_card({});
}

}  // namespace pisr::kernels
