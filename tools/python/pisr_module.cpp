// The module pisr._pisr: pisr::Upscaler over arrays of numpy.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <pisr/upscaler.h>
#include <pisr/version.h>

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using Array = nb::ndarray<nb::ro, nb::device::cpu>;

pisr::SampleType type_of(const Array& array) {
  if (array.dtype() == nb::dtype<std::uint8_t>()) {
    return pisr::SampleType::u8;
  }
  if (array.dtype() == nb::dtype<std::uint16_t>()) {
    return pisr::SampleType::u16;
  }
  if (array.dtype() == nb::dtype<float>()) {
    return pisr::SampleType::f32;
  }
  throw nb::type_error("upscale: the array must be of uint8, uint16 or float32");
}

/// The array [h, w] or [h, w, c] as it lies in memory.
pisr::ConstImageView view_of(const Array& array) {
  if (array.ndim() != 2 && array.ndim() != 3) {
    throw nb::value_error(
        "upscale: the array must be [height, width] or [height, width, channels]");
  }
  const bool has_channels = array.ndim() == 3;
  pisr::ConstImageView view;
  view.type = type_of(array);
  const auto bytes = static_cast<std::ptrdiff_t>(pisr::size_of(view.type));
  view.samples = array.data();
  for (std::size_t axis = 0; axis < array.ndim(); ++axis) {
    if (array.shape(axis) > static_cast<std::size_t>(INT32_MAX)) {
      throw nb::value_error("upscale: an axis of the array exceeds 2^31 - 1");
    }
  }
  view.height = static_cast<int>(array.shape(0));
  view.width = static_cast<int>(array.shape(1));
  view.channels = has_channels ? static_cast<int>(array.shape(2)) : 1;
  view.row_stride = array.stride(0) * bytes;
  view.pixel_stride = array.stride(1) * bytes;
  view.channel_stride = has_channels ? array.stride(2) * bytes : bytes;
  return view;
}

template <class Sample>
nb::object enlarged(const pisr::Upscaler& upscaler, const pisr::ConstImageView& in,
                    bool has_channels, const pisr::RunCallbacks& callbacks) {
  const auto scale = static_cast<std::size_t>(upscaler.scale());
  const std::size_t height = static_cast<std::size_t>(in.height) * scale;
  const std::size_t width = static_cast<std::size_t>(in.width) * scale;
  const auto channels = static_cast<std::size_t>(in.channels);
  auto* const samples = new Sample[height * width * channels];
  const nb::capsule owner(samples,
                          [](void* memory) noexcept { delete[] static_cast<Sample*>(memory); });
  {
    const nb::gil_scoped_release release;
    if (!upscaler.run(in,
                      pisr::interleaved(samples, static_cast<int>(width), static_cast<int>(height),
                                        in.channels),
                      callbacks)) {
      nb::gil_scoped_acquire acquire;
      return nb::none();
    }
  }
  const std::size_t shape[] = {height, width, channels};
  return nb::cast(nb::ndarray<nb::numpy, Sample>(samples, has_channels ? 3 : 2, shape, owner));
}

using Progress = std::optional<std::function<void(std::int64_t, std::int64_t)>>;

nb::object run(const pisr::Upscaler& upscaler, const Array& array, const Progress& progress) {
  const pisr::ConstImageView view = view_of(array);
  if (view.width < 1 || view.height < 1 || view.channels < 1 || view.channels > 4) {
    throw nb::value_error("upscale: the array must have 1x1 pixels or more and 1 to 4 channels");
  }
  pisr::RunCallbacks callbacks;
  callbacks.cancelled = [] {  // Ctrl-C
    const nb::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() != 0) {
      throw nb::python_error();
    }
    return false;
  };
  if (progress) {
    callbacks.progress = [&](std::int64_t done, std::int64_t rows) {
      const nb::gil_scoped_acquire acquire;
      (*progress)(done, rows);
    };
  }
  const bool has_channels = array.ndim() == 3;
  switch (view.type) {
    case pisr::SampleType::u8:
      return enlarged<std::uint8_t>(upscaler, view, has_channels, callbacks);
    case pisr::SampleType::u16:
      return enlarged<std::uint16_t>(upscaler, view, has_channels, callbacks);
    default:
      return enlarged<float>(upscaler, view, has_channels, callbacks);
  }
}

