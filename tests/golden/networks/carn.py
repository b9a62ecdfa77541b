"""CARN and CARN-M: residual blocks cascade within blocks, and these within the network. Behind each, a 1x1 convolution
reads all results before it."""
import torch
import torch.nn.functional as F

from reference import mean_colour, relu


def forward(p, low, *, scale, feature_channels, blocks, mobile):
    width, groups = feature_channels, 4 if mobile else 1

    def residual(name, x):
        y = p.conv(name + ".1", relu(p.conv(name + ".0", x, width, 3, groups=groups)), width, 3, groups=groups)
        return relu(x + (p.conv(name + ".2", relu(y), width, 1) if mobile else y))

    def cascade(name, x, step):
        everything = [x]
        for i in range(blocks):
            everything.append(step(i, x))
            x = relu(p.conv(f"{name}compress.{i}", torch.cat(everything, 1), width, 1))
        return x

    def block(i, x):
        return cascade(f"blocks.{i}.", x, lambda j, y: residual(f"blocks.{i}.residual.{0 if mobile else j}", y))

    colour = mean_colour(low)
    feature = cascade("", p.conv("entry", low - colour, width, 3), block)
    x = feature
    for i, factor in enumerate([2, 2] if scale == 4 else [scale]):
        x = relu(p.conv(f"upsampling.{i}", x, width * factor**2, 3, groups=groups))
        x = F.pixel_shuffle(x, factor)
    return p.conv("exit", x, low.shape[1], 3) + colour, feature


CASES = {
    "carn": {"scale": 4, "channels": 3, "feature_channels": 4, "blocks": 2, "mobile": False},
    "carn_luminance": {"scale": 3, "channels": 1, "feature_channels": 4, "blocks": 2, "mobile": False},
    "carn_mobile": {"scale": 2, "channels": 3, "feature_channels": 8, "blocks": 2, "mobile": True},
}
