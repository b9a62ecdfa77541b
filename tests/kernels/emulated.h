#pragma once

#include <vector>

#include "kernels/cuda/runtime/table.h"
#include "kernels/emulator/machine/emulator.h"
#include "tests/catch.h"

namespace pisr::kernels {

/// The orders in which the emulated CUDA kernels are tested; results may not depend on them.
inline const std::vector<emulator::Order>& emulated_orders() {
  using Kind = emulator::Order::Kind;
  static const std::vector<emulator::Order> orders = {
      {Kind::forward}, {Kind::reverse}, {Kind::shuffled, 7}};
  return orders;
}

/// Calls test() with the emulated CUDA kernels running in each order.
template <class Test>
void for_each_emulated_order(Test test) {
  for (const emulator::Order& order : emulated_orders()) {
    INFO("order " << static_cast<int>(order.kind));
    emulator::set_order(order);
    test();
  }
  emulator::set_order({});
}

}  // namespace pisr::kernels
