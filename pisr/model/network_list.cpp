#include "pisr/model/network_list.h"

#include <nlohmann/json.hpp>

#include "pisr/model/architectures.h"

namespace pisr {
namespace {

constexpr int kScales[] = {2, 3, 4};

NetworkFacts facts_of(const Architecture& row, int channels, int scale, std::int64_t width,
                      std::int64_t height) {
  NetworkSpec spec;
  spec.architecture = row.name;
  spec.channels = channels;
  spec.scale = scale;
  const auto network = make_network(spec);
  return {.name = row.name,
          .title = title(spec),
          .channels = channels,
          .input = network->input(),
          .scale = scale,
          .parameters = network->parameter_count(),
          .multiply_adds = network->multiply_adds(width, height),
          .halo = network->halo()};
}

}  // namespace

std::vector<NetworkFacts> network_list(std::int64_t width, std::int64_t height) {
  std::vector<NetworkFacts> list;
  for (const int scale : kScales) {
    list.push_back({.name = "bicubic",
                    .title = "bicubic interpolation",
                    .channels = 1,
                    .input = NetworkInput::low,
                    .scale = scale,
                    .parameters = std::nullopt,
                    .multiply_adds = std::nullopt,
                    .halo = enlarged_halo(0, scale)});
  }
  for (const Architecture& row : architectures()) {
    for (const int channels : row.channels) {
      for (const int scale : kScales) {
        list.push_back(facts_of(row, channels, scale, width, height));
      }
    }
  }
  return list;
}

std::string to_json(const std::vector<NetworkFacts>& networks) {
  using Json = nlohmann::ordered_json;
  const auto or_null = [](const auto& value) { return value ? Json(*value) : Json(nullptr); };
  Json list = Json::array();
  for (const NetworkFacts& network : networks) {
    const auto& count = network.multiply_adds;
    list.push_back({{"name", network.name},
                    {"title", network.title},
                    {"colour", network.channels == 3 ? "rgb" : "y"},
                    {"input", network.input == NetworkInput::low ? "low" : "enlarged"},
                    {"scale", network.scale},
                    {"parameters", or_null(network.parameters)},
                    {"multiply_adds", count ? Json(count->exact) : Json(nullptr)},
                    {"multiply_adds_paper", count ? Json(count->paper) : Json(nullptr)},
                    {"halo", or_null(network.halo)}});
  }
  return list.dump(2) + "\n";
}

}  // namespace pisr
