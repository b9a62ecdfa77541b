#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <sstream>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include "core/arena.h"
#include "core/tensor.h"
#include "tests/catch.h"

namespace pisr {
namespace {

template <class Value>
std::string text_of(const Value& value) {
  std::ostringstream stream;
  stream << value;
  return stream.str();
}

std::vector<float> counted(int count) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) values.push_back(static_cast<float>(i));
  return values;
}

}  // namespace

TEST_CASE("shape", "[tensor]") {
  const Shape image{16, 12, 32, 31};
  CHECK(image.rank() == 4);
  CHECK(image[3] == 31);
  CHECK(image.count() == 16L * 12 * 32 * 31);
  CHECK(text_of(image) == "[16,12,32,31]");
  CHECK(text_of(Shape{}) == "[]");
  CHECK(Shape{}.count() == 1);
  CHECK_FALSE(Shape{2, 3} == Shape{2, 3, 1});
  CHECK(Shape{std::int64_t{1} << 40}.count() == std::int64_t{1} << 40);

  CHECK_THROWS_WITH((Shape{1, 2, 3, 4, 5}),
                    "shape: must have at most 4 extents, got 5 ([1,2,3,4,5])");
  CHECK_THROWS_WITH((Shape{2, 0}), "shape: every extent must be at least 1, got 0 ([2,0])");
  CHECK_THROWS_WITH((Shape{-2, 3}), "shape: every extent must be at least 1, got -2 ([-2,3])");
  CHECK_THROWS_WITH((Shape{1 << 20, 1 << 20, 2}),
                    "shape: more than 2^40 elements ([1048576,1048576,2])");
  constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
  CHECK_THROWS_WITH((Shape{kLargest, kLargest}), Catch::Contains("more than 2^40 elements"));
}

TEST_CASE("tensor: values", "[tensor]") {
  const Tensor tensor = Tensor::from(counted(6), {2, 3});
  CHECK(text_of(tensor) == "f32[2,3]");
  CHECK(reinterpret_cast<std::uintptr_t>(tensor.data<float>()) % 64 == 0);
  const Tensor same = tensor;  // NOLINT(performance-unnecessary-copy-initialization)
  same.data<float>()[4] = 40;
  CHECK(tensor.values<float>()[4] == 40);

  const Tensor copy = tensor.clone();
  copy.data<float>()[0] = 7;
  CHECK(tensor.data<float>()[0] == 0);

  const Tensor wide = tensor.to(DType::f64);
  CHECK(wide.dtype() == DType::f64);
  CHECK(wide.values<double>()[4] == 40);
  tensor.copy_from(Tensor::full({2, 3}, 0.1, DType::f64));
  CHECK(tensor.values<float>()[5] == 0.1F);

  CHECK(Tensor::zeros({3}, DType::f64).values<double>()[2] == 0);
  CHECK(Tensor::full({}, 2.5).item() == 2.5);
  CHECK(text_of(Tensor()) == "undefined");
}

TEST_CASE("tensor: views share the numbers", "[tensor]") {
  const Tensor tensor = Tensor::from(counted(24), {4, 3, 2});
  const Tensor flat = tensor.reshape({24});
  CHECK(flat.data<float>() == tensor.data<float>());
  const Tensor middle = tensor.slice_outer(1, 2);
  CHECK(middle.shape() == Shape{2, 3, 2});
  CHECK(middle.data<float>() == tensor.data<float>() + 6);
  const Tensor part = tensor.slice_flat(5, {2, 2});
  CHECK(part.values<float>()[3] == 8);
  Tensor outlives = Tensor::from(counted(4), {4}).slice_flat(1, {3});
  CHECK(outlives.values<float>()[2] == 3);
}

