"""IMDN: multi-distillation blocks with contrast-aware channel attention, all joined by a 1x1 convolution."""
import torch
import torch.nn.functional as F

from reference import leaky_relu, relu


def multi_distillation(p, name, x, attention):
    """LeakyReLU 0.05 behind all convolutions of 3x3 but the last; a quarter of the channels leaves after each."""
    width = x.shape[1]
    quarter = width // 4
    kept, y = [], x
    for i in range(3):
        y = leaky_relu(p.conv(f"{name}.distil.{i}", y, width, 3), 0.05)
        kept.append(y[:, :quarter])
        y = y[:, quarter:]
    y = torch.cat(kept + [p.conv(f"{name}.distil.3", y, quarter, 3)], 1)
    if attention:
        pixels = y.flatten(2)
        contrast = pixels.mean(2) + pixels.var(2, unbiased=False).sqrt()
        squeezed = p.conv(f"{name}.attention.0", contrast[:, :, None, None], max(1, y.shape[1] // 16), 1)
        y = y * torch.sigmoid(p.conv(f"{name}.attention.1", relu(squeezed), y.shape[1], 1))
    return x + p.conv(f"{name}.compress", y, width, 1)


def forward(p, low, *, scale, feature_channels, blocks):
    first = p.conv("first", low, feature_channels, 3)
    results, x = [], first
    for i in range(blocks):
        x = multi_distillation(p, f"blocks.{i}", x, attention=True)
        results.append(x)
    joined = leaky_relu(p.conv("join", torch.cat(results, 1), feature_channels, 1), 0.05)
    feature = first + p.conv("last", joined, feature_channels, 3)
    return F.pixel_shuffle(p.conv("upsampling", feature, low.shape[1] * scale**2, 3), scale), feature


CASES = {"imdn": {"scale": 3, "channels": 3, "feature_channels": 8, "blocks": 2}}
