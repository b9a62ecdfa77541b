#include "pisr/library/upscaler.h"

#include <mutex>
#include <utility>
#include <vector>

#include "core/context.h"
#include "core/device_choice.h"
#include "core/parallel.h"
#include "pisr/inference/upscaler.h"
#include "pisr/inference/video_upscaler.h"
#include "pisr/library/view_stream.h"
#include "pisr/model/architectures.h"
#include "pisr/model/weights.h"

namespace pisr {
namespace {

/// What one call of run() works with.
struct Session {
  Session(int threads, kernels::Device* device) : pool(threads), context(pool, device) {}

  ThreadPool pool;
  Context context;
  /// Of the last frame: those of a video have one format.
  std::unique_ptr<FrameUpscaler> frames;
  VideoFormat frame_format;
  Frame frame, large_frame;
};

void check(const UpscalerOptions& options) {
  const auto refuse = [](const char* option, const char* wanted, std::int64_t got) {
    throw Error(ErrorKind::usage,
                message("Upscaler: ", option, " must be ", wanted, ", got ", got));
  };
  constexpr int kMostThreads = 1024;
  if (options.threads < 0 || options.threads > kMostThreads) {
    refuse("threads", "0 to 1024", options.threads);
  }
  if (options.tile < 0) {
    refuse("tile", "0 or positive", options.tile);
  }
  if (options.memory < 1) {
    refuse("memory", "positive", options.memory);
  }
}

std::unique_ptr<kernels::Device> open(const UpscalerOptions& options) {
  std::string explanation;
  auto device = open_device(parse_device(options.device), explanation);
  if (!explanation.empty() && options.log) {
    options.log(explanation);
  }
  return device;
}

/// The same network with its parameters on `device`.
std::unique_ptr<const SrNetwork> copy_on(kernels::Device* device, const SrNetwork& network) {
  auto copy = make_network(network.spec());
  copy_parameters(network, *copy);
  copy->move_to(device);
  return copy;
}

}  // namespace

struct Upscaler::Implementation {
  /// A session that nobody else uses until it is given back.
  class Lease {
   public:
    explicit Lease(Implementation& from) : from_(from), session_(from.take()) {}
    ~Lease() { from_.give_back(std::move(session_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Session* operator->() const { return session_.get(); }

   private:
    Implementation& from_;
    std::unique_ptr<Session> session_;
  };

  std::unique_ptr<Session> take() {
    const std::lock_guard lock(idle_mutex);
    if (idle.empty()) {
      return std::make_unique<Session>(options.threads, device.get());
    }
    std::unique_ptr<Session> session = std::move(idle.back());
    idle.pop_back();
    return session;
  }

  void give_back(std::unique_ptr<Session> session) {
    const std::lock_guard lock(idle_mutex);
    idle.push_back(std::move(session));
  }

  std::unique_lock<std::mutex> lock_device() {
    return device != nullptr ? std::unique_lock(device_mutex) : std::unique_lock<std::mutex>();
  }

  const SrNetwork& network() const { return on_device ? *on_device : *weights_network; }

  Weights weights;
  UpscalerOptions options;
  std::unique_ptr<kernels::Device> device;
  std::shared_ptr<const SrNetwork> weights_network;
  std::unique_ptr<const SrNetwork> on_device;
  std::mutex device_mutex;  ///< one call of run() after another uses the device
  std::mutex idle_mutex;
  std::vector<std::unique_ptr<Session>> idle;
};

Upscaler::Upscaler(Weights weights, UpscalerOptions options) {
  check(options);
  auto device = open(options);
  std::shared_ptr<const SrNetwork> network = weights.network_;
  std::unique_ptr<const SrNetwork> on_device;
  if (device != nullptr) {
    on_device = copy_on(device.get(), *network);
  }
  implementation_.reset(new Implementation{std::move(weights),
                                           std::move(options),
                                           std::move(device),
                                           std::move(network),
                                           std::move(on_device),
                                           {},
                                           {},
                                           {}});
}

Upscaler::~Upscaler() = default;
Upscaler::Upscaler(Upscaler&&) noexcept = default;
Upscaler& Upscaler::operator=(Upscaler&&) noexcept = default;

const Weights& Upscaler::weights() const noexcept {
  return implementation_->weights;
}

bool Upscaler::run(const ConstImageView& in, const ImageView& out,
                   const RunCallbacks& callbacks) const {
  check_views(in, out, scale());
  UpscaleOptions options;
  options.tile = implementation_->options.tile;
  options.memory = implementation_->options.memory;
  options.self_ensemble = implementation_->options.self_ensemble;
  options.progress = callbacks.progress;
  options.cancelled = callbacks.cancelled;
  ViewReader reader(in);
  ViewWriter writer(out);
  const auto lock = implementation_->lock_device();
  const Implementation::Lease session(*implementation_);
  return upscale(session->context, implementation_->network(), reader, writer, options);
}

void Upscaler::run(const ConstFrameView& in, const FrameView& out) const {
  check_views(in, out, scale());
  InferenceOptions options;
  options.tile = implementation_->options.tile;
  const auto lock = implementation_->lock_device();
  const Implementation::Lease session(*implementation_);
  read_frame(in, session->frame);
  if (session->frames == nullptr || session->frame_format != in.format) {
    session->frames = std::make_unique<FrameUpscaler>(session->context, implementation_->network(),
                                                      in.format, options);
    session->frame_format = in.format;
  }
  session->frames->run(session->frame, session->large_frame);
  write_frame(session->large_frame, out);
}

void Upscaler::trim() const {
  const std::lock_guard lock(implementation_->idle_mutex);
  implementation_->idle.clear();
}

}  // namespace pisr
