"""What the reference networks of tests/golden/networks are written with, in PyTorch alone."""
import functools
import math

import torch
import torch.nn.functional as F

from make_golden import Margin, counter_numbers

numbers = functools.lru_cache(maxsize=None)(counter_numbers)


class Parameters:
    """The parameters of one network, under the names of ours. Each is made where the forward pass first asks for it:
    weights and biases uniform in +-1/sqrt(fan_in), slopes in 0.15..0.35, as set_parameters of tests/golden.h does."""

    def __init__(self, prefix, dtype):
        self.prefix, self.dtype, self.values = prefix, dtype, {}

    def get(self, name, shape, low, high):
        if name not in self.values:
            value = numbers(self.prefix + name, tuple(shape), low, high)
            self.values[name] = value.to(self.dtype).clone().requires_grad_(True)
        return self.values[name]

    def filter(self, name, shape, fan_in, outputs, bias):
        """Weight and bias of a layer; no bias where it has none."""
        bound = 1 / math.sqrt(fan_in)
        weight = self.get(name + ".weight", shape, -bound, bound)
        return weight, self.get(name + ".bias", (outputs,), -bound, bound) if bias else None

    def conv(self, name, x, outputs, kernel, *, stride=1, padding=None, groups=1, bias=True, replicate=False):
        """Of the same size as x where no padding is given; the border around x is zero or, for `replicate`, repeated."""
        inputs = x.shape[1] // groups
        padding = kernel // 2 if padding is None else padding
        if replicate:
            x, padding = F.pad(x, (padding,) * 4, mode="replicate"), 0
        weight, offset = self.filter(name, (outputs, inputs, kernel, kernel), inputs * kernel**2, outputs, bias)
        return F.conv2d(x, weight, offset, stride=stride, padding=padding, groups=groups)

    def conv_transpose(self, name, x, outputs, kernel, *, stride, padding, output_padding=0, groups=1, bias=True):
        each = outputs // groups
        weight, offset = self.filter(name, (x.shape[1], each, kernel, kernel), each * kernel**2, outputs, bias)
        return F.conv_transpose2d(
            x, weight, offset, stride=stride, padding=padding, output_padding=output_padding, groups=groups
        )

    def prelu(self, name, x, slopes=1):
        """`name` is that of the layer before, whose parameters the slopes are among."""
        return F.prelu(Margin.see(x), self.get(name + ".slope", (slopes,), 0.15, 0.35))


def relu(x):
    return F.relu(Margin.see(x))


def leaky_relu(x, slope):
    return F.leaky_relu(Margin.see(x), slope)


def keys(x):
    """Keys' cubic kernel with a = -0.5."""
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def bicubic(x, scale):
    """MATLAB's imresize(x, scale, 'bicubic') for scale > 1, neither rounded nor clamped."""

    def matrix(size):
        result = torch.zeros(size * scale, size, dtype=torch.float64)
        for row in range(size * scale):
            centre = (row + 0.5) / scale - 0.5
            for column in range(math.floor(centre) - 1, math.floor(centre) + 3):
                mirrored = column % (2 * size)
                result[row, min(mirrored, 2 * size - 1 - mirrored)] += keys(centre - column)
        return result.to(x.dtype)

    return matrix(x.shape[2]) @ x @ matrix(x.shape[3]).T


def mean_colour(low, largest=1):
    """Of DIV2K, for an RGB image with values in 0..largest, as float32 has it; luminance has none."""
    colour = (0.4488, 0.4371, 0.4040) if low.shape[1] == 3 else (0,)
    return torch.tensor([largest * value for value in colour], dtype=torch.float32).to(low).view(1, -1, 1, 1)
