#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <type_traits>

#include "core/error.h"
#include "core/shape.h"
#include "kernels/export.h"

namespace pisr {

class Arena;
namespace kernels {
class Device;
}

/// Element type. f64 exists so that gradients can be checked.
enum class DType : std::uint8_t { f32, f64 };
PISR_CORE_API std::ostream& operator<<(std::ostream& stream, DType dtype);
constexpr std::size_t size_of(DType dtype) noexcept {
  return dtype == DType::f32 ? 4 : 8;
}

template <class T>
inline constexpr DType kDTypeOf =
    std::is_same_v<std::remove_const_t<T>, float> ? DType::f32 : DType::f64;

/// Calls `function.template operator()<T>()` with the C++ type of `dtype`.
template <class Function>
decltype(auto) with_type(DType dtype, Function&& function) {
  return dtype == DType::f32 ? function.template operator()<float>()
                             : function.template operator()<double>();
}

/// A handle to a contiguous block of numbers with a shape; copies of the handle share the numbers.
/// The numbers lie in the memory of the host or of a device, which must outlive them. On a device,
/// only kernels and the copies below can reach them.
///
/// The memory belongs either to the tensors that refer to it (empty(), zeros(), ...) or to the
/// arena of a step. Using an arena's tensor after the arena was reset is an error.
class PISR_CORE_API Tensor {
 public:
  Tensor() = default;

  /// Uninitialised memory of its own, aligned to 64 bytes; on the host where `device` is null.
  /// Throws Error(memory).
  static Tensor empty(Shape shape, DType dtype = DType::f32, kernels::Device* device = nullptr);
  static Tensor zeros(Shape shape, DType dtype = DType::f32, kernels::Device* device = nullptr);
  static Tensor full(Shape shape, double value, DType dtype = DType::f32);
  /// A copy of `values`, row by row; throws ShapeError when their number is not the shape's.
  static Tensor from(std::span<const float> values, Shape shape);
  static Tensor from(std::span<const double> values, Shape shape);

  bool defined() const noexcept { return data_ != nullptr; }
  const Shape& shape() const noexcept { return shape_; }
  DType dtype() const noexcept { return dtype_; }
  std::int64_t count() const noexcept { return shape_.count(); }
  /// Where the numbers lie; null: in the host's memory.
  kernels::Device* device() const noexcept { return device_; }

  /// The numbers, as T = float or double. Throws when T is not the element type, when the tensor
  /// is undefined, or when its arena has been reset since. Those of a device are for its kernels
  /// only.
  template <class T>
  T* data() const {
    return static_cast<T*>(checked_data(kDTypeOf<T>));
  }
  /// The numbers as a span, for copying and range-for. Throws for those of a device.
  template <class T>
  std::span<T> values() const {
    check_on_host("values");
    return {data<T>(), static_cast<std::size_t>(count())};
  }
  /// The only number of a tensor with count() == 1, whatever its type. Waits for a device.
  double item() const;

  /// The same numbers under another shape of equal count.
  Tensor reshape(Shape shape) const;
  /// Elements [first, first + count) of the outermost axis; shares the numbers.
  Tensor slice_outer(std::int64_t first, std::int64_t count) const;
  /// Elements [offset, offset + shape.count()) of the numbers in order; shares them.
  Tensor slice_flat(std::int64_t offset, Shape shape) const;

  /// A copy at the same place.
  Tensor clone() const;
  /// A copy at the same place, converted where the type differs.
  Tensor to(DType dtype) const;
  /// The tensor itself where it lies on `device` (null: in the host's memory), otherwise a copy
  /// there.
  Tensor to(kernels::Device* device) const;
  /// Copies the numbers of `source`, wherever the two lie, converting them; shapes must be equal.
  /// To the host: waits for the device.
  void copy_from(const Tensor& source) const;
  /// Sets all bytes to zero; on a device, in order with its other work.
  void set_zero() const;

 private:
  friend class Arena;
  void* checked_data(DType wanted) const;
  void check_on_host(const char* what) const {
    if (device_ != nullptr) {
      refuse_device(what);
    }
  }
  [[noreturn]] void refuse_device(const char* what) const;

  /// Of the memory; null where an arena owns it, or what gives it back to the arena.
  std::shared_ptr<void> owner_;
  kernels::Device* device_ = nullptr;
  std::byte* data_ = nullptr;
  const Arena* arena_ = nullptr;
  std::uint64_t epoch_ = 0;
  Shape shape_;
  DType dtype_ = DType::f32;
};

/// Whether no number is infinite or NaN; the tensor lies in the host's memory.
PISR_CORE_API bool all_finite(const Tensor& tensor);

/// As in error texts: f32[16,12,32,32]
PISR_CORE_API std::ostream& operator<<(std::ostream& stream, const Tensor& tensor);
/// Where numbers lie, as in error texts: "cpu", or the name of the device.
PISR_CORE_API std::string place_name(const kernels::Device* device);

}  // namespace pisr
