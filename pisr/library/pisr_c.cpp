#include <cstddef>
#include <exception>
#include <filesystem>
#include <new>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/version.h"
#include "pisr/library/pisr.h"
#include "pisr/library/upscaler.h"

struct pisr_weights {
  pisr::Weights weights;
};

struct pisr_upscaler {
  pisr::Upscaler upscaler;
};

namespace {

using pisr::Error;
using pisr::ErrorKind;
using pisr::message;

/// Of the last call of a thread that failed.
struct LastError {
  std::string text, hint;
};

LastError& last_error() {
  thread_local LastError error;
  return error;
}

void remember(const char* text, const char* hint) noexcept {
  try {
    last_error() = {text, hint};
  } catch (...) {  // no memory for the text: what stood there is worse than nothing
    last_error().text.clear();
    last_error().hint.clear();
  }
}

/// Runs `body`, which returns a status, and makes a status of what it throws.
template <class Body>
pisr_status guarded(const Body& body) noexcept {
  try {
    return body();
  } catch (const Error& error) {
    remember(error.what(), error.hint().c_str());
    return static_cast<pisr_status>(error.kind());
  } catch (const std::bad_alloc&) {
    remember("not enough memory", "");
    return PISR_ERROR_MEMORY;
  } catch (const std::exception& error) {
    remember(error.what(), "");
  } catch (...) {
    remember("unknown exception", "");
  }
  return PISR_ERROR_INTERNAL;
}

[[noreturn]] void refuse(const std::string& text) {
  throw Error(ErrorKind::usage, text);
}

template <class T>
T& given(const char* function, const char* argument, T* pointer) {
  if (pointer == nullptr) {
    refuse(message(function, ": ", argument, " must not be NULL"));
  }
  return *pointer;
}

/// A struct whose first member says how much of it the caller knows. Nothing beyond what this
/// library knows is read: the size may be wrong.
template <class Struct>
const Struct& known(const char* function, const char* argument, const Struct* pointer) {
  const Struct& known_struct = given(function, argument, pointer);
  if (known_struct.struct_size != sizeof(Struct)) {
    refuse(message(function, ": struct_size of ", argument, " must be ", sizeof(Struct),
                   " in version ", pisr::version(), ", got ", known_struct.struct_size));
  }
  return known_struct;
}

template <class View>
View view_of(const char* function, const char* argument, const pisr_image* pointer) {
  const pisr_image& image = known(function, argument, pointer);
  if (image.type < PISR_UINT8 || image.type > PISR_FLOAT) {
    refuse(message(function, ": type of ", argument, " must be 0 to 2, got ", image.type));
  }
  View view{image.samples,
            image.width,
            image.height,
            image.channels,
            static_cast<pisr::SampleType>(image.type),
            static_cast<std::ptrdiff_t>(image.row_stride),
            static_cast<std::ptrdiff_t>(image.pixel_stride),
            static_cast<std::ptrdiff_t>(image.channel_stride)};
  if (image.row_stride == 0 && image.pixel_stride == 0 && image.channel_stride == 0) {
    view.channel_stride = static_cast<std::ptrdiff_t>(pisr::size_of(view.type));
    view.pixel_stride = view.channel_stride * image.channels;
    view.row_stride = view.pixel_stride * image.width;
  }
  return view;
}

template <class View>
View frame_of(const char* function, const char* argument, const pisr_frame* pointer) {
  const pisr_frame& frame = known(function, argument, pointer);
  if (frame.chroma < PISR_CHROMA_NONE || frame.chroma > PISR_CHROMA_444) {
    refuse(message(function, ": chroma of ", argument, " must be 0 to 3, got ", frame.chroma));
  }
  if (frame.siting < PISR_SITING_CENTRE || frame.siting > PISR_SITING_TOP_LEFT) {
    refuse(message(function, ": siting of ", argument, " must be 0 to 2, got ", frame.siting));
  }
  View view;
  view.format = {frame.width,
                 frame.height,
                 static_cast<pisr::Chroma>(frame.chroma),
                 frame.depth,
                 static_cast<pisr::ChromaSiting>(frame.siting),
                 frame.full_range != 0};
  for (std::size_t p = 0; p < view.planes.size(); ++p) {
    view.planes[p] = frame.planes[p];
    view.row_strides[p] = static_cast<std::ptrdiff_t>(frame.row_strides[p]);
  }
  return view;
}

pisr::UpscalerOptions options_of(const char* function, const pisr_options* pointer) {
  pisr::UpscalerOptions options;
  if (pointer == nullptr) {
    return options;
  }
  const pisr_options& given_options = known(function, "options", pointer);
  options.threads = given_options.threads;
  options.tile = given_options.tile;
  if (given_options.memory != 0) {
    options.memory = given_options.memory;
  }
  options.self_ensemble = given_options.self_ensemble != 0;
  if (given_options.device != nullptr) {
    options.device = given_options.device;
  }
  if (given_options.log != nullptr) {
    options.log = [log = given_options.log, user = given_options.user](const std::string& line) {
      log(user, line.c_str());
    };
  }
  return options;
}

pisr::RunCallbacks callbacks_of(const char* function, const pisr_callbacks* pointer) {
  pisr::RunCallbacks callbacks;
  if (pointer == nullptr) {
    return callbacks;
  }
  const pisr_callbacks wanted = known(function, "callbacks", pointer);
  if (wanted.progress != nullptr) {
    callbacks.progress = [wanted](std::int64_t done, std::int64_t rows) {
      wanted.progress(wanted.user, done, rows);
    };
  }
  if (wanted.cancelled != nullptr) {
    callbacks.cancelled = [wanted] { return wanted.cancelled(wanted.user) != 0; };
  }
  return callbacks;
}

/// Runs `load`, which returns pisr::Weights, and puts them where the caller wants them.
template <class Load>
pisr_status weights_of(const char* function, pisr_weights** weights, const Load& load) noexcept {
  return guarded([&] {
    given(function, "weights", weights) = nullptr;
    *weights = new pisr_weights{load()};
    return PISR_OK;
  });
}

}  // namespace

