"""Super-resolution of images by tiny networks, on the CPU.

>>> import numpy, pisr
>>> pisr.upscale(numpy.zeros((20, 30, 3), numpy.uint8), scale=2).shape
(40, 60, 3)
"""

import functools
import os

from ._pisr import Error, Upscaler, Weights, __version__

__all__ = ["Error", "Upscaler", "Weights", "load", "upscale", "__version__"]


@functools.lru_cache(maxsize=8)
def _builtin(scale, model, threads):
    return Upscaler(Weights.builtin(scale, model), threads=threads)


def upscale(image, scale=2, *, model="", threads=0):
    """Enlarges an image by weights of the package.

    image: array [h, w] or [h, w, c] with c = 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB and
    alpha), of uint8, uint16 or float32 on 0..1.
    scale: 2, 3 or 4. model: the name of other weights (Weights.builtin_names()) without "_x2".

    Returns a new array of the same type, its sides times the scale. Raises TypeError or ValueError
    for other arrays and scales, Error where a value is not finite.
    """
    return _builtin(scale, model, threads)(image)


def load(path, scale=0, *, threads=0):
    """Weights of a safetensors file, ready to enlarge arrays: load(path)(image).

    scale: needed where the file does not tell its own. Raises Error for a file that cannot be used.
    """
    return Upscaler(Weights.load(os.fspath(path), scale), threads=threads)
