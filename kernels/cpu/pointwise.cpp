#include <cstdint>

#include "kernels/cpu/cpu.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cpu/highway_targets.h"
#include "kernels/cpu/segments.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/pointwise.cpp"
#include "hwy/foreach_target.h"
// After foreach_target:
#include "kernels/cpu/vector_loops-inl.h"
#include "kernels/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace pisr::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

// Each function of UnaryOp: its value from x, and dy times its derivative from what
// unary_backward reads, x or y.

template <class T>
struct Relu {
  HWY_INLINE Vector<T> value(Tag<T> d, Vector<T> x) const {
    return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
  }
  HWY_INLINE Vector<T> gradient(Tag<T> d, Vector<T> x, Vector<T> dy) const {
    return hn::IfThenZeroElse(hn::Le(x, hn::Zero(d)), dy);
  }
};

template <class T>
struct LeakyRelu {
  T slope;
  HWY_INLINE Vector<T> value(Tag<T> d, Vector<T> x) const {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Mul(x, hn::Set(d, slope)));
  }
  HWY_INLINE Vector<T> gradient(Tag<T> d, Vector<T> x, Vector<T> dy) const {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), dy, hn::Mul(dy, hn::Set(d, slope)));
  }
};

template <class T>
struct Sigmoid {
  HWY_INLINE Vector<T> value(Tag<T> d, Vector<T> x) const { return vector_sigmoid(d, x); }
  HWY_INLINE Vector<T> gradient(Tag<T> d, Vector<T> y, Vector<T> dy) const {
    return hn::Mul(dy, hn::Mul(y, hn::Sub(hn::Set(d, T(1)), y)));
  }
};

template <class T>
struct Softplus {
  T factor, offset;
  HWY_INLINE Vector<T> value(Tag<T> d, Vector<T> x) const {
    return hn::Add(hn::Mul(hn::Set(d, factor), vector_softplus(d, x)), hn::Set(d, offset));
  }
  HWY_INLINE Vector<T> gradient(Tag<T> d, Vector<T> x, Vector<T> dy) const {
    return hn::Mul(hn::Mul(dy, hn::Set(d, factor)), vector_sigmoid(d, x));
  }
};

template <class T>
struct Exp {
  HWY_INLINE Vector<T> value(Tag<T> d, Vector<T> x) const { return vector_exp(d, x); }
  HWY_INLINE Vector<T> gradient(Tag<T>, Vector<T> y, Vector<T> dy) const { return hn::Mul(dy, y); }
};

template <class T>
struct Log {
  HWY_INLINE Vector<T> value(Tag<T> d, Vector<T> x) const { return vector_log(d, x); }
  HWY_INLINE Vector<T> gradient(Tag<T>, Vector<T> x, Vector<T> dy) const { return hn::Div(dy, x); }
};

template <class T>
struct AbsoluteValue {
  HWY_INLINE Vector<T> value(Tag<T>, Vector<T> x) const { return hn::Abs(x); }
  HWY_INLINE Vector<T> gradient(Tag<T> d, Vector<T> x, Vector<T> dy) const {
    return hn::IfThenElse(
        hn::Gt(x, hn::Zero(d)), dy,
        hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Neg(dy), hn::Mul(dy, hn::Zero(d))));
  }
};

template <class T>
struct Reciprocal {
  T numerator;
  HWY_INLINE Vector<T> value(Tag<T> d, Vector<T> x) const {
    return hn::Div(hn::Set(d, numerator), x);
  }
  HWY_INLINE Vector<T> gradient(Tag<T> d, Vector<T> x, Vector<T> dy) const {
    return hn::Div(hn::Div(hn::Mul(dy, hn::Set(d, -numerator)), x), x);
  }
};

template <class T>
struct Clamp {
  T low, high;
  HWY_INLINE Vector<T> value(Tag<T> d, Vector<T> x) const {
    const auto l = hn::Set(d, low), h = hn::Set(d, high);
    return hn::IfThenElse(hn::Lt(x, l), l, hn::IfThenElse(hn::Gt(x, h), h, x));
  }
  HWY_INLINE Vector<T> gradient(Tag<T> d, Vector<T> x, Vector<T> dy) const {
    const auto inside = hn::And(hn::Ge(x, hn::Set(d, low)), hn::Le(x, hn::Set(d, high)));
    return hn::IfThenElseZero(inside, dy);
  }
};

template <class Visit, class T>
void with_function(UnaryOp op, T parameter, T offset, T high, const Visit& visit) {
  switch (op) {
    case UnaryOp::relu:
      return visit(Relu<T>{});
    case UnaryOp::leaky_relu:
      return visit(LeakyRelu<T>{parameter});
    case UnaryOp::sigmoid:
      return visit(Sigmoid<T>{});
    case UnaryOp::softplus:
      return visit(Softplus<T>{parameter, offset});
    case UnaryOp::exp:
      return visit(Exp<T>{});
    case UnaryOp::log:
      return visit(Log<T>{});
    case UnaryOp::abs:
      return visit(AbsoluteValue<T>{});
    case UnaryOp::reciprocal:
      return visit(Reciprocal<T>{parameter});
    case UnaryOp::clamp:
      return visit(Clamp<T>{parameter, high});
  }
}

template <class T>
void vector_unary(Launcher& launcher, const UnaryArgs<T>& a) {
  with_function(a.op, a.parameter, a.offset, a.high, [&](const auto& f) {
    Segments(1, a.count).for_each(launcher, [&](const Segment& s) HWY_ATTR {
      map(
          s.count, a.y + s.begin, Store::write,
          [&f](Tag<T> d, Vector<T> x) HWY_ATTR { return f.value(d, x); }, a.x + s.begin);
    });
  });
}

template <class T>
void vector_unary_backward(Launcher& launcher, const UnaryBackwardArgs<T>& a) {
  const T* saved = derivative_reads_y(a.op) ? a.y : a.x;
  with_function(a.op, a.parameter, T(0), a.high, [&](const auto& f) {
    Segments(1, a.count).for_each(launcher, [&](const Segment& s) HWY_ATTR {
      map(
          s.count, a.dx + s.begin, a.dx_store,
          [&f](Tag<T> d, Vector<T> x, Vector<T> dy) HWY_ATTR { return f.gradient(d, x, dy); },
          saved + s.begin, a.dy + s.begin);
    });
  });
}

template <class T>
void vector_affine(Launcher& launcher, const AffineArgs<T>& a) {
  Segments(1, a.count).for_each(launcher, [&](const Segment& s) HWY_ATTR {
    map(
        s.count, a.y + s.begin, a.y_store,
        [&a](Tag<T> d, Vector<T> x)
            HWY_ATTR { return hn::MulAdd(hn::Set(d, a.scale), x, hn::Set(d, a.offset)); },
        a.x + s.begin);
  });
}

}  // namespace

PISR_VECTOR_KERNEL(unary, UnaryArgs)
PISR_VECTOR_KERNEL(unary_backward, UnaryBackwardArgs)
PISR_VECTOR_KERNEL(affine, AffineArgs)

}  // namespace HWY_NAMESPACE
}  // namespace pisr::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace pisr::kernels::cpu {

PISR_DISPATCH(unary, UnaryArgs)
PISR_DISPATCH(unary_backward, UnaryBackwardArgs)
PISR_DISPATCH(affine, AffineArgs)

}  // namespace pisr::kernels::cpu
#endif
