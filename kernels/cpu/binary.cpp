#include <cstdint>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/highway_targets.h"
#include "kernels/cpu/segments.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/binary.cpp"
#include "hwy/foreach_target.h"
// After foreach_target:
#include "kernels/cpu/vector_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

struct Add {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Add(a, b);
  }
};
struct Subtract {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Sub(a, b);
  }
};
struct Multiply {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Mul(a, b);
  }
};
struct Divide {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b) const {
    return hn::Div(a, b);
  }
};
// Gradients of the second operand, element by element.
struct Copy {
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return x;
  }
};
struct Negate {
  template <class D, class V>
  HWY_INLINE V operator()(D, V x) const {
    return hn::Neg(x);
  }
};
struct DivideGradient {
  template <class D, class V>
  HWY_INLINE V operator()(D, V dy, V a, V b) const {
    return hn::Neg(hn::Div(hn::Div(hn::Mul(dy, a), b), b));
  }
};

// How an array [batch, channels, inner] is walked beside the second operand: in segments that meet
// either as many elements of it, or a single one.
struct Layout {
  template <class Args>
  explicit Layout(const Args& a)
      : broadcast(a.broadcast),
        channels(a.channels),
        segments(a.broadcast == Broadcast::same || a.broadcast == Broadcast::scalar
                     ? Segments(1, a.batch * a.channels * a.inner)
                     : Segments(a.batch * a.channels, a.inner)) {}

  /// The single element of the second operand that a segment meets.
  std::int64_t second(const Segment& s) const {
    return broadcast == Broadcast::channel ? s.plane % channels : s.plane;
  }

  Broadcast broadcast;
  std::int64_t channels;
  Segments segments;
};

// y = f(first, b), where b is broadcast over the first operand.
template <class T, class Function>
void map_broadcast(Launcher& launcher, const Layout& layout, const Function& f, const T* first,
                   const T* b, T* y, Store how) {
  layout.segments.for_each(launcher, [&](const Segment& s) HWY_ATTR {
    if (layout.broadcast == Broadcast::same) {
      map(s.count, y + s.begin, how, f, first + s.begin, b + s.begin);
      return;
    }
    const auto constant = hn::Set(Tag<T>(), b[layout.second(s)]);
    map(
        s.count, y + s.begin, how,
        [&](Tag<T> d, Vector<T> v) HWY_ATTR { return f(d, v, constant); }, first + s.begin);
  });
}

template <class T, class Function, class... Inputs>
void map_all(Launcher& launcher, const Segments& segments, const Function& f, T* y, Store how,
             const Inputs*... x) {
  segments.for_each(launcher, [&](const Segment& s) HWY_ATTR {
    map(s.count, y + s.begin, how, f, (x + s.begin)...);
  });
}

template <class T>
void vector_binary(Launcher& launcher, const BinaryArgs<T>& a) {
  const Layout layout(a);
  switch (a.op) {
    case BinaryOp::add:
      return map_broadcast(launcher, layout, Add(), a.a, a.b, a.y, Store::write);
    case BinaryOp::subtract:
      return map_broadcast(launcher, layout, Subtract(), a.a, a.b, a.y, Store::write);
    case BinaryOp::multiply:
      return map_broadcast(launcher, layout, Multiply(), a.a, a.b, a.y, Store::write);
    case BinaryOp::divide:
      return map_broadcast(launcher, layout, Divide(), a.a, a.b, a.y, Store::write);
  }
}

template <class T>
void gradient_of_first(Launcher& launcher, const BinaryBackwardArgs<T>& a) {
  const Layout layout(a);
  switch (a.op) {
    case BinaryOp::add:
    case BinaryOp::subtract:
      return map_all(launcher, layout.segments, Copy(), a.da, a.da_store, a.dy);
    case BinaryOp::multiply:
      return map_broadcast(launcher, layout, Multiply(), a.dy, a.b, a.da, a.da_store);
    case BinaryOp::divide:
      return map_broadcast(launcher, layout, Divide(), a.dy, a.b, a.da, a.da_store);
  }
}

template <class T>
void gradient_of_same(Launcher& launcher, const BinaryBackwardArgs<T>& a) {
  const Segments segments = Layout(a).segments;
  switch (a.op) {
    case BinaryOp::add:
      return map_all(launcher, segments, Copy(), a.db, a.db_store, a.dy);
    case BinaryOp::subtract:
      return map_all(launcher, segments, Negate(), a.db, a.db_store, a.dy);
    case BinaryOp::multiply:
      return map_all(launcher, segments, Multiply(), a.db, a.db_store, a.dy, a.a);
    case BinaryOp::divide:
      return map_all(launcher, segments, DivideGradient(), a.db, a.db_store, a.dy, a.a, a.b);
  }
}

// The factor of the sum of dy (add, subtract) or of dy a (multiply, divide) in db.
double factor_of_sum(BinaryOp op, double b) {
  switch (op) {
    case BinaryOp::add:
    case BinaryOp::multiply:
      return 1;
    case BinaryOp::subtract:
      return -1;
    case BinaryOp::divide:
      return -1 / (b * b);
  }
  return 0;
}

template <class T>
void gradient_of_broadcast(Launcher& launcher, const BinaryBackwardArgs<T>& a) {
  const Layout layout(a);
  const bool needs_first = a.op == BinaryOp::multiply || a.op == BinaryOp::divide;
  double* sums = plane_sums(launcher, layout.segments, [&](const Segment& s) HWY_ATTR {
    const T* dy = a.dy + s.begin;
    return needs_first ? sum_of<T>(s.count, Multiply(), dy, a.a + s.begin)
                       : sum_of<T>(s.count, Copy(), dy);
  });
  const std::int64_t rows = a.broadcast == Broadcast::channel ? a.batch : 1;
  const std::int64_t columns = layout.segments.planes() / rows;
  for (std::int64_t column = 0; column < columns; ++column) {
    double total = 0;
    for (std::int64_t row = 0; row < rows; ++row) {
      total += sums[row * columns + column];
    }
    const double b = a.op == BinaryOp::divide ? a.b[column] : 1;
    store_sum(a.db[column], total * factor_of_sum(a.op, b), a.db_store);
  }
}

template <class T>
void vector_binary_backward(Launcher& launcher, const BinaryBackwardArgs<T>& a) {
  if (a.da != nullptr) {
    gradient_of_first(launcher, a);
  }
  if (a.db != nullptr) {
    a.broadcast == Broadcast::same ? gradient_of_same(launcher, a)
                                   : gradient_of_broadcast(launcher, a);
  }
}

}  // namespace

PISR_VECTOR_KERNEL(binary, BinaryArgs)
PISR_VECTOR_KERNEL(binary_backward, BinaryBackwardArgs)

}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pisr::kernels::cpu {

PISR_DISPATCH(binary, BinaryArgs)
PISR_DISPATCH(binary_backward, BinaryBackwardArgs)

}  // namespace pisr::kernels::cpu
#endif
