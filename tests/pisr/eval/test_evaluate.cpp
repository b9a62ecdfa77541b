#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/parallel.h"
#include "pisr/data/dead_leaves.h"
#include "pisr/eval/evaluate.h"
#include "pisr/eval/evaluation_json.h"
#include "pisr/image/image_io.h"
#include "pisr/image/imresize.h"
#include "pisr/model/fsrcnn.h"
#include "pisr/model/weights.h"
#include "tests/catch.h"
#include "tests/pisr/eval/result_of.h"
#include "tests/shared_data.h"
#include "tests/temporary_folder.h"

using namespace pisr;

TEST_CASE("published weights reach their published figures on Set5", "[evaluate]") {
  const auto weights = shared_data("weights/fsrcnn_x2_yjn870.safetensors");
  const auto images = shared_data("data/benchmark/Set5");
  if (!weights || !images) {
    return;
  }
  const auto network = load_network(*weights, 2);
  const EvaluationSet set = load_evaluation_set(*images, 2);
  ThreadPool pool(2);
  Context context(pool);
  const EvaluationResult bicubic = evaluate_bicubic(pool, set, Protocol::matlab);
  const EvaluationResult result =
      evaluate(context, pool, set, Protocol::matlab, "fsrcnn", *network);
  CHECK(result.set == "Set5");
  CHECK(std::abs(result.mean.psnr - 37.110) <= 0.0005);
  CHECK(std::abs(result.mean.ssim - 0.9563) <= 0.00005);
  CHECK(std::abs(bicubic.mean.psnr - 33.661) <= 0.0005);
  CHECK(std::abs(bicubic.mean.ssim - 0.9299) <= 0.00005);
  CHECK(compare_with_known(bicubic, 2, Protocol::matlab).empty());
  // Protocol pisr differs, and is known too.
  const EvaluationResult other = evaluate_bicubic(pool, set, Protocol::pisr);
  CHECK(compare_with_known(other, 2, Protocol::pisr).empty());
  CHECK(!compare_with_known(other, 2, Protocol::matlab).empty());
  CHECK(result.images.size() == 5);
  CHECK(result.images[2].name == "butterfly");
  CHECK(result.mean_milliseconds() > 0);
}

TEST_CASE("published weights of other networks reach their figures on Set5", "[.long][evaluate]") {
  struct Row {
    std::string weights;
    int scale;
    Score score;
  };
  for (const Row& row : {Row{"vdsr_x234_official-via-huangzehao", 2, {37.527, 0.9587}},
                         {"vdsr_x234_official-via-huangzehao", 3, {33.658, 0.9213}},
                         {"vdsr_x234_official-via-huangzehao", 4, {31.343, 0.8838}},
                         {"srcnn-955_x3_fuyongXu", 3, {32.660, 0.9086}},
                         {"srcnn-955_x4_official-via-CudaChen", 4, {30.484, 0.8628}},
                         {"fsrcnn_x2_Saafke-opencv", 2, {34.83, 0.9397}},
                         {"idn_x2_Zheng222-caffe", 2, {37.827, 0.9600}},
                         // On RGB, under its protocol.
                         {"carn-m_x234_nmhkahn", 2, {37.678, 0.9595}},
                         {"carn-m_x234_nmhkahn", 3, {34.058, 0.9248}},
                         {"carn-m_x234_nmhkahn", 4, {31.883, 0.8910}},
                         {"imdn_x2_Zheng222", 2, {37.996, 0.9605}}}) {
    CAPTURE(row.weights, row.scale);
    const auto weights = shared_data("weights/" + row.weights + ".safetensors");
    const auto images = shared_data("data/benchmark/Set5");
    if (!weights || !images) {
      return;
    }
    WeightsOptions wanted;
    wanted.scale = row.scale;
    const auto network = load_network(*weights, wanted);
    ThreadPool pool(2);
    Context context(pool);
    const Score score = evaluate(context, pool, load_evaluation_set(*images, row.scale),
                                 Protocol::matlab, row.weights, *network)
                            .mean;
    CHECK(std::abs(score.psnr - row.score.psnr) <= 0.005);
    CHECK(std::abs(score.ssim - row.score.ssim) <= 0.0002);
  }
}

TEST_CASE("means, names and times of an evaluation", "[evaluate][threads]") {
  const EvaluationSet set{"leaves", built_in_dataset(1, 0, 3, 48, 2, 1)};
  ThreadPool pool(2);
  int calls = 0;
  const EvaluationResult result =
      evaluate(pool, set, Protocol::pisr, "mine", [&](const EvaluationPair& pair) {
        ++calls;
        return upscale(pair.low, 2);
      });
  const EvaluationResult bicubic = evaluate_bicubic(pool, set, Protocol::pisr);
  CHECK(calls == 3);
  CHECK(result.set == "leaves");
  CHECK(result.model == "mine");
  CHECK(bicubic.model == "bicubic");
  REQUIRE(result.images.size() == 3);
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(result.images[i].name == set.data.images[i].name);
    CHECK(result.images[i].score.psnr == bicubic.images[i].score.psnr);
    CHECK(result.images[i].milliseconds >= 0);
    sum += result.images[i].score.psnr;
  }
  CHECK(result.mean.psnr == Approx(sum / 3).epsilon(1e-14));
}

