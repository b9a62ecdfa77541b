#include "pisr/train/device_batches.h"

#include "core/philox.h"
#include "pisr/data/patch_layout.h"
#include "pisr/data/sampler.h"

namespace pisr {

DeviceBatches::DeviceBatches(kernels::Device& device, const Dataset& data,
                             const StepOptions& options, int channels)
    : scale_(data.scale),
      key_(random_key(options.seed, RandomUse::batch)),
      bytes_(device, data.bytes()),
      sources_(device, static_cast<std::int64_t>(data.images.size())),
      images_(static_cast<std::int64_t>(data.images.size())) {
  const int low_size = BatchSampler(data, options.seed, options.gt_size, channels).low_size();
  const PatchLayout layout = patch_layout(data);
  sources_.upload(layout.sources.data(), images_);
  for (std::size_t i = 0; i < data.images.size(); ++i) {
    const ImagePair& pair = data.images[i];
    bytes_.upload(pair.high.samples.data(), static_cast<std::int64_t>(pair.high.samples.size()),
                  layout.sources[i].high_offset);
    bytes_.upload(pair.low.samples.data(), static_cast<std::int64_t>(pair.low.samples.size()),
                  layout.sources[i].low_offset);
  }
  const int batch = options.batch_size;
  high_ = Tensor::empty({batch, channels, options.gt_size, options.gt_size}, DType::f32, &device);
  low_ = Tensor::empty({batch, channels, low_size, low_size}, DType::f32, &device);
}

void DeviceBatches::make(Context& context, const std::int64_t* iteration) const {
  context.launch<float>(&kernels::KernelTable<float>::random_patches,
                        {.batch = low_.shape()[0],
                         .low_size = static_cast<int>(low_.shape()[2]),
                         .scale = scale_,
                         .channels = static_cast<int>(low_.shape()[1]),
                         .key = key_,
                         .iteration = iteration,
                         .images = images_,
                         .sources = sources_.data(),
                         .bytes = bytes_.data(),
                         .high = high_.data<float>(),
                         .low = low_.data<float>()});
}

}  // namespace pisr