/// A pisr::Error becomes ValueError where an argument was wrong, MemoryError, or pisr.Error.
void translate(const std::exception_ptr& pointer, void* error_type) {
  try {
    std::rethrow_exception(pointer);
  } catch (const pisr::Error& error) {
    std::string text = error.what();
    if (!error.hint().empty()) {
      text += " (" + error.hint() + ")";
    }
    PyObject* type = static_cast<PyObject*>(error_type);
    if (error.kind() == pisr::ErrorKind::usage) {
      type = PyExc_ValueError;
    } else if (error.kind() == pisr::ErrorKind::memory) {
      type = PyExc_MemoryError;
    }
    PyErr_SetString(type, text.c_str());
  }
}

}  // namespace

NB_MODULE(_pisr, module) {
  module.doc() = "Super-resolution of images by tiny networks.";
  module.attr("__version__") = pisr::version();
  const nb::object error = nb::steal(PyErr_NewExceptionWithDoc(
      "pisr.Error", "Weights that cannot be used, or a value that is not finite.",
      PyExc_RuntimeError, nullptr));
  module.attr("Error") = error;
  nb::register_exception_translator(translate, error.ptr());

  nb::class_<pisr::Weights>(module, "Weights", "A trained network.")
      .def_static("builtin", &pisr::Weights::builtin, "scale"_a = 2, "model"_a = "",
                  "Weights of the package, of scale 2, 3 or 4; the default model without a name.")
      .def_static("builtin_names", &pisr::Weights::builtin_names, "The names of all of them.")
      .def_static("load", &pisr::Weights::load, "path"_a, "scale"_a = 0,
                  "Weights of a safetensors file; scale 0: as the file tells.")
      .def_prop_ro("scale", &pisr::Weights::scale)
      .def_prop_ro("channels", &pisr::Weights::channels, "1: luminance, 3: RGB")
      .def_prop_ro("architecture", &pisr::Weights::architecture)
      .def_prop_ro("title", &pisr::Weights::title)
      .def_prop_ro("parameter_count", &pisr::Weights::parameter_count)
      .def("__repr__", [](const pisr::Weights& weights) {
        return "<pisr.Weights " + weights.title() + " x" + std::to_string(weights.scale()) + ">";
      });

  nb::class_<pisr::Upscaler>(module, "Upscaler",
                             "Weights that are ready to enlarge arrays. Threads may share one.")
      .def(
          "__init__",
          [](pisr::Upscaler* place, const pisr::Weights& weights, int threads, int tile,
             std::int64_t memory, bool self_ensemble) {
            pisr::UpscalerOptions options;
            options.threads = threads;
            options.tile = tile;
            options.memory = memory;
            options.self_ensemble = self_ensemble;
            new (place) pisr::Upscaler(weights, std::move(options));
          },
          "weights"_a, nb::kw_only(), "threads"_a = 0, "tile"_a = 0,
          "memory"_a = std::int64_t{96} << 20, "self_ensemble"_a = false,
          "threads 0: all; memory: about how many bytes a call may take beside the arrays; "
          "self_ensemble: the mean of eight results.")
      .def_prop_ro("scale", &pisr::Upscaler::scale)
      .def_prop_ro("weights", [](const pisr::Upscaler& upscaler) { return upscaler.weights(); })
      .def(
          "__call__", &run, "image"_a, nb::kw_only(), "progress"_a = nb::none(),
          "Enlarges an array [h, w] or [h, w, c], c = 1 to 4, of uint8, uint16 or float32 on 0..1: "
          "a new array of the same type. progress(done, rows) is called between strips of rows.")
      .def("trim", &pisr::Upscaler::trim, "Gives back the memory that calls have left.");
}
