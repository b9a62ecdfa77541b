"""Plain: 3x3 convolutions with PReLU a channel, a shortcut around them, pixel shuffle of what is added to the
repeated pixels of the image."""
import torch
import torch.nn.functional as F


def forward(p, low, *, scale, feature_channels, layers):
    layer = lambda name, x: p.prelu(name, p.conv(name, x, feature_channels, 3), feature_channels)
    x = first = layer("head", low)
    for i in range(layers):
        x = layer(f"body.{i}", x)
    feature = x + first
    phases = p.conv("tail", feature, scale * scale, 3) + torch.cat([low] * scale**2, 1)
    return F.pixel_shuffle(phases, scale), feature


CASES = {"plain": {"scale": 3, "feature_channels": 6, "layers": 2}}
