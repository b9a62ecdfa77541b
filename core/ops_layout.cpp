#include <array>
#include <span>
#include <string>

#include "core/operand.h"
#include "core/ops.h"

namespace pisr {
namespace {

using kernels::CopyBlocksArgs;
using kernels::KernelTable;
using kernels::Store;

constexpr std::size_t kMostAtOnce = 4;  // inputs of a node of the tape

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
  std::array<ChannelRange, kMostAtOnce> ranges{};
};

void check_parts(const char* op, std::span<const Variable> parts) {
  if (parts.empty()) {
    throw ShapeError(message(op, ": must have at least 1 part, got 0"));
  }
  const Operand first{"part 0", parts[0]};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string name = "part " + std::to_string(i);  // of a few characters: not on the heap
    const Operand part{name.c_str(), parts[i]};
    if (i == 0) {
      check_operands(op, {first});
    } else {
      check_operands(op, {first, part});
    }
    check_rank(op, part, 4);
    const Shape& wanted = parts[0].shape();
    if (!(part.variable.shape() ==
          Shape{wanted[0], part.variable.shape()[1], wanted[2], wanted[3]})) {
      refuse_operands(op, message(name, " differs in more than channels"), {first, part});
    }
  }
}

// 1 to kMostAtOnce parts that have been checked.
Variable concat_at_once(const char* op, std::span<const Variable> parts) {
  const Shape& shape = parts[0].shape();
  const std::int64_t inner = shape[2] * shape[3];
  Tape& tape = parts[0].tape();
  Parts layout;
  std::array<const Variable*, kMostAtOnce> inputs{};
  std::int64_t channels = 0;
  for (const Variable& part : parts) {
    layout.ranges[layout.count] = {shape[0], part.shape()[1] * inner, 0, channels * inner};
    inputs[layout.count++] = &part;
    channels += part.shape()[1];
  }
  const Tensor y = tape.result({shape[0], channels, shape[2], shape[3]}, parts[0].dtype());
  for (std::size_t i = 0; i < layout.count; ++i) {
    layout.ranges[i].wide_length = channels * inner;
    with_type(y.dtype(), [&]<class T>() {
      copy_in(tape.context(), layout.ranges[i], inputs[i]->value().data<T>(), y.data<T>(),
              Store::write);
    });
  }
  return tape.record(op, y, {inputs[0], inputs[1], inputs[2], inputs[3]},
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

// As many groups as fit one node, as equal as they can be; a group of one is its part.
Variable concat_in_groups(const char* op, std::span<const Variable> parts) {
  if (parts.size() <= kMostAtOnce) {
    return concat_at_once(op, parts);
  }
  std::array<Variable, kMostAtOnce> groups;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::size_t size = (parts.size() + groups.size() - i - 1) / (groups.size() - i);
    groups[i] = size == 1 ? parts[0] : concat_in_groups(op, parts.first(size));
    parts = parts.subspan(size);
  }
  return concat_at_once(op, groups);
}

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

Variable concat_channels(std::span<const Variable> parts) {
  constexpr const char* kOp = "concat_channels";
  check_parts(kOp, parts);
  return concat_in_groups(kOp, parts);
}

Variable concat_channels(std::initializer_list<Variable> parts) {
  return concat_channels(std::span<const Variable>(parts.begin(), parts.size()));
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
  return tape.record(
      kOp, y, {&x},
      [range, dtype = x.dtype()](Backward& backward) {
        with_type(dtype, [&]<class T>() {
          const auto dx = backward.slot<T>(0);
          if (dx.store == Store::write) {
            backward.context().set_zero(
                dx.data, static_cast<std::size_t>(range.batch * range.wide_length) * sizeof(T));
          }
          copy_in(backward.context(), range, backward.dy<T>(), dx.data, dx.store);
        });
      },
      {{"first", first}, {"count", count}});
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
      },
      {{"factor", factor}});
}

}  // namespace pisr
