// Runs one case by name: "sound" must end well, every other one in the way test_faults.py names.
// usage: ptx_samples CASE

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/ptx/samples/sample_kernels.h"

namespace pisr::ptx_samples {
namespace {

[[noreturn]] void fail(const std::string& what) {
  std::printf("wrong: %s\n", what.c_str());
  std::exit(1);
}

/// An array of the device for the length of a case.
template <class T>
class Array {
 public:
  explicit Array(const std::vector<T>& values) : Array(values.size()) {
    cudaMemcpyAsync(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice, nullptr);
  }
  explicit Array(std::size_t count) : count_(count) {
    cudaMalloc(reinterpret_cast<void**>(&data_), count * sizeof(T));
  }
  ~Array() { cudaFree(data_); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  T* data() const { return data_; }
  std::vector<T> values() const {
    std::vector<T> host(count_);
    cudaMemcpyAsync(host.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost, nullptr);
    return host;
  }

 private:
  std::size_t count_;
  T* data_ = nullptr;
};

std::vector<float> counted(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(i % 13) - 5;
  }
  return values;
}

template <class T>
void expect(const std::vector<T>& got, const std::vector<T>& wanted, const std::string& what) {
  if (cudaGetLastError() != cudaSuccess) {
    fail(what + " was refused");
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (got[i] != wanted[i]) {
      fail(what + ": element " + std::to_string(i) + " is " + std::to_string(got[i]) + " and not " +
           std::to_string(wanted[i]));
    }
  }
}

void run_copy_pairs(int count, std::size_t offset_bytes = 0) {
  const Array<float> from(counted(64)), to(64);
  const auto* const shifted = reinterpret_cast<const char*>(from.data()) + offset_bytes;
  copy_pairs<<<2, 32>>>(reinterpret_cast<const float2*>(shifted),
                        reinterpret_cast<float2*>(to.data()), count);
  expect(to.values(), counted(64), "copy_pairs");
}

void run_exchange(Omit omit) {
  const std::vector<float> values = counted(64);
  const Array<float> from(values), to(64);
  exchange<<<1, 64>>>(from.data(), to.data(), omit);
  if (omit == Omit::nothing) {
    expect(to.values(), {values.rbegin(), values.rend()}, "exchange");
  }
}

void run_write_shared_pair(unsigned at) {
  const Array<float> to(2);
  write_shared_pair<<<1, 1>>>(at, to.data());
  expect(to.values(), {1, 2}, "write_shared_pair");
}

void run_exchange_in_warp(bool with_barrier) {
  const Array<int> to(32);
  exchange_in_warp<<<1, 32>>>(to.data(), with_barrier);
  std::vector<int> wanted(32);
  for (int i = 0; i < 32; ++i) {
    wanted[i] = 31 - i;
  }
  expect(to.values(), wanted, "exchange_in_warp");
}

void run_barrier(int end, bool at_another) {
  const Array<int> to(64);
  barrier_up_to<<<1, 64>>>(end, at_another, to.data());
  expect(to.values(), std::vector<int>(64, 1), "barrier_up_to");
}

void run_sum_of_lanes(unsigned threads, int end) {
  const Array<int> to(1);
  sum_of_lanes<<<1, threads>>>(end, to.data());
  expect(to.values(), {31 * 16}, "sum_of_lanes");
}

void run_shuffle_apart(int end) {
  const Array<int> to(32);
  shuffle_apart<<<1, 32>>>(end, to.data());
  std::vector<int> wanted(32, 31);
  for (int i = 0; i < 31; ++i) {
    wanted[i] = i + 1;
  }
  expect(to.values(), wanted, "shuffle_apart");
}

template <class Kernel>
void run_product(Kernel kernel, int depth, const std::string& what) {
  const std::vector<float> a = counted(16 * depth), b = counted(depth * 8);
  std::vector<float> wanted(16 * 8);
  for (int i = 0; i < 16 * 8; ++i) {
    for (int k = 0; k < depth; ++k) {
      wanted[i] += a[i / 8 * depth + k] * b[k * 8 + i % 8];
    }
  }
  const Array<float> a_there(a), b_there(b), sum(16 * 8);
  kernel<<<1, 32>>>(a_there.data(), b_there.data(), sum.data());
  expect(sum.values(), wanted, what);
}

void run_compute() {
  const unsigned a = 0xF1234567U, b = 0x00089ABCU;
  const int signed_a = static_cast<int>(a), signed_b = static_cast<int>(b);
  const long long wide = static_cast<long long>(signed_a) * (1 << 20);
  const Array<long long> results(kResults);
  compute<<<1, 32>>>(a, b, -2.5, results.data());
  expect(results.values(),
         {a / b,
          a % b,
          signed_a / signed_b,
          signed_a % signed_b,
          wide / signed_b,
          wide % signed_b,
          static_cast<long long>(static_cast<unsigned long long>(a) * b >> 32),
          static_cast<long long>(signed_a) * signed_b >> 32,
          static_cast<long long>(static_cast<__int128>(wide) * wide >> 64),
          0x00084567,
          signed_a,
          a,
          a >> 7,
          signed_a >> 7,
          wide >> 11,
          -signed_a,
          -2,
          -2,
          0x7FFFFFFF,
          3,
          9,
          3,
          7,
          6},
         "compute");
}

void run_read_parameters() {
  const Array<double> to(6);
  read_parameters<<<1, 1>>>(1, {2, 3.5, 4, {5, 6, 7}}, 8, to.data());
  expect(to.values(), {1, 2, 3.5, 4, 7, 8}, "read_parameters");
}

void run_with_shared(int dynamic_bytes, int allowed_bytes) {
  const Array<float> to(32);
  if (allowed_bytes != 0 &&
      cudaFuncSetAttribute(static_and_dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize,
                           allowed_bytes) != cudaSuccess) {
    fail("cudaFuncSetAttribute was refused");
  }
  static_and_dynamic<<<1, 32, dynamic_bytes>>>(to.data());
  expect(to.values(), std::vector<float>(32, 3), "static_and_dynamic");
}

void run_launch(dim3 grid, dim3 block) {
  const Array<int> to(128);
  of_128_threads<<<grid, block>>>(to.data());
  expect(to.values(), std::vector<int>(block.x, 1), "of_128_threads");
}

/// Captures what `work` queues, and returns what a replay needs.
cudaGraphExec_t captured(const std::function<void(cudaStream_t)>& work) {
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed);
  work(stream);
  cudaStreamEndCapture(stream, &graph);
  cudaGraphInstantiateWithFlags(&executable, graph, 0);
  cudaGraphDestroy(graph);
  cudaStreamDestroy(stream);
  return executable;
}

void run_captured() {
  const Array<int> to(std::vector<int>(128, 0));
  const cudaGraphExec_t graph =
      captured([&](cudaStream_t stream) { of_128_threads<<<1, 128, 0, stream>>>(to.data()); });
  expect(to.values(), std::vector<int>(128, 0), "a capture");
  cudaGraphLaunch(graph, nullptr);
  expect(to.values(), std::vector<int>(128, 1), "a replay");
  cudaGraphExecDestroy(graph);
}

constexpr int kKilobyte = 1024;

void sound() {
  run_copy_pairs(32);
  run_exchange(Omit::nothing);
  run_write_shared_pair(56);
  run_exchange_in_warp(true);
  run_barrier(64, false);
  run_sum_of_lanes(32, 32);
  run_shuffle_apart(32);
  run_product(multiply_tf32_sample, 8, "multiply_tf32");
  run_product(multiply_fp16_sample, 16, "multiply_fp16");
  run_compute();
  run_read_parameters();
  run_with_shared(48 * kKilobyte - kStaticBytes, 0);
  run_with_shared(227 * kKilobyte - kStaticBytes, 227 * kKilobyte - kStaticBytes);
  run_launch(1, 128);
  run_captured();
  const Array<float> from(counted(8)), to(8);
  copy_constant<<<1, 1>>>(from.data(), to.data(), 8);
  expect(to.values(), counted(8), "copy_constant");
}

const std::map<std::string, std::function<void()>>& cases() {
  static const std::map<std::string, std::function<void()>> all = {
      {"sound", sound},
      {"read_beyond_global", [] { run_copy_pairs(33); }},
      {"misaligned_global", [] { run_copy_pairs(1, 4); }},
      {"unwritten_global",
       [] {
         const Array<float> from(2), to(2);
         copy_constant<<<1, 1>>>(from.data(), to.data(), 2);
       }},
      {"released_global",
       [] {
         float* from = nullptr;
         cudaMalloc(reinterpret_cast<void**>(&from), 8);
         cudaFree(from);
         copy_constant<<<1, 1>>>(from, from, 2);
       }},
      {"host_pointer",
       [] {
         std::vector<float> here(2);
         copy_constant<<<1, 1>>>(here.data(), here.data(), 2);
       }},
      {"host_reads_device", [] { std::printf("%f\n", *Array<float>(counted(1)).data()); }},
      {"constant_is_written",
       [] {
         const Array<float> both(counted(8));
         copy_constant<<<1, 1>>>(both.data(), both.data() + 1, 7);
       }},
      {"write_beyond_shared", [] { run_write_shared_pair(64); }},
      {"misaligned_shared", [] { run_write_shared_pair(4); }},
      {"read_before_wait", [] { run_exchange(Omit::wait); }},
      {"never_waited", [] { run_exchange(Omit::wait_of_the_last); }},
      {"no_barrier", [] { run_exchange(Omit::barrier); }},
      {"no_warp_barrier", [] { run_exchange_in_warp(false); }},
      {"barriers_differ", [] { run_barrier(32, true); }},
      {"lanes_at_other_instructions", [] { run_shuffle_apart(16); }},
      {"lanes_ended", [] { run_sum_of_lanes(32, 31); }},
      {"part_of_a_warp", [] { run_sum_of_lanes(31, 31); }},
      {"shared_without_opt_in", [] { run_with_shared(48 * kKilobyte, 0); }},
      {"shared_beyond_opt_in", [] { run_with_shared(101 * kKilobyte, 100 * kKilobyte); }},
      {"opt_in_too_large", [] { run_with_shared(1, 227 * kKilobyte); }},
      {"too_many_threads", [] { run_launch(1, 129); }},
      {"too_many_parameters",
       [] {
         const Array<int> to(1);
         read_large<<<1, 1>>>({}, to.data());
         expect(to.values(), {0}, "read_large");
       }},
      {"too_many_blocks", [] { run_launch(dim3(1, 65536), 128); }},
      {"threads_in_z", [] { run_launch(1, dim3(1, 1, 65)); }},
      {"no_blocks", [] { run_launch(0, 128); }},
      {"too_large_allocation",
       [] {
         void* memory = nullptr;
         if (cudaMalloc(&memory, std::size_t{1} << 50) != cudaErrorMemoryAllocation ||
             memory != nullptr || cudaGetLastError() != cudaErrorMemoryAllocation ||
             cudaGetLastError() != cudaSuccess) {
           fail("cudaMalloc of too much");
         }
         std::fprintf(stderr, "%s\n", cudaGetErrorString(cudaErrorMemoryAllocation));
         std::exit(1);
       }},
      {"copy_beyond_device",
       [] {
         const Array<float> from(counted(2));
         std::vector<float> here(3);
         cudaMemcpyAsync(here.data(), from.data(), 12, cudaMemcpyDeviceToHost, nullptr);
       }},
      {"allocation_captured",
       [] {
         captured([](cudaStream_t) {
           void* memory = nullptr;
           cudaMalloc(&memory, 4);
         });
       }},
      {"release_captured",
       [] {
         const Array<float> held(1);
         captured([&](cudaStream_t) { cudaFree(held.data()); });
       }},
      {"host_copy_captured",
       [] {
         const Array<float> to(1);
         const float here = 1;
         captured([&](cudaStream_t stream) {
           cudaMemcpyAsync(to.data(), &here, sizeof here, cudaMemcpyHostToDevice, stream);
         });
       }},
      {"wait_captured",
       [] { captured([](cudaStream_t stream) { cudaStreamSynchronize(stream); }); }},
  };
  return all;
}

}  // namespace
}  // namespace pisr::ptx_samples

int main(int count, char** arguments) {
  const auto& cases = pisr::ptx_samples::cases();
  if (count != 2 || cases.count(arguments[1]) == 0) {
    for (const auto& named : cases) {
      std::printf("%s\n", named.first.c_str());
    }
    return 2;
  }
  cases.at(arguments[1])();
  std::printf("right\n");
  return 0;
}
