#include "pisr/eval/evaluation_json.h"

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>

#include <nlohmann/json.hpp>

#include "core/error.h"

namespace pisr {
namespace {

using Json = nlohmann::ordered_json;

/// JSON has no infinity.
Json psnr_json(double psnr) {
  return std::isfinite(psnr) ? Json(psnr) : Json(nullptr);
}

double psnr_of(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::infinity() : json.get<double>();
}

}  // namespace

std::string to_json(const EvaluationTable& table) {
  Json results = Json::array();
  for (const EvaluationResult& result : table.results) {
    Json images = Json::array();
    for (const ImageResult& image : result.images) {
      images.push_back({{"name", image.name},
                        {"psnr", psnr_json(image.score.psnr)},
                        {"ssim", image.score.ssim},
                        {"ms", image.milliseconds}});
    }
    results.push_back({{"set", result.set},
                       {"model", result.model},
                       {"protocol", name(result.protocol)},
                       {"psnr", psnr_json(result.mean.psnr)},
                       {"ssim", result.mean.ssim},
                       {"images", std::move(images)}});
  }
  const Json json = {
      {"protocol", name(table.protocol)}, {"scale", table.scale}, {"results", std::move(results)}};
  // A file name that is not UTF-8 must not stop the evaluation.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

EvaluationTable evaluation_table_from_json(const std::string& text, const std::string& name) {
  try {
    const Json json = Json::parse(text);
    EvaluationTable table;
    table.protocol = protocol_from_name(json.at("protocol").get<std::string>());
    table.scale = json.at("scale").get<int>();
    for (const Json& from : json.at("results")) {
      EvaluationResult result;
      result.set = from.at("set").get<std::string>();
      result.model = from.at("model").get<std::string>();
      result.protocol = from.contains("protocol")
                            ? protocol_from_name(from.at("protocol").get<std::string>())
                            : table.protocol;
      result.mean = {psnr_of(from.at("psnr")), from.at("ssim").get<double>()};
      for (const Json& image : from.at("images")) {
        result.images.push_back({image.at("name").get<std::string>(),
                                 {psnr_of(image.at("psnr")), image.at("ssim").get<double>()},
                                 image.at("ms").get<double>()});
      }
      table.results.push_back(std::move(result));
    }
    return table;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::input,
                message("'", name, "' holds no evaluation results: ", error.what()));
  } catch (const Error& error) {
    throw Error(ErrorKind::input,
                message("'", name, "' holds no evaluation results: ", error.what()));
  }
}

EvaluationTable read_evaluation_table(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    throw Error(ErrorKind::input, message("cannot read '", path.string(), "'"));
  }
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  return evaluation_table_from_json(text, path.string());
}

}  // namespace pisr