TEST_CASE("tensor: errors", "[tensor]") {
  const Tensor tensor = Tensor::zeros({2, 3});
  CHECK_THROWS_WITH(tensor.data<double>(), "tensor: wanted as f64, is f32[2,3]");
  CHECK_THROWS_WITH(Tensor().data<float>(), "tensor: used before it was given a value");
  CHECK_THROWS_WITH(Tensor().item(), "tensor: used before it was given a value");
  CHECK_THROWS_WITH(tensor.item(), "item: the tensor must have one element, got f32[2,3]");
  CHECK_THROWS_WITH(tensor.reshape({5}), "reshape: f32[2,3] does not have the 5 elements of [5]");
  CHECK_THROWS_WITH(tensor.slice_outer(1, 2), "slice_outer: f32[2,3] has no elements 1 to 3");
  CHECK_THROWS_WITH(tensor.slice_outer(-1, 1), Catch::Contains("slice_outer: f32[2,3]"));
  CHECK_THROWS_WITH(tensor.slice_outer(0, 0), Catch::Contains("slice_outer: f32[2,3]"));
  CHECK_THROWS_WITH(Tensor::zeros({}).slice_outer(0, 1), Catch::Contains("slice_outer: f32[]"));
  CHECK_THROWS_WITH(tensor.slice_flat(5, {2}), "slice_flat: f32[2,3] has no [2] from element 5 on");
  CHECK_THROWS_WITH(tensor.slice_flat(-1, {2}), Catch::Contains("slice_flat"));
  CHECK_THROWS_WITH(tensor.copy_from(Tensor::zeros({3, 2})),
                    "copy_from: shapes differ (target f32[2,3], source f32[3,2])");
  CHECK_THROWS_WITH(Tensor::from(counted(5), {2, 3}), "tensor: shape [2,3] holds 6 values, got 5");
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they end the program instead
TEST_CASE("tensor: no memory is an error", "[tensor]") {
  try {
    Tensor::empty({std::int64_t{1} << 40}, DType::f64);
  } catch (const Error& error) {  // a machine may also promise 8 TiB
    CHECK(error.kind() == ErrorKind::memory);
  }
}
#endif

TEST_CASE("arena: the same addresses in each step", "[arena]") {
  Arena arena;
  const auto step = [&] {
    std::vector<void*> addresses;
    for (const std::size_t bytes : {1, 100, 70'000, 64, 1'000'000, 3}) {
      void* memory = arena.allocate(bytes);
      CHECK(reinterpret_cast<std::uintptr_t>(memory) % 64 == 0);
      std::memset(memory, 1, bytes);
      addresses.push_back(memory);
    }
    arena.reset();
    return addresses;
  };
  step();
  const std::size_t capacity = arena.capacity();
  const std::vector<void*> second = step();
  CHECK(step() == second);
  CHECK(step() == second);
  CHECK(arena.capacity() == capacity);
}

TEST_CASE("arena: allocations do not overlap", "[arena]") {
  Arena arena;
  std::vector<Tensor> tensors;
  for (int i = 0; i < 300; ++i) {
    tensors.push_back(arena.tensor({1 + i * 7}, DType::f32));
    for (float& value : tensors.back().values<float>()) value = static_cast<float>(i);
  }
  bool intact = true;
  for (int i = 0; i < 300; ++i) {
    for (const float value : tensors[static_cast<std::size_t>(i)].values<float>()) {
      intact = intact && value == static_cast<float>(i);
    }
  }
  CHECK(intact);
}

TEST_CASE("arena: a tensor may not be used after the reset", "[arena]") {
  Arena arena;
  const Tensor tensor = arena.tensor({2, 3}, DType::f64);
  const Tensor view = tensor.slice_outer(0, 1).reshape({3});
  CHECK_NOTHROW(view.data<double>());
  const std::uint64_t epoch = arena.epoch();
  arena.reset();
  CHECK(arena.epoch() == epoch + 1);
  CHECK_THROWS_WITH(tensor.data<double>(),
                    "tensor: f64[2,3] was used after the reset of its arena");
  CHECK_THROWS_WITH(view.data<double>(), "tensor: f64[3] was used after the reset of its arena");
  CHECK_THROWS_AS(tensor.item(), ShapeError);
  CHECK_THROWS_AS(tensor.clone(), ShapeError);
  CHECK_NOTHROW(arena.tensor({2, 3}, DType::f64).data<double>());
}

#if defined(__SANITIZE_ADDRESS__)
TEST_CASE("arena: AddressSanitizer guards what was not handed out", "[arena]") {
  Arena arena;
  const auto* memory = static_cast<const char*>(arena.allocate(100));
  const auto* next = static_cast<const char*>(arena.allocate(1));
  CHECK_FALSE(__asan_address_is_poisoned(memory + 99));
  CHECK(__asan_address_is_poisoned(memory + 100));
  CHECK(__asan_address_is_poisoned(next - 1));
  CHECK(__asan_address_is_poisoned(next + 1));
  arena.reset();
  CHECK(__asan_address_is_poisoned(memory));
  CHECK(__asan_address_is_poisoned(next));
}
#endif

#if !defined(NDEBUG)
TEST_CASE("arena: memory is full of NaN where assertions are on", "[arena]") {
  Arena arena;
  for (int step = 0; step < 2; ++step) {
    const Tensor tensor = arena.tensor({1000}, DType::f32);
    bool all = true;
    for (float& value : tensor.values<float>()) {
      all = all && std::isnan(value);
      value = 0;
    }
    CHECK(all);
    arena.reset();
  }
}
#endif

}  // namespace pisr
