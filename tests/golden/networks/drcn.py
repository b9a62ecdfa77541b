"""DRCN as the paper runs it: an image of every recursion, then their weighted mean. There is no activation between the
two convolutions that make an image."""
import torch

from reference import bicubic, relu


def forward(p, low, *, scale, feature_channels, recursions):
    c = feature_channels
    enlarged = bicubic(low, scale)
    shares = p.get("shares", (recursions,), 0.15, 0.35)
    x = relu(p.conv("embed.1", relu(p.conv("embed.0", enlarged, c, 3)), c, 3))
    feature, image = 0, enlarged
    for share in shares / shares.sum():
        x = relu(p.conv("recursion", x, c, 3))
        inner = p.conv("reconstruct.0", x, c, 3)
        image = image + share * p.conv("reconstruct.1", torch.cat([inner, enlarged], 1), 1, 3)
        feature = feature + share * inner
    return image, feature


CASES = {"drcn": {"scale": 2, "feature_channels": 8, "recursions": 3}}
