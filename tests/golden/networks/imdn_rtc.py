"""IMDN-RTC: multi-distillation blocks without attention one after another, a 1x1 convolution, and the first added."""
import torch.nn.functional as F

from networks.imdn import multi_distillation


def forward(p, low, *, scale, feature_channels, blocks):
    first = x = p.conv("first", low, feature_channels, 3)
    for i in range(blocks):
        x = multi_distillation(p, f"blocks.{i}", x, attention=False)
    feature = p.conv("last", x, feature_channels, 1) + first
    return F.pixel_shuffle(p.conv("upsampling", feature, low.shape[1] * scale**2, 3), scale), feature


CASES = {"imdn_rtc": {"scale": 2, "channels": 3, "feature_channels": 6, "blocks": 2}}
