// CARN, IMDN, IMDN-RTC and SRFBN: counts of the papers, published weights, and what is their own.

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "nn/flat_parameters.h"
#include "nn/init.h"
#include "pisr/model/carn.h"
#include "pisr/model/imdn.h"
#include "pisr/model/imdn_rtc.h"
#include "pisr/model/srfbn.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/golden.h"
#include "tests/gradcheck.h"
#include "tests/shared_data.h"

namespace pisr {
namespace {

using golden::counter_numbers;
using golden::relative_error;

/// In 10^9, to the digit that tables print.
double billions(std::int64_t count) {
  return std::round(static_cast<double>(count) / 1e8) / 10;
}

MultiplyAdds table_count(const SrNetwork& network) {
  return network.multiply_adds(1280, 720);
}

Tensor run(const SrNetwork& network, const Tensor& low) {
  Context context;
  Tape tape(context, Tape::Mode::inference);
  return network.image(tape.constant(low)).value().clone();
}

/// The tensors of `network` under the names that others give its layers.
SafeTensors renamed(const SrNetwork& network, const std::map<std::string, std::string>& key_of) {
  SafeTensors file;
  for (const NamedParameter& named : network.parameters()) {
    file.tensors[key_of.at(named.name)] = named.parameter->value.clone();
  }
  return file;
}

WeightsOptions of_scale(int scale) {
  WeightsOptions wanted;
  wanted.scale = scale;
  return wanted;
}

/// What published weights of CARN call its layers, which lie below upsample.UP where they enlarge.
std::map<std::string, std::string> carn_names(int blocks, const std::string& up) {
  std::map<std::string, std::string> names;
  const auto add = [&](const std::string& own, const std::string& theirs) {
    names[own + ".weight"] = theirs + ".weight";
    names[own + ".bias"] = theirs + ".bias";
  };
  add("sub_mean", "sub_mean.shifter");
  add("add_mean", "add_mean.shifter");
  add("entry", "entry");
  add("exit", "exit");
  for (int b = 0; b < blocks; ++b) {
    for (int i = 0; i < blocks; ++i) {
      add(message("blocks.", b, ".residual.", i, ".0"),
          message("b", b + 1, ".b", i + 1, ".body.0"));
      add(message("blocks.", b, ".residual.", i, ".1"),
          message("b", b + 1, ".b", i + 1, ".body.2"));
      add(message("blocks.", b, ".compress.", i), message("b", b + 1, ".c", i + 1, ".body.0"));
    }
    add(message("compress.", b), message("c", b + 1, ".body.0"));
  }
  add("upsampling.0", "upsample." + up + ".body.0");
  add("upsampling.1", "upsample." + up + ".body.3");
  return names;
}

}  // namespace

TEST_CASE("CARN has the counts of PISR's table") {
  const std::array<double, 3> carn{222.8, 118.8, 90.9};
  const std::array<double, 3> mobile{91.2, 46.1, 32.5};
  std::array<std::int64_t, 2> heads{};
  for (const int scale : {2, 3, 4}) {
    CAPTURE(scale);
    const auto index = static_cast<std::size_t>(scale - 2);
    const Carn network({.scale = scale});
    CHECK(billions(table_count(network).paper) == carn[index]);
    CHECK(table_count(network).exact == table_count(network).paper);
    const Carn small({.mobile = true, .scale = scale});
    CHECK(billions(table_count(small).paper) == mobile[index]);
    for (const NamedParameter& named : network.parameters()) {
      heads[0] += named.name.starts_with("upsampling") ? named.parameter->value.count() : 0;
    }
    for (const NamedParameter& named : small.parameters()) {
      heads[1] += named.name.starts_with("upsampling") ? named.parameter->value.count() : 0;
    }
  }
  // The papers count the layers that enlarge by 2, 3 and 4 together.
  const auto body = [](const Carn& network) {
    std::int64_t count = network.parameter_count();
    for (const NamedParameter& named : network.parameters()) {
      count -= named.name.starts_with("upsampling") ? named.parameter->value.count() : 0;
    }
    return count;
  };
  CHECK(body(Carn()) + heads[0] == 1591963);
  CHECK(body(Carn({.mobile = true})) + heads[1] == 414811);
  CHECK(Carn().parameter_count() == 964187);
  CHECK(Carn({.channels = 1}).parameter_count() == 964187 - 24 - 2 * 576 * 2 - 2);
}

TEST_CASE("IMDN has the counts of PISR's table") {
  const std::array<std::int64_t, 3> parameters{694404, 703059, 715176};
  const std::array<double, 3> paper{159.6, 71.7, 41.1};
  // As IMDN's own paper counts.
  const std::array<double, 3> exact{158.8, 71.4, 40.9};
  for (const int scale : {2, 3, 4}) {
    CAPTURE(scale);
    const auto index = static_cast<std::size_t>(scale - 2);
    const Imdn network({.scale = scale});
    CHECK(network.parameter_count() == parameters[index]);
    CHECK(billions(table_count(network).paper) == paper[index]);
    CHECK(billions(table_count(network).exact) == exact[index]);
    CHECK_FALSE(network.halo());
  }
  CHECK(ImdnRtc().parameter_count() == 20190);
  CHECK(table_count(ImdnRtc()).exact == 230400LL * 19899);
}

TEST_CASE("SRFBN has the counts of PISR's table") {
  CHECK(Srfbn({.scale = 4}).parameter_count() == 3631478);
  CHECK(Srfbn({.scale = 3}).parameter_count() == 3631478 - 13 * 4096 * (64 - 49));
  CHECK(Srfbn({.scale = 2}).parameter_count() == 3631478 - 13 * 4096 * (64 - 36));
  // The table prints 1,126.7G for x2 and this over 2.25 and 4 for x3 and x4.
  const std::int64_t count = table_count(Srfbn({.scale = 4})).paper;
  CHECK(billions(count) == 1126.7);
  CHECK(billions(count * 4 / 9) == 500.8);
  CHECK(billions(count / 4) == 281.7);
  CHECK(billions(table_count(Srfbn({.scale = 4})).exact) == 1071.2);
}

TEST_CASE("titles tell the networks of the papers") {
  CHECK(title(carn_spec()) == "CARN");
  CHECK(title(carn_spec({.mobile = true, .scale = 4, .channels = 1})) == "CARN-M");
  CHECK(title(carn_spec({.blocks = 2})) == "CARN(64, 2)");
  CHECK(title(imdn_spec({.scale = 3})) == "IMDN");
  CHECK(title(imdn_spec({.blocks = 2})) == "IMDN(64, 2)");
  CHECK(title(imdn_rtc_spec()) == "IMDN-RTC");
  CHECK(title(imdn_rtc_spec({.feature_channels = 16})) == "IMDN-RTC(16, 5)");
  CHECK(title(srfbn_spec({.scale = 4})) == "SRFBN");
  CHECK(title(srfbn_spec({.feature_channels = 32, .groups = 3})) == "SRFBN-S");
  CHECK(title(srfbn_spec({.steps = 3})) == "SRFBN(64, 6, 3)");
}

TEST_CASE("published CARN-M and IMDN weights give PyTorch's output", "[golden]") {
  struct Published {
    std::string weights, golden;
    int scale;
    std::int64_t parameters;
  };
  const std::string carn = "carn-m_x234_nmhkahn";
  const std::string imdn = "imdn_x2_Zheng222";
  for (const Published& row :
       {Published{carn, carn + "_at_x2", 2, 257051}, Published{carn, carn + "_at_x3", 3, 303451},
        Published{carn, carn + "_at_x4", 4, 294171}, Published{imdn, imdn, 2, 694404}}) {
    CAPTURE(row.golden);
    const auto weights = shared_data("weights/" + row.weights + ".safetensors");
    const auto golden_path = shared_data("weights/golden/" + row.golden + ".safetensors");
    if (!weights || !golden_path) return;
    const std::unique_ptr<SrNetwork> network = load_network(*weights, of_scale(row.scale));
    CHECK(network->parameter_count() == row.parameters);
    CHECK(network->spec().channels == 3);
    const SafeTensors file = read_safetensors(*golden_path);
    const double error =
        relative_error(run(*network, file.tensors.at("input")), file.tensors.at("output"));
    CAPTURE(error);
    CHECK(error <= 1e-5);
  }
}

TEST_CASE("files of CARN tell the scales that they are for", "[weights]") {
  const Tensor low = counter_numbers("image.low", {1, 3, 4, 5}, 0, 1, DType::f32);
  for (const int scale : {2, 3, 4}) {
    CAPTURE(scale);
    Carn network({.feature_channels = 4, .blocks = 2, .scale = scale});
    initialise(network, 5);
    // Of one scale: its tensors tell it.
    const SafeTensors one = renamed(network, carn_names(2, "up"));
    const auto alone = make_network(one, "w", WeightsOptions{});
    CHECK(alone->spec() == network.spec());
    CHECK(relative_error(run(*alone, low), run(network, low)) == 0);
    // Of several: the wanted one, without the layers of the others.
    SafeTensors several = renamed(network, carn_names(2, message("up", scale)));
    const int other = scale == 2 ? 3 : 2;
    Carn with_other({.feature_channels = 4, .blocks = 2, .scale = other});
    for (const auto& [name, tensor] :
         renamed(with_other, carn_names(2, message("up", other))).tensors) {
      several.tensors.emplace(name, tensor);
    }
    const auto chosen = make_network(several, "w", of_scale(scale));
    CHECK(chosen->spec() == network.spec());
    CHECK(relative_error(run(*chosen, low), run(network, low)) == 0);
    CHECK_THROWS_WITH(make_network(several, "w", WeightsOptions{}), "'w': metadata lack 'scale'");
    const int missing = 9 - scale - other;
    CHECK_THROWS_WITH(make_network(several, "w", of_scale(missing)),
                      message("'w': has layers for the scales ", std::min(scale, other), ", ",
                              std::max(scale, other), ", wanted ", missing));
  }
}

TEST_CASE("published names of IMDN, IMDN-RTC and SRFBN are recognised", "[weights]") {
  const Tensor low = counter_numbers("image.low", {1, 3, 4, 5}, 0, 1, DType::f32);
  const auto check = [&](SrNetwork& network, const std::map<std::string, std::string>& names) {
    initialise(network, 5);
    SafeTensors file = renamed(network, names);
    const auto loaded = make_network(file, "w", WeightsOptions{});
    CHECK(loaded->spec() == network.spec());
    CHECK(relative_error(run(*loaded, low), run(network, low)) == 0);
    file.tensors.erase(file.tensors.begin());
    CHECK_THROWS_AS(make_network(file, "w", of_scale(network.spec().scale)), Error);
  };
  for (const int scale : {2, 3, 4}) {
    CAPTURE(scale);
    std::map<std::string, std::string> names;
    const auto add = [&](const std::string& own, const std::string& theirs) {
      names[own + ".weight"] = theirs + ".weight";
      names[own + ".bias"] = theirs + ".bias";
    };
    for (int b = 0; b < 2; ++b) {
      for (int i = 0; i < 4; ++i) {
        add(message("blocks.", b, ".distil.", i), message("IMDB", b + 1, ".c", i + 1));
      }
      add(message("blocks.", b, ".compress"), message("IMDB", b + 1, ".c5"));
      add(message("blocks.", b, ".attention.0"), message("IMDB", b + 1, ".cca.conv_du.0"));
      add(message("blocks.", b, ".attention.1"), message("IMDB", b + 1, ".cca.conv_du.2"));
    }
    add("first", "fea_conv");
    add("join", "c.0");
    add("last", "LR_conv");
    add("upsampling", "upsampler.0");
    Imdn imdn({.feature_channels = 8, .blocks = 2, .scale = scale});
    check(imdn, names);

    names.clear();
    for (int b = 0; b < 2; ++b) {
      for (int i = 0; i < 4; ++i) {
        add(message("blocks.", b, ".distil.", i), message("model.1.sub.", b, ".c", i + 1));
      }
      add(message("blocks.", b, ".compress"), message("model.1.sub.", b, ".c5"));
    }
    add("first", "model.0");
    add("last", "model.1.sub.2");
    add("upsampling", "model.2");
    ImdnRtc rtc({.feature_channels = 8, .blocks = 2, .scale = scale});
    check(rtc, names);

    names.clear();
    const auto with_slope = [&](const std::string& own, const std::string& theirs) {
      add(own, theirs + ".0");
      names[own + ".slope"] = theirs + ".1.weight";
    };
    with_slope("entry", "conv_in");
    with_slope("narrow", "feat_in");
    with_slope("compress_in", "block.compress_in");
    with_slope("compress_out", "block.compress_out");
    with_slope("enlarge", "out");
    for (int group = 0; group < 2; ++group) {
      with_slope(message("up.", group), message("block.upBlocks.", group));
      with_slope(message("down.", group), message("block.downBlocks.", group));
    }
    with_slope("compress_up.0", "block.uptranBlocks.0");
    with_slope("compress_down.0", "block.downtranBlocks.0");
    add("exit", "conv_out.0");
    add("sub_mean", "sub_mean");
    add("add_mean", "add_mean");
    Srfbn srfbn({.feature_channels = 4, .groups = 2, .scale = scale});
    check(srfbn, names);
  }
}

TEST_CASE("the mean colour is neither initialised nor trained") {
  Carn network({.feature_channels = 4, .blocks = 1});
  initialise(network, 3);
  const auto mean = [&] {
    for (const NamedParameter& named : network.parameters()) {
      if (named.name == "sub_mean.bias") return named.parameter->value.data<float>()[1];
    }
    return 0.0F;
  };
  CHECK(mean() == -0.4371F);
  network.set_trainable(true);
  const FlatParameters flat({{"", &network}});
  CHECK(flat.count() == network.parameter_count() - 24);
  CHECK(std::ranges::none_of(flat.entries(), [](const FlatParameters::Entry& entry) {
    return entry.name.find("mean") != std::string::npos;
  }));
  // It is taken off and put back: with weights of zero the image is the mean colour.
  const Tensor grey = run(Carn(), Tensor::full({1, 3, 2, 2}, 0.5));
  for (const int colour : {0, 1, 2}) {
    CHECK(grey.data<float>()[colour * 16] ==
          std::array{0.4488F, 0.4371F, 0.404F}[static_cast<std::size_t>(colour)]);
  }
}

TEST_CASE("SRFBN of zeros is bilinear interpolation") {
  for (const int scale : {2, 3, 4}) {
    for (const int channels : {1, 3}) {
      const Srfbn network(
          {.feature_channels = 2, .groups = 1, .scale = scale, .channels = channels});
      const Tensor low = counter_numbers("image.low", {1, channels, 3, 4}, 0, 1, DType::f32);
      const Tensor high = run(network, low);
      double furthest = 0;
      for (int plane = 0; plane < channels; ++plane) {
        for (int y = 0; y < 3 * scale; ++y) {
          for (int x = 0; x < 4 * scale; ++x) {
            const auto sample = [&](int i, int j) {
              return low.data<float>()[(plane * 3 + std::clamp(i, 0, 2)) * 4 + std::clamp(j, 0, 3)];
            };
            const double v = (y + 0.5) / scale - 0.5;
            const double u = (x + 0.5) / scale - 0.5;
            const int i = static_cast<int>(std::floor(v));
            const int j = static_cast<int>(std::floor(u));
            const double wanted =
                (1 - v + i) * ((1 - u + j) * sample(i, j) + (u - j) * sample(i, j + 1)) +
                (v - i) * ((1 - u + j) * sample(i + 1, j) + (u - j) * sample(i + 1, j + 1));
            const double got = high.data<float>()[(plane * 3 * scale + y) * 4 * scale + x];
            furthest = std::max(furthest, std::abs(got - wanted));
          }
        }
      }
      CAPTURE(scale, channels, furthest);
      CHECK(furthest < 1e-6);
    }
  }
}

TEST_CASE("networks on RGB have the right gradients", "[gradient]") {
  std::vector<NetworkSpec> specs{carn_spec({.feature_channels = 4, .blocks = 1, .mobile = true}),
                                 carn_spec({.feature_channels = 2, .blocks = 2, .scale = 4}),
                                 imdn_spec({.feature_channels = 4, .blocks = 2}),
                                 imdn_rtc_spec({.feature_channels = 4, .blocks = 2}),
                                 srfbn_spec({.feature_channels = 2, .groups = 2, .steps = 2})};
  for (const NetworkSpec& spec : specs) {
    CAPTURE(title(spec));
    const auto network = make_network(spec);
    network->convert(DType::f64);
    initialise(*network, 2);
    network->set_trainable(false);
    Context context;
    const GradientReport report = check_gradient(
        context,
        [&](Tape&, const std::vector<Variable>& inputs) {
          const SrNetwork::Result result = network->forward(inputs[0]);
          return mean(result.image * result.image) + mean(result.feature * result.feature);
        },
        {counter_numbers("image.low", {1, 3, 3, 4}, 0, 1, DType::f64)});
    CAPTURE(report.where);
    CHECK(report.passed());
  }
}

TEST_CASE("CARN-M has as many groups as divide its channels, four at most") {
  const auto groups = [](int channels) {
    const Carn network({.feature_channels = channels, .mobile = true});
    return channels / network.parameters()[6].parameter->value.shape()[1];
  };
  CHECK(Carn({.mobile = true}).parameters()[6].name == "blocks.0.residual.0.1.weight");
  CHECK(groups(64) == 4);
  CHECK(groups(12) == 4);
  CHECK(groups(6) == 2);
  CHECK(groups(5) == 1);
}

TEST_CASE("networks on RGB refuse other numbers of channels") {
  CHECK_THROWS_WITH(make_network(carn_spec({.channels = 2})),
                    "carn: channels must be 3 or 1, got 2");
  CHECK_THROWS_WITH(Imdn({.feature_channels = 3}),
                    "imdn: feature_channels must be in 4..512, got 3");
}

}  // namespace pisr
