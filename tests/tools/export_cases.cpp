// For the tests of exported networks in Python.
//
// export_cases weights FOLDER      weights with random numbers of every network of the table, small
//                                  ones with each of their options, and FSRCNN and Plain as they
//                                  are
// export_cases run WEIGHTS SCALE IN OUT    what the network makes of each tensor [1, c, h, w] of a
//                                          safetensors file

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "core/context.h"
#include "core/philox.h"
#include "core/safetensors.h"
#include "core/tape.h"
#include "nn/init.h"
#include "pisr/model/architectures.h"
#include "pisr/model/weights.h"
#include "tests/pisr/model/small_spec.h"

namespace {

using namespace pisr;

void write_weights(const std::filesystem::path& path, const NetworkSpec& spec) {
  const std::unique_ptr<SrNetwork> network = make_network(spec);
  initialise(*network, 7);
  Random random(7, RandomUse::test, 0);
  for (const NamedParameter& named : network->parameters()) {
    if (named.role == ParameterRole::bias || named.role == ParameterRole::slope ||
        named.role == ParameterRole::share) {
      for (float& x : named.parameter->value.values<float>()) {
        x = static_cast<float>(random.uniform(0.02, 0.3));
      }
    }
  }
  save_weights(path, *network,
               {{"licence", "MIT \"quoted\" */ //! \\"}, {"data", "noise\nof a test"}});
}

void write_all(const std::filesystem::path& folder) {
  for (const Architecture& row : architectures()) {
    for (const int channels : row.channels) {
      for (const int scale : {2, 3, 4}) {
        int count = 0;
        for (const NetworkSpec& spec : small_specs(row, scale, channels)) {
          write_weights(folder / message(row.name, "_c", channels, "_x", scale, "_small", count++,
                                         ".safetensors"),
                        spec);
        }
      }
    }
  }
  for (const char* const name : {"fsrcnn", "plain"}) {
    for (const int scale : {2, 3, 4}) {
      NetworkSpec spec = default_spec(name);
      spec.scale = scale;
      write_weights(folder / message(name, "_c1_x", scale, ".safetensors"), spec);
    }
  }
}

void run(const std::string& weights, int scale, const std::string& in, const std::string& out) {
  const std::unique_ptr<SrNetwork> network = load_network(weights, scale);
  SafeTensors results;
  Context context;
  Tape tape(context, Tape::Mode::inference);
  for (const auto& [name, image] : read_safetensors(in).tensors) {
    results.tensors[name] = network->image(tape.constant(image)).value().clone();
    tape.reset();
  }
  write_safetensors(out, results);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    if (arguments.size() == 2 && arguments[0] == "weights") {
      write_all(arguments[1]);
    } else if (arguments.size() == 5 && arguments[0] == "run") {
      run(arguments[1], std::stoi(arguments[2]), arguments[3], arguments[4]);
    } else {
      std::cerr << "export_cases weights FOLDER | run WEIGHTS SCALE IN OUT\n";
      return 2;
    }
  } catch (const std::exception& error) {
    std::cerr << "export_cases: " << error.what() << '\n';
    return 3;
  }
  return 0;
}
