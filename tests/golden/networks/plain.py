"""Plain: 3x3 convolutions with PReLU a channel, a shortcut around them, pixel shuffle of what is added to the
repeated pixels of the image. Expanded, each convolution is two in a row, and those of the body add what they read."""
import math

import torch
import torch.nn.functional as F


def expanded_convolution(p, name, x, outputs, channels):
    uniform = lambda end, shape, fan_in: p.get(f"{name}.{end}", shape, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))
    wide = F.conv2d(x, uniform("expansion", (channels, x.shape[1], 3, 3), 9 * x.shape[1]), padding=1)
    projection = uniform("projection", (outputs, channels, 1, 1), channels)
    y = F.conv2d(wide, projection, uniform("bias", (outputs,), channels))
    return y + x if name.startswith("body") else y


def forward(p, low, *, scale, feature_channels, layers, expanded_channels=0):
    def conv(name, x, outputs):
        if expanded_channels > 0:
            return expanded_convolution(p, name, x, outputs, expanded_channels)
        return p.conv(name, x, outputs, 3)

    layer = lambda name, x: p.prelu(name, conv(name, x, feature_channels), feature_channels)
    x = first = layer("head", low)
    for i in range(layers):
        x = layer(f"body.{i}", x)
    feature = x + first
    phases = conv("tail", feature, scale * scale) + torch.cat([low] * scale**2, 1)
    return F.pixel_shuffle(phases, scale), feature


CASES = {
    "plain": {"scale": 3, "feature_channels": 6, "layers": 2},
    "plain_expanded": {"scale": 3, "feature_channels": 6, "layers": 2, "expanded_channels": 10},
}
