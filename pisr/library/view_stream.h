#pragma once
// Views of images and frames as what pisr/inference reads and writes. Not for users of the library.

#include "pisr/image/image_stream.h"
#include "pisr/library/frame_view.h"
#include "pisr/library/image_view.h"
#include "pisr/video/video.h"

namespace pisr {

/// Throws Error usage where `in` is no image of at least 1x1 pixels and 1 to 4 channels, or `out`
/// is not the place for it enlarged `scale` times.
void check_views(const ConstImageView& in, const ImageView& out, int scale);
/// The same of frames, of 8 to 16 bits.
void check_views(const ConstFrameView& in, const FrameView& out, int scale);

/// Reads the rows of a view.
class ViewReader final : public ImageReader {
 public:
  explicit ViewReader(const ConstImageView& view);
  void read_rows(std::span<std::byte> rows) override;

 private:
  ConstImageView view_;
  int row_ = 0;
};

/// Writes the rows of a view.
class ViewWriter final : public ImageWriter {
 public:
  explicit ViewWriter(const ImageView& view) : view_(view) {}
  void write_rows(std::span<const std::byte> rows) override;
  void finish() override {}

 private:
  ImageView view_;
  int row_ = 0;
};

/// Copies the samples of a frame. Error input for one that exceeds the depth.
void read_frame(const ConstFrameView& view, Frame& frame);
void write_frame(const Frame& frame, const FrameView& view);

}  // namespace pisr