TEST_CASE("an error of an evaluation names the image", "[evaluate]") {
  const EvaluationSet set{"leaves", built_in_dataset(1, 0, 2, 48, 2, 1)};
  ThreadPool pool(1);
  try {
    evaluate(pool, set, Protocol::pisr, "bad", [](const EvaluationPair& pair) {
      Plane plane = upscale(pair.low, 2);
      plane.samples[3] = std::nan("");
      return plane;
    });
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::numeric);
    CHECK(std::string(error.what()).find("'" + set.data.images[0].name + "'") != std::string::npos);
  }
  const Fsrcnn network(FsrcnnOptions{.scale = 3});
  Context context;
  try {
    evaluate(context, pool, set, Protocol::pisr, "x3", network);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::weights);
  }
}

TEST_CASE("a set is named after its folder", "[evaluate]") {
  const TemporaryFolder folder;
  const auto root = folder.path() / "benchmark";
  std::filesystem::create_directories(root / "My Set" / "HR");
  std::filesystem::create_directories(root / "Another" / "HR");
  write_image(root / "My Set" / "HR" / "a.png", dead_leaves(1, 1, 32, 32));
  write_image(root / "Another" / "HR" / "b.png", dead_leaves(1, 2, 32, 32));
  CHECK(load_evaluation_set(root / "My Set", 2).name == "My Set");
  CHECK(load_evaluation_set(root / "My Set" / "", 2).name == "My Set");
  CHECK(load_evaluation_set(root / "My Set" / "HR", 2).name == "My Set");
  CHECK(load_evaluation_set(root / "My Set" / "HR" / "a.png", 2).name == "a");
  CHECK(find_evaluation_sets(root) ==
        std::vector<std::filesystem::path>{root / "Another", root / "My Set"});
  CHECK(find_evaluation_sets(root / "My Set") ==
        std::vector<std::filesystem::path>{root / "My Set"});
  CHECK(find_evaluation_sets(root / "none") == std::vector<std::filesystem::path>{root / "none"});
}

TEST_CASE("a folder's name may hold a dot, sets lie beside plain folders", "[evaluate]") {
  const TemporaryFolder folder;
  const auto root = folder.path() / "benchmark";
  const auto image = dead_leaves(1, 1, 32, 32);
  for (const char* set : {"Set5.v2/HR", "Urban.x", ".trash/HR"}) {
    std::filesystem::create_directories(root / set);
    write_image(root / set / "a.b.png", image);
  }
  std::filesystem::create_directory(root / "notes");
  CHECK(load_evaluation_set(root / "Set5.v2", 2).name == "Set5.v2");
  CHECK(load_evaluation_set(root / "Set5.v2/HR", 2).name == "Set5.v2");
  CHECK(load_evaluation_set(root / "Urban.x", 2).name == "Urban.x");
  CHECK(load_evaluation_set(root / "Urban.x" / "a.b.png", 2).name == "a.b");
  CHECK(find_evaluation_sets(root) ==
        std::vector<std::filesystem::path>{root / "Set5.v2", root / "Urban.x"});
  std::filesystem::rename(root / "Urban.x", root / "caf\xE9");
  CHECK(load_evaluation_set(root / "caf\xE9", 2).name == "caf\\xe9");
}

TEST_CASE("images too small to be measured are refused when they are loaded", "[evaluate]") {
  ThreadPool pool(1);
  for (const int scale : {2, 3, 4}) {
    const TemporaryFolder folder;
    const int side = smallest_side(scale);
    const auto save = [&](int width, int height) {
      write_image(folder.path() / "a.png", dead_leaves(1, 1, width, height));
    };
    save(side, side);
    const EvaluationSet set = load_evaluation_set(folder.path(), scale);
    CHECK(std::isfinite(evaluate_bicubic(pool, set, Protocol::matlab).mean.ssim));
    for (const auto& [width, height] : {std::pair(side - 1, 40), {40, side - 1}}) {
      save(width, height);
      try {
        load_evaluation_set(folder.path(), scale);
        FAIL("no error");
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::input);
        CHECK(error.what() == message("image '", (folder.path() / "a.png").string(), "' is ", width,
                                      " x ", height, ", too small to be measured at scale ", scale,
                                      ": must be at least ", side, " x ", side));
      }
    }
  }
  CHECK(smallest_side(2) == 16);
}

