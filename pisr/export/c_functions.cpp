#include "pisr/export/c_functions.h"

/// Maps are [channels, height, width]. `n` is their number of elements, and `inner` that of a
/// plane.
namespace pisr {
namespace {

constexpr CFunction kFunctions[] = {
    {"conv2d", R"(
/* weight [k, c / groups, kh, kw], bias [k] or null -> y [k, oh, ow] */
static inline void @conv2d(const float* x, int c, int h, int w, const float* weight, const float* bias, int k, int kh, int kw,
                           int stride, int padding, int groups, int replicate, float* y, int oh, int ow) {
  const int in = c / groups, out = k / groups;
  for (int o = 0; o < k; ++o) {
    for (int i = 0; i < oh; ++i) {
      for (int j = 0; j < ow; ++j) {
        double sum = bias ? bias[o] : 0.0;
        for (int n = 0; n < in; ++n) {
          const float* plane = x + (size_t)(o / out * in + n) * h * w;
          const float* kernel = weight + ((size_t)o * in + n) * kh * kw;
          for (int a = 0; a < kh; ++a) {
            for (int b = 0; b < kw; ++b) {
              int row = i * stride + a - padding, column = j * stride + b - padding;
              if (replicate) {
                row = row < 0 ? 0 : row >= h ? h - 1 : row;
                column = column < 0 ? 0 : column >= w ? w - 1 : column;
              }
              if (row >= 0 && row < h && column >= 0 && column < w) {
                sum += (double)kernel[a * kw + b] * plane[(size_t)row * w + column];
              }
            }
          }
        }
        y[((size_t)o * oh + i) * ow + j] = (float)sum;
      }
    }
  }
}
)"},
    {"conv_transpose2d", R"(
/* weight [c, k / groups, kh, kw], bias [k] or null -> y [k, oh, ow] */
static inline void @conv_transpose2d(const float* x, int c, int h, int w, const float* weight, const float* bias, int k, int kh,
                                     int kw, int stride, int padding, int groups, float* y, int oh, int ow) {
  const int in = c / groups, out = k / groups;
  for (int o = 0; o < k; ++o) {
    for (int i = 0; i < oh; ++i) {
      for (int j = 0; j < ow; ++j) {
        double sum = bias ? bias[o] : 0.0;
        for (int n = 0; n < in; ++n) {
          const int from = o / out * in + n;
          const float* plane = x + (size_t)from * h * w;
          const float* kernel = weight + ((size_t)from * out + o % out) * kh * kw;
          for (int a = (i + padding) % stride; a < kh; a += stride) {
            for (int b = (j + padding) % stride; b < kw; b += stride) {
              const int row = (i + padding - a) / stride, column = (j + padding - b) / stride;
              if (i + padding >= a && row < h && j + padding >= b && column < w) {
                sum += (double)kernel[a * kw + b] * plane[(size_t)row * w + column];
              }
            }
          }
        }
        y[((size_t)o * oh + i) * ow + j] = (float)sum;
      }
    }
  }
}
)"},
    {"prelu", R"(
/* slope [c], or [1] where slopes is 1 */
static inline void @prelu(const float* x, int c, size_t inner, const float* slope, int slopes, float* y) {
  for (size_t i = 0; i < c * inner; ++i) {
    y[i] = x[i] > 0 ? x[i] : x[i] * slope[slopes > 1 ? i / inner : 0];
  }
}
)"},
    {"leaky_relu", R"(
static inline void @leaky_relu(const float* x, size_t n, float slope, float* y) {
  for (size_t i = 0; i < n; ++i) {
    y[i] = x[i] > 0 ? x[i] : slope * x[i];
  }
}
)"},
    {"relu", R"(
static inline void @relu(const float* x, size_t n, float* y) {
  for (size_t i = 0; i < n; ++i) {
    y[i] = x[i] > 0 ? x[i] : 0;
  }
}
)"},
    {"sigmoid", R"(
static inline void @sigmoid(const float* x, size_t n, float* y) {
  for (size_t i = 0; i < n; ++i) {
    y[i] = (float)(1 / (1 + exp(-(double)x[i])));
  }
}
)"},
    {"clamp", R"(
static inline void @clamp(const float* x, size_t n, float low, float high, float* y) {
  for (size_t i = 0; i < n; ++i) {
    y[i] = x[i] < low ? low : x[i] > high ? high : x[i];
  }
}
)"},
    {"affine", R"(
static inline void @affine(const float* x, size_t n, float factor, float offset, float* y) {
  for (size_t i = 0; i < n; ++i) {
    y[i] = factor * x[i] + offset;
  }
}
)"},
    {"binary", R"(
/* op is one of + - * /; b [c, inner], or one number for each `share` elements of a */
static inline void @binary(char op, const float* a, const float* b, size_t n, size_t share, float* y) {
  for (size_t i = 0; i < n; ++i) {
    const float v = b[i / share];
    y[i] = op == '+' ? a[i] + v : op == '-' ? a[i] - v : op == '*' ? a[i] * v : a[i] / v;
  }
}
)"},
    {"copy", R"(
static inline void @copy(const float* x, size_t n, float* y) {
  for (size_t i = 0; i < n; ++i) {
    y[i] = x[i];
  }
}
)"},
    {"pixel_shuffle", R"(
/* x [c r r, h, w] -> y [c, h r, w r] */
static inline void @pixel_shuffle(const float* x, int c, int h, int w, int r, float* y) {
  for (int o = 0; o < c; ++o) {
    for (int i = 0; i < h * r; ++i) {
      for (int j = 0; j < w * r; ++j) {
        const int from = (o * r + i % r) * r + j % r;
        y[((size_t)o * h * r + i) * w * r + j] = x[((size_t)from * h + i / r) * w + j / r];
      }
    }
  }
}
)"},
    {"global_mean", R"(
static inline void @global_mean(const float* x, int c, size_t inner, float* y) {
  for (int o = 0; o < c; ++o) {
    double sum = 0;
    for (size_t i = 0; i < inner; ++i) {
      sum += x[o * inner + i];
    }
    y[o] = (float)(sum / (double)inner);
  }
}
)"},
    {"global_standard_deviation", R"(
static inline void @global_standard_deviation(const float* x, int c, size_t inner, float* y) {
  for (int o = 0; o < c; ++o) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < inner; ++i) {
      sum += x[o * inner + i];
    }
    for (size_t i = 0; i < inner; ++i) {
      const double distance = x[o * inner + i] - sum / (double)inner;
      squares += distance * distance;
    }
    y[o] = (float)sqrt(squares / (double)inner);
  }
}
)"},
    {"window", R"(
/* x [c, h, w] -> y [c, oh, ow], whose first element is (top, left) of x; zeros outside of x */
static inline void @window(const float* x, int c, int h, int w, int top, int left, float* y, int oh, int ow) {
  for (int o = 0; o < c; ++o) {
    for (int i = 0; i < oh; ++i) {
      for (int j = 0; j < ow; ++j) {
        const int row = i + top, column = j + left;
        const int inside = row >= 0 && row < h && column >= 0 && column < w;
        y[((size_t)o * oh + i) * ow + j] = inside ? x[((size_t)o * h + row) * w + column] : 0;
      }
    }
  }
}
)"},
    {"enlarge", R"(
/* x [c, h, w] -> y [c, h s, w s]: interpolation by weight [s s, 2 radius + 1, 2 radius + 1], a kernel for each place in a
   pixel; beyond its border x is mirrored, or goes on */
static inline void @enlarge(const float* x, int c, int h, int w, int s, const float* weight, int radius, int mirrored, float* y) {
  const int taps = 2 * radius + 1;
  for (int o = 0; o < c; ++o) {
    for (int i = 0; i < h * s; ++i) {
      for (int j = 0; j < w * s; ++j) {
        const float* kernel = weight + (i % s * s + j % s) * taps * taps;
        double sum = 0;
        for (int a = 0; a < taps; ++a) {
          for (int b = 0; b < taps; ++b) {
            int row = i / s + a - radius, column = j / s + b - radius;
            if (mirrored) {
              row = row < 0 ? -1 - row : row >= h ? 2 * h - 1 - row : row;
              column = column < 0 ? -1 - column : column >= w ? 2 * w - 1 - column : column;
            }
            row = row < 0 ? 0 : row >= h ? h - 1 : row;
            column = column < 0 ? 0 : column >= w ? w - 1 : column;
            sum += (double)kernel[a * taps + b] * x[((size_t)o * h + row) * w + column];
          }
        }
        y[((size_t)o * h * s + i) * w * s + j] = (float)sum;
      }
    }
  }
}
)"},
};

}  // namespace

const char* find_c_function(const std::string& name) {
  for (const CFunction& function : kFunctions) {
    if (name == function.name) {
      return function.text;
    }
  }
  return nullptr;
}

}  // namespace pisr
