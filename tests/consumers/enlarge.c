/* Enlarges a small picture, a frame and floating point by the C interface, and prints a checksum of the
 * results: the same for every way to link the library. */
#include <pisr/pisr.h>
#include <pisr/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 37
#define HEIGHT 23

static void must(int holds, const char* what) {
  if (!holds) {
    fprintf(stderr, "enlarge: %s: %s (%s)\n", what, pisr_last_error(), pisr_last_hint());
    exit(1);
  }
}

static uint32_t checksum(const unsigned char* bytes, size_t count) { /* FNV-1a */
  uint32_t sum = 2166136261u;
  size_t i;
  for (i = 0; i < count; ++i) {
    sum = (sum ^ bytes[i]) * 16777619u;
  }
  return sum;
}

static void count_calls(void* user, int64_t done, int64_t rows) {
  *(int*)user += done <= rows;
}

static int stop(void* user) {
  (void)user;
  return 1;
}

int main(void) {
  static unsigned char low[HEIGHT][WIDTH][3], high[2 * HEIGHT][2 * WIDTH][3];
  pisr_weights* weights = NULL;
  pisr_upscaler* upscaler = NULL;
  pisr_options options = {sizeof(options), 2, 0, 0, 0, NULL, NULL, NULL};
  pisr_image in = {sizeof(in), NULL, WIDTH, HEIGHT, 3, PISR_UINT8, 0, 0, 0};
  pisr_image out = {sizeof(out), NULL, 2 * WIDTH, 2 * HEIGHT, 3, PISR_UINT8, 0, 0, 0};
  pisr_callbacks callbacks = {sizeof(callbacks), count_calls, NULL, NULL};
  int calls = 0;
  int x, y, c;

  must(strcmp(pisr_last_error(), "") == 0, "an error before the first call");
  must(pisr_weights_builtin("none", 2, &weights) == PISR_ERROR_WEIGHTS, "weights that are not there");
  must(weights == NULL && strlen(pisr_last_error()) > 0, "no error text");
  must(pisr_weights_builtin(NULL, 2, NULL) == PISR_ERROR_USAGE, "no place for the result");
  must(pisr_weights_load(NULL, 0, &weights) == PISR_ERROR_USAGE, "no path");
  must(pisr_weights_builtin(NULL, 2, &weights) == PISR_OK, "pisr_weights_builtin");
  must(pisr_weights_scale(weights) == 2 && pisr_weights_parameter_count(weights) > 0, "weights");
  must(pisr_upscaler_create(weights, &options, &upscaler) == PISR_OK, "pisr_upscaler_create");
  pisr_weights_free(weights);

  for (y = 0; y < HEIGHT; ++y) {
    for (x = 0; x < WIDTH; ++x) {
      for (c = 0; c < 3; ++c) {
        low[y][x][c] = (unsigned char)((x * (c + 3) + y * y) % 256);
      }
    }
  }
  in.samples = low;
  out.samples = high;
  callbacks.user = &calls;
  must(pisr_upscaler_run(upscaler, &in, &out, &callbacks) == PISR_OK, "pisr_upscaler_run");
  must(calls > 0, "no progress");
  callbacks.progress = NULL;
  callbacks.cancelled = stop;
  must(pisr_upscaler_run(upscaler, &in, &out, &callbacks) == PISR_CANCELLED, "it was not cancelled");
  out.width = 5;
  must(pisr_upscaler_run(upscaler, &in, &out, NULL) == PISR_ERROR_USAGE, "a view that does not fit");
  out.width = 2 * WIDTH;
  in.struct_size = 3;
  must(pisr_upscaler_run(upscaler, &in, &out, NULL) == PISR_ERROR_USAGE, "struct_size");
  in.struct_size = sizeof(in);
  must(pisr_upscaler_run(upscaler, &in, &out, NULL) == PISR_OK, "pisr_upscaler_run");
  printf("%s %08x", pisr_version(), (unsigned)checksum(&high[0][0][0], sizeof(high)));

  { /* the red channel as a frame of video */
    static unsigned char plane[HEIGHT * WIDTH], large[4 * HEIGHT * WIDTH];
    pisr_frame from = {sizeof(from), WIDTH, HEIGHT, PISR_CHROMA_NONE, PISR_SITING_LEFT, 8, 1,
                       {NULL, NULL, NULL}, {WIDTH, 0, 0}};
    pisr_frame to = from;
    for (y = 0; y < HEIGHT * WIDTH; ++y) {
      plane[y] = (&low[0][0][0])[3 * y];
    }
    from.planes[0] = plane;
    to.width = 2 * WIDTH;
    to.height = 2 * HEIGHT;
    to.planes[0] = large;
    to.row_strides[0] = 2 * WIDTH;
    must(pisr_upscaler_run_frame(upscaler, &from, &to) == PISR_OK, "pisr_upscaler_run_frame");
    from.chroma = 9;
    must(pisr_upscaler_run_frame(upscaler, &from, &to) == PISR_ERROR_USAGE, "chroma 9");
    printf(" %08x\n", (unsigned)checksum(large, sizeof(large)));
  }
  pisr_upscaler_trim(upscaler);
  pisr_upscaler_free(upscaler);
  pisr_upscaler_free(NULL);
  pisr_weights_free(NULL);
  must(pisr_weights_scale(NULL) == 0 && pisr_upscaler_scale(NULL) == 0, "NULL");
  return 0;
}
