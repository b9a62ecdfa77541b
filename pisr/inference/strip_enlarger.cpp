#include "pisr/inference/strip_enlarger.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include "core/error.h"
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

int even(int rows) {
  return rows + rows % 2;
}

/// Planes [from, from + count) of `planes`.
FloatPlanes some_planes(const FloatPlanes& planes, int from, int count) {
  FloatPlanes part(planes.width, planes.height, count);
  std::copy_n(planes.plane(from), part.samples.size(), part.samples.begin());
  return part;
}

}  // namespace

StripEnlarger::StripEnlarger(Context& context, const SrNetwork& network, const ImageInfo& image,
                             const EnlargeOptions& options)
    : context_(context),
      host_(context.pool() != nullptr ? Context(*context.pool()) : Context()),
      network_(network),
      image_(image),
      options_(options),
      inference_(context, network, options.inference),
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

void StripEnlarger::for_rows(int count, kernels::FunctionRef<void(std::int64_t)> body) {
  if (ThreadPool* const pool = context_.pool()) {
    pool->parallel_for(count, [&](std::int64_t row, int) { body(row); });
    return;
  }
  for (std::int64_t row = 0; row < count; ++row) {
    body(row);
  }
}

void StripEnlarger::append(int first, const std::vector<std::byte>& rows) {
  const int planes = planes_of(kind_) + (image_.has_alpha() ? 1 : 0);
  const int keep_from = std::max(top_, std::max(0, first - margin_));
  const int kept = top_ + rows_.height - keep_from;
  const int added = static_cast<int>(rows.size() / image_.row_bytes());
  FloatPlanes all(image_.width, kept + added, planes);
  for (int c = 0; c < planes; ++c) {
    if (kept > 0) {
      std::copy_n(rows_.row(c, keep_from - top_), static_cast<std::size_t>(kept) * image_.width,
                  all.row(c, 0));
    }
  }
  for_rows(added, [&](std::int64_t row) {
    std::array<float*, 4> to{};
    for (int c = 0; c < planes; ++c) {
      to[static_cast<std::size_t>(c)] = all.row(c, kept + static_cast<int>(row));
    }
    split_row(image_, kind_, rows.data() + static_cast<std::size_t>(row) * image_.row_bytes(),
              to.data());
  });
  rows_ = std::move(all);
  top_ = keep_from;
}

FloatPlanes StripEnlarger::bicubic(const FloatPlanes& planes) {
  FloatPlanes large(planes.width * scale_, planes.height * scale_, planes.channels);
  host_.launch<float>(&kernels::KernelTable<float>::upscale_bicubic,
                      {planes.channels, planes.height, planes.width, scale_, 1.0F,
                       planes.samples.data(), large.samples.data(), kernels::Store::write});
  return large;
}

FloatPlanes StripEnlarger::enlarged_by_network(const FloatPlanes& planes) {
  FloatPlanes large;
  if (options_.self_ensemble) {
    run_self_ensemble(inference_, planes, image_.height, large);
  } else {
    inference_.run(planes, large);
  }
  return large;
}

void StripEnlarger::weigh_by_alpha(const FloatPlanes& alpha, const FloatPlanes& colours,
                                   const FloatPlanes& filled, const FloatPlanes& large_alpha,
                                   FloatPlanes& network, FloatPlanes& chroma) {
  FloatPlanes weighted = colours;
  multiply_by_alpha(alpha, weighted);
  weighted = bicubic(weighted);
  const FloatPlanes of_filled = bicubic(filled);
  for_rows(large_alpha.height, [&](std::int64_t row) {
    const int y = static_cast<int>(row);
    const float* const a = large_alpha.row(0, y);
    for (int c = 0; c < colours.channels; ++c) {
      const float* const product = weighted.row(c, y);
      const float* const base = of_filled.row(c, y);
      const bool detailed = c < network.channels;
      float* const to = detailed ? network.row(c, y) : chroma.row(c - network.channels, y);
      for (int x = 0; x < large_alpha.width; ++x) {
        const float detail = detailed ? to[x] - base[x] : 0.0F;
        to[x] = (a[x] > kLeastAlpha ? product[x] / a[x] : base[x]) + detail;
      }
    }
  });
}

std::vector<std::byte> StripEnlarger::enlarge(int first, int past,
                                              const std::vector<std::byte>& rows) {
  append(first, rows);
  const int colours = planes_of(kind_);
  FloatPlanes colour = some_planes(rows_, 0, colours);
  FloatPlanes filled;
  FloatPlanes alpha;
  FloatPlanes large_alpha;
  bool weighted = false;
  if (image_.has_alpha()) {
    alpha = some_planes(rows_, colours, 1);
    large_alpha = bicubic(alpha);
    weighted = !is_opaque(alpha);
    if (weighted) {
      filled = colour;
      fill_hidden(alpha, filled);
    }
  }
  const FloatPlanes& seen = weighted ? filled : colour;
  FloatPlanes network = enlarged_by_network(some_planes(seen, 0, by_network_));
  FloatPlanes chroma;
  if (colours > by_network_) {
    chroma = bicubic(some_planes(seen, by_network_, colours - by_network_));
  }
  if (weighted) {
    weigh_by_alpha(alpha, colour, filled, large_alpha, network, chroma);
  }

  ImageInfo large = image_;
  large.width = image_.width * scale_;
  std::vector<std::byte> result(large.row_bytes() * static_cast<std::size_t>(past - first) *
                                static_cast<std::size_t>(scale_));
  std::atomic<bool> finite{true};
  for_rows((past - first) * scale_, [&](std::int64_t row) {
    const int y = static_cast<int>(row) + (first - top_) * scale_;
    std::array<const float*, 4> from{};
    for (int c = 0; c < colours; ++c) {
      from[static_cast<std::size_t>(c)] =
          c < by_network_ ? network.row(c, y) : chroma.row(c - by_network_, y);
    }
    if (image_.has_alpha()) {
      from[static_cast<std::size_t>(colours)] = large_alpha.row(0, y);
    }
    int wrong = 0;
    if (!join_row(large, kind_, from.data(),
                  result.data() + static_cast<std::size_t>(row) * large.row_bytes(), wrong)) {
      finite = false;
    }
  });
  if (!finite) {
    throw Error(ErrorKind::numeric, "the image has samples that are not finite");
  }
  return result;
}

}  // namespace pisr