const char* pisr_version(void) {
  return pisr::version();
}

const char* pisr_last_error(void) {
  return last_error().text.c_str();
}

const char* pisr_last_hint(void) {
  return last_error().hint.c_str();
}

pisr_status pisr_weights_builtin(const char* model, int scale, pisr_weights** weights) {
  return weights_of("pisr_weights_builtin", weights,
                    [&] { return pisr::Weights::builtin(scale, model == nullptr ? "" : model); });
}

pisr_status pisr_weights_load(const char* path, int scale, pisr_weights** weights) {
  return weights_of("pisr_weights_load", weights, [&] {
    const char* const name = &given("pisr_weights_load", "path", path);
    return pisr::Weights::load(std::filesystem::path(reinterpret_cast<const char8_t*>(name)),
                               scale);
  });
}

pisr_status pisr_weights_parse(const void* bytes, size_t count, int scale, pisr_weights** weights) {
  return weights_of("pisr_weights_parse", weights, [&] {
    given("pisr_weights_parse", "bytes", static_cast<const char*>(bytes));
    return pisr::Weights::parse(bytes, count, "the bytes", scale);
  });
}

int pisr_weights_scale(const pisr_weights* weights) {
  return weights == nullptr ? 0 : weights->weights.scale();
}

const char* pisr_weights_architecture(const pisr_weights* weights) {
  return weights == nullptr ? "" : weights->weights.architecture().c_str();
}

int64_t pisr_weights_parameter_count(const pisr_weights* weights) {
  return weights == nullptr ? 0 : weights->weights.parameter_count();
}

void pisr_weights_free(pisr_weights* weights) {
  delete weights;
}

pisr_status pisr_upscaler_create(const pisr_weights* weights, const pisr_options* options,
                                 pisr_upscaler** upscaler) {
  return guarded([&] {
    constexpr const char* kFunction = "pisr_upscaler_create";
    given(kFunction, "upscaler", upscaler) = nullptr;
    const pisr::Weights& network = given(kFunction, "weights", weights).weights;
    *upscaler = new pisr_upscaler{pisr::Upscaler(network, options_of(kFunction, options))};
    return PISR_OK;
  });
}

int pisr_upscaler_scale(const pisr_upscaler* upscaler) {
  return upscaler == nullptr ? 0 : upscaler->upscaler.scale();
}

void pisr_upscaler_trim(const pisr_upscaler* upscaler) {
  if (upscaler != nullptr) {
    upscaler->upscaler.trim();
  }
}

void pisr_upscaler_free(pisr_upscaler* upscaler) {
  delete upscaler;
}

pisr_status pisr_upscaler_run(const pisr_upscaler* upscaler, const pisr_image* in,
                              const pisr_image* out, const pisr_callbacks* callbacks) {
  return guarded([&] {
    constexpr const char* kFunction = "pisr_upscaler_run";
    const pisr::Upscaler& used = given(kFunction, "upscaler", upscaler).upscaler;
    const bool finished = used.run(view_of<pisr::ConstImageView>(kFunction, "in", in),
                                   view_of<pisr::ImageView>(kFunction, "out", out),
                                   callbacks_of(kFunction, callbacks));
    return finished ? PISR_OK : PISR_CANCELLED;
  });
}

pisr_status pisr_upscaler_run_frame(const pisr_upscaler* upscaler, const pisr_frame* in,
                                    const pisr_frame* out) {
  return guarded([&] {
    constexpr const char* kFunction = "pisr_upscaler_run_frame";
    const pisr::Upscaler& used = given(kFunction, "upscaler", upscaler).upscaler;
    used.run(frame_of<pisr::ConstFrameView>(kFunction, "in", in),
             frame_of<pisr::FrameView>(kFunction, "out", out));
    return PISR_OK;
  });
}
