#include "core/tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "core/arena.h"
#include "core/device_call.h"

namespace pisr {
namespace {

constexpr std::align_val_t kAlignment{64};

std::size_t byte_count(const Shape& shape, DType dtype) {
  return static_cast<std::size_t>(shape.count()) * size_of(dtype);
}

template <class T>
Tensor copy_of(std::span<const T> values, Shape shape) {
  if (static_cast<std::int64_t>(values.size()) != shape.count()) {
    throw ShapeError(
        message("tensor: shape ", shape, " holds ", shape.count(), " values, got ", values.size()));
  }
  Tensor tensor = Tensor::empty(shape, kDTypeOf<T>);
  std::copy(values.begin(), values.end(), tensor.data<T>());
  return tensor;
}

template <class To, class From>
void convert(const From* from, std::int64_t count, To* to) {
  std::transform(from, from + count, to, [](From x) { return static_cast<To>(x); });
}

}  // namespace

std::ostream& operator<<(std::ostream& stream, DType dtype) {
  return stream << (dtype == DType::f32 ? "f32" : "f64");
}

Tensor Tensor::empty(Shape shape, DType dtype, kernels::Device* device) {
  const std::size_t bytes = byte_count(shape, dtype);
  void* memory = device == nullptr ? ::operator new(bytes, kAlignment, std::nothrow)
                                   : device_call([&] { return device->allocate(bytes); });
  if (memory == nullptr) {
    throw Error(ErrorKind::memory, message("tensor: no memory on ", place_name(device), " for ",
                                           bytes, " bytes (", dtype, shape, ')'));
  }
  Tensor tensor;
  if (device == nullptr) {
    tensor.owner_.reset(memory, [](void* block) { ::operator delete(block, kAlignment); });
  } else {
    tensor.owner_.reset(memory, [device](void* block) { device->release(block); });
  }
  tensor.device_ = device;
  tensor.data_ = static_cast<std::byte*>(memory);
  tensor.shape_ = shape;
  tensor.dtype_ = dtype;
  return tensor;
}

Tensor Tensor::zeros(Shape shape, DType dtype, kernels::Device* device) {
  Tensor tensor = empty(shape, dtype, device);
  tensor.set_zero();
  return tensor;
}

Tensor Tensor::full(Shape shape, double value, DType dtype) {
  Tensor tensor = empty(shape, dtype);
  with_type(dtype, [&]<class T>() {
    std::fill_n(tensor.data<T>(), tensor.count(), static_cast<T>(value));
  });
  return tensor;
}

Tensor Tensor::from(std::span<const float> values, Shape shape) {
  return copy_of(values, shape);
}

Tensor Tensor::from(std::span<const double> values, Shape shape) {
  return copy_of(values, shape);
}

double Tensor::item() const {
  if (defined() && count() != 1) {
    throw ShapeError(message("item: the tensor must have one element, got ", *this));
  }
  const Tensor here = to(nullptr);
  return with_type(dtype_, [&]<class T>() { return static_cast<double>(*here.data<T>()); });
}

Tensor Tensor::reshape(Shape shape) const {
  if (!defined() || shape.count() != count()) {
    throw ShapeError(
        message("reshape: ", *this, " does not have the ", shape.count(), " elements of ", shape));
  }
  Tensor result = *this;
  result.shape_ = shape;
  return result;
}

Tensor Tensor::slice_outer(std::int64_t first, std::int64_t count) const {
  if (!defined() || shape_.rank() == 0 || first < 0 || count < 1 || count > shape_[0] ||
      first > shape_[0] - count) {
    throw ShapeError(
        message("slice_outer: ", *this, " has no elements ", first, " to ", first + count));
  }
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  for (int axis = 0; axis < shape_.rank(); ++axis) {
    extents[static_cast<std::size_t>(axis)] = axis == 0 ? count : shape_[axis];
  }
  const Shape shape(std::span(extents.data(), static_cast<std::size_t>(shape_.rank())));
  return slice_flat(first * (this->count() / shape_[0]), shape);
}

Tensor Tensor::slice_flat(std::int64_t offset, Shape shape) const {
  if (!defined() || offset < 0 || shape.count() > count() || offset > count() - shape.count()) {
    throw ShapeError(
        message("slice_flat: ", *this, " has no ", shape, " from element ", offset, " on"));
  }
  Tensor result = *this;
  result.data_ += static_cast<std::size_t>(offset) * size_of(dtype_);
  result.shape_ = shape;
  return result;
}

Tensor Tensor::clone() const {
  return to(dtype_);
}

Tensor Tensor::to(DType dtype) const {
  Tensor result = empty(shape_, dtype, device_);
  result.copy_from(*this);
  return result;
}

Tensor Tensor::to(kernels::Device* device) const {
  if (device == device_) {
    return *this;
  }
  Tensor result = empty(shape_, dtype_, device);
  result.copy_from(*this);
  return result;
}

void Tensor::copy_from(const Tensor& source) const {
  if (!(shape_ == source.shape_)) {
    throw ShapeError(message("copy_from: shapes differ (target ", *this, ", source ", source, ')'));
  }
  if (device_ == nullptr && source.device_ == nullptr) {
    with_type(dtype_, [&]<class To>() {
      with_type(source.dtype_,
                [&]<class From>() { convert(source.data<From>(), count(), data<To>()); });
    });
    return;
  }
  const bool between_devices =
      device_ != nullptr && source.device_ != nullptr && device_ != source.device_;
  if (dtype_ != source.dtype_ || between_devices) {  // copied through the host
    copy_from(source.to(nullptr).to(dtype_));
    return;
  }
  void* const target = checked_data(dtype_);
  const void* const from = source.checked_data(dtype_);
  const std::size_t bytes = byte_count(shape_, dtype_);
  device_call([&] {
    if (device_ == nullptr) {
      source.device_->download(target, from, bytes);
    } else if (source.device_ == nullptr) {
      device_->upload(target, from, bytes);
    } else if (target != from) {
      device_->copy(target, from, bytes);
    }
  });
}

void Tensor::set_zero() const {
  void* const target = checked_data(dtype_);
  const std::size_t bytes = byte_count(shape_, dtype_);
  if (device_ == nullptr) {
    std::memset(target, 0, bytes);
  } else {
    device_call([&] { device_->set_zero(target, bytes); });
  }
}

void* Tensor::checked_data(DType wanted) const {
  if (!defined()) {
    throw ShapeError("tensor: used before it was given a value");
  }
  if (wanted != dtype_) {
    throw ShapeError(message("tensor: wanted as ", wanted, ", is ", *this));
  }
  if (arena_ != nullptr && arena_->epoch() != epoch_) {
    throw ShapeError(message("tensor: ", *this, " was used after the reset of its arena"));
  }
  return data_;
}

void Tensor::refuse_device(const char* what) const {
  throw ShapeError(message(what, ": ", *this, " is on ", place_name(device_), ", wanted on ",
                           place_name(nullptr), "; to(nullptr) copies it"));
}

bool all_finite(const Tensor& tensor) {
  return with_type(tensor.dtype(), [&]<class T>() {
    return std::ranges::all_of(tensor.values<T>(), [](T value) { return std::isfinite(value); });
  });
}

std::string place_name(const kernels::Device* device) {
  return device == nullptr ? "cpu" : device->name();
}

std::ostream& operator<<(std::ostream& stream, const Tensor& tensor) {
  if (!tensor.defined()) {
    return stream << "undefined";
  }
  return stream << tensor.dtype() << tensor.shape();
}

}  // namespace pisr