TEST_CASE("an evaluation is abandoned between images", "[evaluate]") {
  const EvaluationSet set{"leaves", built_in_dataset(1, 0, 4, 48, 2, 1)};
  ThreadPool pool(1);
  int calls = 0;
  const Enlarge enlarge = [&](const EvaluationPair& pair) {
    ++calls;
    return upscale(pair.low, 2);
  };
  CHECK_THROWS_AS(evaluate(pool, set, Protocol::pisr, "mine", enlarge, [&] { return calls == 2; }),
                  EvaluationStopped);
  CHECK(calls == 2);
  CHECK(evaluate(pool, set, Protocol::pisr, "mine", enlarge, [] { return false; }).images.size() ==
        4);
  const Fsrcnn network(FsrcnnOptions{.scale = 2});
  Context context;
  const StopCheck at_once = [] { return true; };
  CHECK_THROWS_AS(evaluate(context, pool, set, Protocol::pisr, "x2", network, at_once),
                  EvaluationStopped);
  CHECK_THROWS_AS(evaluate_bicubic(pool, set, Protocol::pisr, at_once), EvaluationStopped);
}

TEST_CASE("known bicubic figures are of a set's name and size", "[evaluate]") {
  CHECK(known_bicubic("Set5", 5, 2, Protocol::matlab)->psnr == 33.661);
  CHECK(known_bicubic("B100", 100, 4, Protocol::matlab)->ssim == 0.6674);
  CHECK(!known_bicubic("Set5", 4, 2, Protocol::matlab));
  CHECK(!known_bicubic("Set6", 5, 2, Protocol::matlab));
  EvaluationResult bicubic = result_of("Set5", "bicubic", {33.661, 0.93}, {});
  bicubic.images.resize(5);
  CHECK(compare_with_known(bicubic, 2, Protocol::matlab).empty());
  bicubic.mean.psnr = 33.667;
  CHECK(compare_with_known(bicubic, 2, Protocol::matlab).find("33.667 dB here, 33.661 dB") !=
        std::string::npos);
  bicubic.mean.psnr = std::nan("");
  CHECK(!compare_with_known(bicubic, 2, Protocol::matlab).empty());
}

TEST_CASE("results as JSON keep their format", "[evaluate]") {
  EvaluationTable table{Protocol::matlab, 3, {}};
  table.results.push_back(
      result_of("Set5", "bicubic", {30.5, 0.875}, {{"baby", {30.5, 0.875}, 2}}));
  table.results.push_back(
      result_of("Set5", "a \"b\"", {INFINITY, 1}, {{"b\n", {INFINITY, 1}, 0.5}}));
  table.results[0].protocol = Protocol::matlab;
  table.results[1].protocol = Protocol::rgb;
  const std::string text = to_json(table);
  const auto json = nlohmann::json::parse(text);
  const auto wanted = nlohmann::json::parse(R"({"protocol": "matlab", "scale": 3, "results": [
    {"set": "Set5", "model": "bicubic", "protocol": "matlab", "psnr": 30.5, "ssim": 0.875,
     "images": [{"name": "baby", "psnr": 30.5, "ssim": 0.875, "ms": 2.0}]},
    {"set": "Set5", "model": "a \"b\"", "protocol": "rgb", "psnr": null, "ssim": 1.0,
     "images": [{"name": "b\n", "psnr": null, "ssim": 1.0, "ms": 0.5}]}]})");
  CHECK(json == wanted);

  const EvaluationTable back = evaluation_table_from_json(text, "x.json");
  CHECK(back.protocol == Protocol::matlab);
  CHECK(back.scale == 3);
  REQUIRE(back.results.size() == 2);
  CHECK(back.results[1].model == "a \"b\"");
  CHECK(std::isinf(back.results[1].mean.psnr));
  CHECK(back.results[1].protocol == Protocol::rgb);
  CHECK(to_json(back) == text);

  // A file that is older than the protocol of a result.
  auto older = json;
  older["results"][1].erase("protocol");
  CHECK(evaluation_table_from_json(older.dump(), "x.json").results[1].protocol == Protocol::matlab);
}

TEST_CASE("what is no table of results is an input error", "[evaluate]") {
  for (const char* text :
       {"", "{", "[]", "{}", R"({"protocol": "other", "scale": 2, "results": []})",
        R"({"protocol": "pisr", "scale": "2", "results": []})",
        R"({"protocol": "pisr", "scale": 2, "results": [{"set": "a", "model": "b",
            "protocol": "rgba", "psnr": 1, "ssim": 1, "images": []}]})",
        R"({"protocol": "pisr", "scale": 2, "results": [{"set": "a"}]})"}) {
    CAPTURE(text);
    try {
      evaluation_table_from_json(text, "r.json");
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::input);
      CHECK(std::string(error.what()).find("'r.json'") != std::string::npos);
    }
  }
  CHECK_THROWS_AS(read_evaluation_table("/nonexistent/r.json"), Error);
}
