#ifndef PISR_PISR_H
#define PISR_PISR_H
/* The C interface of libpisr: what pisr/upscaler.h has, for C99 and for other languages.
 *
 * A function that can fail returns a status, and pisr_last_error() then says in one line what was
 * wrong. Nothing is printed, no signal handler installed, and no exception leaves the library. */

#include <stddef.h>
#include <stdint.h>

#include "kernels/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The errors have the numbers of the programs' exit codes. */
typedef enum pisr_status {
  PISR_OK = 0,
  PISR_CANCELLED = 1,     /* by the callback */
  PISR_ERROR_USAGE = 2,   /* a wrong argument */
  PISR_ERROR_INPUT = 3,   /* samples that are not what they should be */
  PISR_ERROR_OUTPUT = 4,  /* a file that cannot be written */
  PISR_ERROR_WEIGHTS = 5, /* weights that cannot be used */
  PISR_ERROR_DEVICE = 6,  /* a device that is absent or failed */
  PISR_ERROR_MEMORY = 7,  /* not enough memory */
  PISR_ERROR_NUMERIC = 8, /* a value that is not finite */
  PISR_ERROR_INTERNAL = 9 /* a fault of the library */
} pisr_status;

/* Samples of images. */
typedef enum pisr_sample_type {
  PISR_UINT8 = 0,
  PISR_UINT16 = 1,
  PISR_FLOAT = 2 /* 0 to 1 */
} pisr_sample_type;

/* A trained network. Belongs to the caller, to be freed after its last use; an upscaler that was
 * made of it does not need it. */
typedef struct pisr_weights pisr_weights;
/* A network that is ready to enlarge images. Several threads may use one at once. */
typedef struct pisr_upscaler pisr_upscaler;

/* The version of the library that is loaded: "0.1.0". */
PISR_API const char* pisr_version(void);

/* What was wrong in the last call of this thread that failed; "" before the first. Valid until the
 * next call of this thread. The hint says what to do, or is "". */
PISR_API const char* pisr_last_error(void);
PISR_API const char* pisr_last_hint(void);

/* Weights that are part of the library, of scale 2, 3 or 4. `model` NULL: the default. */
PISR_API pisr_status pisr_weights_builtin(const char* model, int scale, pisr_weights** weights);
/* A safetensors file; its path in UTF-8. Scale 0: what the file tells. */
PISR_API pisr_status pisr_weights_load(const char* path, int scale, pisr_weights** weights);
/* The same in memory. The bytes are not needed afterwards. */
PISR_API pisr_status pisr_weights_parse(const void* bytes, size_t count, int scale,
                                        pisr_weights** weights);
/* Of NULL these are 0, "" and 0. */
PISR_API int pisr_weights_scale(const pisr_weights* weights);
/* Its name in configurations; valid as long as the weights. */
PISR_API const char* pisr_weights_architecture(const pisr_weights* weights);
PISR_API int64_t pisr_weights_parameter_count(const pisr_weights* weights);
/* NULL is allowed. */
PISR_API void pisr_weights_free(pisr_weights* weights);

/** Zero is the default of each; see pisr::UpscalerOptions. struct_size = sizeof of this struct. */
typedef struct pisr_options {
  size_t struct_size;
  int32_t threads;       /* of each call; 0: all that the process may use */
  int32_t tile;          /* side of tiles in pixels; 0: as it takes least time */
  int64_t memory;        /* about how many bytes a call may take; 0: 96 MiB */
  int32_t self_ensemble; /* 1: the mean of eight results */
  const char* device;    /* "cpu", "cuda", "cuda:N", "auto"; NULL: "cpu" */
  /* Is told, in a line, why "auto" is the CPU; may be NULL. */
  void (*log)(void* user, const char* line);
  void* user; /* given to `log` */
} pisr_options;

/* `options` NULL: the defaults. */
PISR_API pisr_status pisr_upscaler_create(const pisr_weights* weights, const pisr_options* options,
                                          pisr_upscaler** upscaler);
PISR_API int pisr_upscaler_scale(const pisr_upscaler* upscaler);
/* Gives back memory and threads that calls have left for later ones. */
PISR_API void pisr_upscaler_trim(const pisr_upscaler* upscaler);
/* NULL is allowed. No other thread may use it any more. */
PISR_API void pisr_upscaler_free(pisr_upscaler* upscaler);

/** An image in memory of the caller. Sample c of the pixel in column x and row y lies
 * y * row_stride + x * pixel_stride + c * channel_stride bytes behind `samples`. Strides may be
 * negative; all three zero: rows of pixels without gaps. Integers are in the machine's byte order.
 * struct_size = sizeof of this struct. */
typedef struct pisr_image {
  size_t struct_size;
  void* samples;
  int32_t width;
  int32_t height;
  int32_t channels; /* 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha, not premultiplied */
  int32_t type;     /* a pisr_sample_type */
  int64_t row_stride;
  int64_t pixel_stride;
  int64_t channel_stride;
} pisr_image;

/** Of one call; both are called by the calling thread and may be NULL. struct_size = sizeof of this
 * struct. */
typedef struct pisr_callbacks {
  size_t struct_size;
  void (*progress)(void* user, int64_t rows_done, int64_t rows);
  int (*cancelled)(void* user); /* not 0: to stop */
  void* user;                   /* given to both */
} pisr_callbacks;

/* Enlarges `in` [height, width, channels] into `out` [height scale, width scale, channels] of the
 * same type; they must not overlap. The samples of `in` are only read. `callbacks` may be NULL. */
PISR_API pisr_status pisr_upscaler_run(const pisr_upscaler* upscaler, const pisr_image* in,
                                       const pisr_image* out, const pisr_callbacks* callbacks);

/* How much less chroma there is than luminance. */
typedef enum pisr_chroma {
  PISR_CHROMA_NONE = 0, /* grey: one plane */
  PISR_CHROMA_420 = 1,
  PISR_CHROMA_422 = 2,
  PISR_CHROMA_444 = 3
} pisr_chroma;

/* Where chroma samples lie among those of luminance. */
typedef enum pisr_chroma_siting {
  PISR_SITING_CENTRE = 0,  /* between two columns, and two rows */
  PISR_SITING_LEFT = 1,    /* on the left column, between two rows */
  PISR_SITING_TOP_LEFT = 2 /* on the left column and the upper row */
} pisr_chroma_siting;

/** A frame of video in memory of the caller: planes of luminance, Cb and Cr, whose rows lie
 * row_strides[plane] bytes apart and have no gaps. An odd side has half a sample of chroma more.
 * Samples are bytes where the depth is 8, otherwise uint16_t in the machine's byte order, whose
 * lower `depth` bits count. struct_size = sizeof of this struct. */
typedef struct pisr_frame {
  size_t struct_size;
  int32_t width;
  int32_t height;
  int32_t chroma;     /* a pisr_chroma */
  int32_t siting;     /* a pisr_chroma_siting */
  int32_t depth;      /* bits a sample, 8 to 16 */
  int32_t full_range; /* 0: luminance is 16 to 235 of 8 bits */
  void* planes[3];
  int64_t row_strides[3];
} pisr_frame;

/* Enlarges a frame: luminance by the network, chroma by bicubic interpolation that keeps its place.
 * `out` has the format of `in` and sides times the scale. The samples of `in` are only read. */
PISR_API pisr_status pisr_upscaler_run_frame(const pisr_upscaler* upscaler, const pisr_frame* in,
                                             const pisr_frame* out);

#ifdef __cplusplus
}
#endif

#endif
