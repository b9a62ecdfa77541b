#include "pisr/inference/strip_enlarger.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <utility>

#include "core/error.h"
#include "core/for_rows.h"
#include "pisr/image/alpha_weighting.h"
#include "pisr/inference/self_ensemble.h"
#include "pisr/inference/tiles.h"

namespace pisr {
namespace {

constexpr int kBicubicReach = 2;
/// Below this alpha, half a step of 8 bits, a colour is not seen, and not worth a division.
constexpr float kLeastAlpha = 1.0F / 510;

PlaneKind kind_of(const SrNetwork& network, const ImageInfo& image) {
  return network.spec().channels == 3 ? PlaneKind::rgb
         : image.is_grey()            ? PlaneKind::grey
                                      : PlaneKind::ycbcr;
}

template <class Body>
void for_each_row(ThreadPool* pool, int rows, Body&& body) {
  for_rows(pool, rows, [&](int first, int past) {
    for (int row = first; row < past; ++row) {
      body(row);
    }
  });
}

/// For a network that is no chain: pieces that stay in the cache, but not so small that their
/// margins are a large part.
InferenceOptions with_memory_of_piece(Context& context, const SrNetwork& network,
                                      InferenceOptions options) {
  constexpr std::int64_t kOfCache = std::int64_t{16} << 20;
  constexpr std::int64_t kSideInMargins = 30;
  const std::optional<int> halo = network.halo();
  if (halo && context.device() == nullptr) {
    const std::int64_t side = kSideInMargins * margin_of_tiles(*halo);
    const std::int64_t piece = Inference(context, network).bytes_of(side * side);
    options.memory = std::min(options.memory, std::max(kOfCache, piece));
  }
  return options;
}

int even(int rows) {
  return rows + rows % 2;
}

}  // namespace

StripEnlarger::StripEnlarger(Context& context, const SrNetwork& network, const ImageInfo& image,
                             const EnlargeOptions& options)
    : context_(context),
      host_(context.pool() != nullptr ? Context(*context.pool()) : Context()),
      image_(image),
      options_(options),
      inference_(context, network, with_memory_of_piece(context, network, options.inference)),
      scale_(network.spec().scale),
      kind_(kind_of(network, image)),
      by_network_(kind_ == PlaneKind::rgb ? 3 : 1) {
  const bool by_strips = network.halo() && context.device() == nullptr;
  margin_ = by_strips ? std::max(margin_of_tiles(*network.halo()), kBicubicReach) +
                            (image.has_alpha() ? kHiddenReach : 0) + (options.self_ensemble ? 2 : 0)
                      : even(image.height);
}

std::int64_t StripEnlarger::bytes_of_row() const {
  const std::int64_t planes = planes_of(kind_) + (image_.has_alpha() ? 1 : 0);
  const auto samples = static_cast<std::int64_t>(image_.row_bytes());
  const std::int64_t of_planes = planes * image_.width * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t area = std::int64_t{scale_} * scale_;
  // Two strips of samples and their planes twice; of the result the planes twice and three strips.
  return 2 * samples + 2 * of_planes + area * (2 * of_planes + 3 * samples);
}

void StripEnlarger::append(int first, const std::vector<std::byte>& rows) {
  const int planes = planes_of(kind_) + (image_.has_alpha() ? 1 : 0);
  const int keep_from = std::max(top_, std::max(0, first - margin_));
  const int kept = top_ + rows_.height - keep_from;
  const int added = static_cast<int>(rows.size() / image_.row_bytes());
  FloatPlanes& all = next_rows_;
  all.resize(image_.width, kept + added, planes);
  for (int c = 0; c < planes; ++c) {
    if (kept > 0) {
      std::copy_n(rows_.row(c, keep_from - top_), static_cast<std::size_t>(kept) * image_.width,
                  all.row(c, 0));
    }
  }
  for_each_row(context_.pool(), added, [&](int row) {
    std::array<float*, 4> to{};
    for (int c = 0; c < planes; ++c) {
      to[static_cast<std::size_t>(c)] = all.row(c, kept + row);
    }
    split_row(image_, kind_, rows.data() + static_cast<std::size_t>(row) * image_.row_bytes(),
              to.data());
  });
  std::swap(rows_, next_rows_);
  top_ = keep_from;
}

void StripEnlarger::enlarge_bicubic(const PlanesView& planes, FloatPlanes& large) {
  large.resize(planes.width * scale_, planes.height * scale_, planes.channels);
  host_.launch<float>(&kernels::KernelTable<float>::upscale_bicubic,
                      {planes.channels, planes.height, planes.width, scale_, 1.0F, planes.samples,
                       large.samples.data(), kernels::Store::write});
}

void StripEnlarger::enlarge_by_network(const PlanesView& planes, int first, int past,
                                       FloatPlanes& large) {
  if (options_.self_ensemble) {
    run_self_ensemble(inference_, planes, image_.height, large);
  } else {
    inference_.run_rows(planes, first, past, large);
  }
}

void StripEnlarger::weigh_by_alpha(const FloatPlanes& filled) {
  const int colours = filled.channels;
  FloatPlanes weighted(rows_.width, rows_.height, colours);
  std::copy_n(rows_.plane(0), weighted.samples.size(), weighted.samples.begin());
  multiply_by_alpha(rows_.view(colours, 1), weighted);
  FloatPlanes products;
  enlarge_bicubic(weighted.view(), products);
  FloatPlanes of_filled;
  enlarge_bicubic(filled.view(), of_filled);
  for_each_row(context_.pool(), alpha_.height, [&](int y) {
    const float* const alpha = alpha_.row(0, y);
    for (int c = 0; c < colours; ++c) {
      const float* const product = products.row(c, y);
      const float* const base = of_filled.row(c, y);
      const bool detailed = c < by_network_;
      float* const to = detailed ? network_planes_.row(c, y) : chroma_.row(c - by_network_, y);
      for (int x = 0; x < alpha_.width; ++x) {
        const float detail = detailed ? to[x] - base[x] : 0.0F;
        to[x] = (alpha[x] > kLeastAlpha ? product[x] / alpha[x] : base[x]) + detail;
      }
    }
  });
}

std::vector<std::byte> StripEnlarger::enlarge(int first, int past,
                                              const std::vector<std::byte>& rows) {
  append(first, rows);
  const int colours = planes_of(kind_);
  FloatPlanes filled;
  PlanesView seen = rows_.view(0, colours);
  if (image_.has_alpha()) {
    const PlanesView alpha = rows_.view(colours, 1);
    enlarge_bicubic(alpha, alpha_);
    if (!is_opaque(alpha)) {
      filled.resize(rows_.width, rows_.height, colours);
      std::copy_n(seen.samples, filled.samples.size(), filled.samples.begin());
      fill_hidden(alpha, filled);
      seen = filled.view();
    }
  }
  enlarge_by_network({seen.width, seen.height, by_network_, seen.samples}, first - top_,
                     past - top_, network_planes_);
  if (colours > by_network_) {
    enlarge_bicubic({seen.width, seen.height, colours - by_network_, seen.plane(by_network_)},
                    chroma_);
  }
  if (filled.height > 0) {
    weigh_by_alpha(filled);
  }

  ImageInfo large = image_;
  large.width = image_.width * scale_;
  std::vector<std::byte> result(large.row_bytes() * static_cast<std::size_t>(past - first) *
                                static_cast<std::size_t>(scale_));
  std::atomic<bool> finite{true};
  for_each_row(context_.pool(), (past - first) * scale_, [&](int row) {
    const int y = row + (first - top_) * scale_;
    std::array<const float*, 4> from{};
    for (int c = 0; c < colours; ++c) {
      from[static_cast<std::size_t>(c)] =
          c < by_network_ ? network_planes_.row(c, y) : chroma_.row(c - by_network_, y);
    }
    if (image_.has_alpha()) {
      from[static_cast<std::size_t>(colours)] = alpha_.row(0, y);
    }
    int wrong = 0;
    if (!join_row(large, kind_, from.data(),
                  result.data() + static_cast<std::size_t>(row) * large.row_bytes(), wrong)) {
      finite = false;
    }
  });
  if (!finite) {
    check_finite(network_planes_, (first - top_) * scale_, (past - top_) * scale_);
    throw Error(ErrorKind::numeric, "the image has samples that are not finite");
  }
  return result;
}

}  // namespace pisr
