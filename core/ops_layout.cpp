#include <array>

#include "core/operand.h"
#include "core/ops.h"

namespace pisr {
namespace {

using kernels::CopyBlocksArgs;
using kernels::KernelTable;
using kernels::Store;

constexpr std::size_t kMaxParts = 4;
constexpr std::array<const char*, kMaxParts> kPartNames = {"part 0", "part 1", "part 2", "part 3"};

// Where the channels of one tensor [n, c, h, w] lie within a wider one [n, wide_c, h, w], in
// elements.
struct ChannelRange {
  std::int64_t batch, length, wide_length, offset;
};

template <class T>
void copy_out(Context& context, const ChannelRange& range, const T* wide, T* narrow, Store store) {
  context.launch(&KernelTable<T>::copy_blocks, {range.batch, range.length, range.wide_length,
                                                range.length, wide + range.offset, narrow, store});
}

template <class T>
void copy_in(Context& context, const ChannelRange& range, const T* narrow, T* wide, Store store) {
  context.launch(&KernelTable<T>::copy_blocks,
                 {range.batch, range.length, range.length, range.wide_length, narrow,
                  wide + range.offset, store});
}

struct Parts {
  std::size_t count = 0;
  std::array<ChannelRange, kMaxParts> ranges{};
};

}  // namespace

Variable reshape(const Variable& x, Shape shape) {
  constexpr const char* kOp = "reshape";
  Tape& tape = check_operands(kOp, {{"x", x}});
  return tape.record(kOp, x.value().reshape(shape), {&x},
                     [count = shape.count(), dtype = x.dtype()](Backward& backward) {
                       with_type(dtype, [&]<class T>() {
                         const auto dx = backward.slot<T>(0);
                         backward.context().launch(
                             &KernelTable<T>::affine,
                             {count, T{1}, T{0}, backward.dy<T>(), dx.data, dx.store});
                       });
                     });
}

Variable detach(const Variable& x) {
  return check_operands("detach", {{"x", x}}).constant(x.value());
}

Variable concat_channels(std::initializer_list<Variable> parts) {
  constexpr const char* kOp = "concat_channels";
  if (parts.size() == 0 || parts.size() > kMaxParts) {
    throw ShapeError(message(kOp, ": wants 1 to ", kMaxParts, " parts, got ", parts.size()));
  }
  const Variable& first = *parts.begin();
  Tape& tape = check_operands(kOp, {{kPartNames[0], first}});
  check_rank(kOp, {kPartNames[0], first}, 4);
  const std::int64_t inner = first.shape()[2] * first.shape()[3];
  Parts layout;
  std::array<const Variable*, kMaxParts> inputs{};
  std::int64_t channels = 0;
  for (const Variable& part : parts) {
    const Operand operand{kPartNames[layout.count], part};
    check_operands(kOp, {{kPartNames[0], first}, operand});
    check_rank(kOp, operand, 4);
    const Shape& shape = part.shape();
    if (!(shape == Shape{first.shape()[0], shape[1], first.shape()[2], first.shape()[3]})) {
      refuse_operands(kOp, message(operand.name, " differs in more than channels"),
                      {{kPartNames[0], first}, operand});
    }
    layout.ranges[layout.count] = {shape[0], shape[1] * inner, 0, channels * inner};
    inputs[layout.count++] = &part;
    channels += shape[1];
  }
  const Tensor y =
      tape.result({first.shape()[0], channels, first.shape()[2], first.shape()[3]}, first.dtype());
  for (std::size_t i = 0; i < layout.count; ++i) {
    layout.ranges[i].wide_length = channels * inner;
    with_type(y.dtype(), [&]<class T>() {
      copy_in(tape.context(), layout.ranges[i], inputs[i]->value().data<T>(), y.data<T>(),
              Store::write);
    });
  }
  return tape.record(kOp, y, {inputs[0], inputs[1], inputs[2], inputs[3]},
                     [layout, dtype = y.dtype()](Backward& backward) {
                       for (std::size_t i = 0; i < layout.count; ++i) {
                         const int index = static_cast<int>(i);
                         if (!backward.wants(index)) {
                           continue;
                         }
                         with_type(dtype, [&]<class T>() {
                           const auto dx = backward.slot<T>(index);
                           copy_out(backward.context(), layout.ranges[i], backward.dy<T>(), dx.data,
                                    dx.store);
                         });
                       }
                     });
}

Variable slice_channels(const Variable& x, std::int64_t first, std::int64_t count) {
  constexpr const char* kOp = "slice_channels";
  Tape& tape = check_operands(kOp, {{"x", x}});
  check_rank(kOp, {"x", x}, 4);
  const Shape& shape = x.shape();
  if (first < 0 || count < 1 || count > shape[1] || first > shape[1] - count) {
    refuse_operands(
        kOp,
        message("cannot take ", count, " channels from channel ", first, " on, x has ", shape[1]),
        {{"x", x}});
  }
  const std::int64_t inner = shape[2] * shape[3];
  const ChannelRange range{shape[0], count * inner, shape[1] * inner, first * inner};
  const Tensor y = tape.result({shape[0], count, shape[2], shape[3]}, x.dtype());
  with_type(x.dtype(), [&]<class T>() {
    copy_out(tape.context(), range, x.value().data<T>(), y.data<T>(), Store::write);
  });
  return tape.record(kOp, y, {&x}, [range, dtype = x.dtype()](Backward& backward) {
    with_type(dtype, [&]<class T>() {
      const auto dx = backward.slot<T>(0);
      if (dx.store == Store::write) {
        backward.context().set_zero(
            dx.data, static_cast<std::size_t>(range.batch * range.wide_length) * sizeof(T));
      }
      copy_in(backward.context(), range, backward.dy<T>(), dx.data, dx.store);
    });
  });
}

Variable pixel_shuffle(const Variable& x, int factor) {
  constexpr const char* kOp = "pixel_shuffle";
  Tape& tape = check_operands(kOp, {{"x", x}});
  check_rank(kOp, {"x", x}, 4);
  const Shape& shape = x.shape();
  const std::int64_t square = std::int64_t{factor} * factor;
  if (factor < 1) {
    throw ShapeError(message(kOp, ": factor must be at least 1, got ", factor));
  }
  if (shape[1] % square != 0) {
    refuse_operands(kOp, message("channels must be a multiple of ", factor, " x ", factor),
                    {{"x", x}});
  }
  const std::int64_t batch = shape[0];
  const std::int64_t channels = shape[1] / square;
  const std::int64_t height = shape[2];
  const std::int64_t width = shape[3];
  const Tensor y = tape.result({batch, channels, height * factor, width * factor}, x.dtype());
  with_type(x.dtype(), [&]<class T>() {
    tape.context().launch(&KernelTable<T>::pixel_shuffle, {batch, channels, height, width, factor,
                                                           x.value().data<T>(), y.data<T>()});
  });
  return tape.record(
      kOp, y, {&x},
      [batch, channels, height, width, factor, dtype = x.dtype()](Backward& backward) {
        with_type(dtype, [&]<class T>() {
          const auto dx = backward.slot<T>(0);
          backward.context().launch(
              &KernelTable<T>::pixel_shuffle_backward,
              {batch, channels, height, width, factor, backward.dy<T>(), dx.data, dx.store});
        });
      });
}

}  // namespace pisr
