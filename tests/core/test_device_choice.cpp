#include <string>

#include "core/device_choice.h"
#include "core/error.h"
#include "tests/catch.h"

namespace pisr {

TEST_CASE("device choice: what is read", "[device]") {
  using Kind = DeviceChoice::Kind;
  CHECK(parse_device("auto").kind == Kind::automatic);
  CHECK(parse_device("cpu").kind == Kind::cpu);
  CHECK(parse_device("-1").kind == Kind::cpu);
  CHECK(parse_device("cuda").kind == Kind::cuda);
  CHECK(parse_device("cuda").cuda.number == 0);
  CHECK(parse_device("cuda:3").cuda.number == 3);
  CHECK(parse_device("2").kind == Kind::cuda);
  CHECK(parse_device("2").cuda.number == 2);
  for (const char* wrong : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "-2", "1x", "99999999999"}) {
    CAPTURE(wrong);
    CHECK_THROWS_WITH(parse_device(wrong), Catch::StartsWith("device: must be auto, cpu, cuda"));
  }
  CHECK(parse_precision("fp32") == kernels::Precision::fp32);
  CHECK(parse_precision("tf32") == kernels::Precision::tf32);
  CHECK(parse_precision("fp16") == kernels::Precision::fp16);
  CHECK_THROWS_WITH(parse_precision("bf16"), "precision: must be fp32, tf32 or fp16, got 'bf16'");
}

TEST_CASE("device choice: the back end") {
  CHECK(parse_backend("own") == BackendChoice::own);
  CHECK(parse_backend("eigen") == BackendChoice::eigen);
  CHECK(parse_backend("cudnn") == BackendChoice::cudnn);
  CHECK_THROWS_WITH(parse_backend("naive"), "backend: must be own, eigen or cudnn, got 'naive'");
  CHECK_THROWS_WITH(parse_backend("", "--backend"),
                    "--backend: must be own, eigen or cudnn, got ''");
  CHECK(host_backend(BackendChoice::own) == Backend::cpu);
  CHECK(host_backend(BackendChoice::eigen) == Backend::eigen);
  CHECK(host_backend(BackendChoice::cudnn) == Backend::cpu);
}

TEST_CASE("device choice: Eigen's kernels run on the CPU alone") {
  std::string explanation = "old";
  DeviceChoice choice = parse_device("auto");
  choice.backend = BackendChoice::eigen;
  CHECK(open_device(choice, explanation) == nullptr);
  CHECK(explanation.empty());
  choice.kind = DeviceChoice::Kind::cpu;
  CHECK(open_device(choice, explanation) == nullptr);
  choice.kind = DeviceChoice::Kind::cuda;
  CHECK_THROWS_WITH(open_device(choice, explanation),
                    "backend: eigen runs on the CPU, not on a CUDA device");
  choice.kind = DeviceChoice::Kind::automatic;
  choice.cuda.precision = kernels::Precision::tf32;
  CHECK_THROWS_AS(open_device(choice, explanation), Error);
}

TEST_CASE("device choice: the CPU is always there, and only in fp32", "[device]") {
  std::string explanation = "old";
  CHECK(open_device(parse_device("cpu"), explanation) == nullptr);
  CHECK(explanation.empty());
  DeviceChoice choice = parse_device("cpu");
  choice.cuda.precision = kernels::Precision::tf32;
  CHECK_THROWS_AS(open_device(choice, explanation), Error);
  choice = parse_device("cpu");
  choice.backend = BackendChoice::cudnn;
  CHECK_THROWS_WITH(open_device(choice, explanation),
                    "device: the CPU computes in fp32 and without cuDNN only");
}

TEST_CASE("device choice: without a usable device only `auto` falls back", "[device]") {
  std::string why_not, explanation;
  if (kernels::open_cuda_device({}, why_not) != nullptr) {
    CHECK(open_device(parse_device("auto"), explanation) != nullptr);
    CHECK(explanation.empty());
    return;
  }
  CHECK(!why_not.empty());
  CHECK((kernels::has_cuda() || why_not == "built without CUDA"));
  CHECK(open_device(parse_device("auto"), explanation) == nullptr);
  CHECK(explanation == "running on the CPU: " + why_not);
  DeviceChoice choice = parse_device("auto");
  choice.cuda.precision = kernels::Precision::tf32;
  CHECK(open_device(choice, explanation) == nullptr);
  CHECK(explanation == "running on the CPU in fp32: " + why_not);
  choice.backend = BackendChoice::cudnn;
  CHECK(open_device(choice, explanation) == nullptr);
  CHECK(explanation.starts_with("running on the CPU in fp32 without cuDNN: "));
  try {
    open_device(parse_device("cuda"), explanation);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::device);
    CHECK(error.what() == "no CUDA device can be used: " + why_not);
    CHECK(error.hint() == "--device auto or cpu runs on the CPU");
  }
  CHECK(kernels::list_cuda_devices(why_not).empty());
}

}  // namespace pisr
