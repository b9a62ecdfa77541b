"""DRRN: residual units of two convolutions that all share their weights, on the enlarged image. Batch normalisation
is folded away, ReLU comes before each convolution."""
from reference import bicubic, relu


def forward(p, low, *, scale, feature_channels, units):
    enlarged = bicubic(low, scale)
    x = first = relu(p.conv("first", relu(enlarged), feature_channels, 3, bias=False))
    for _ in range(units):
        inner = p.conv("unit.0", relu(x), feature_channels, 3, bias=False)
        x = p.conv("unit.1", relu(inner), feature_channels, 3, bias=False) + first
    x = relu(x)
    return p.conv("last", x, low.shape[1], 3, bias=False) + enlarged, x


CASES = {"drrn": {"scale": 2, "feature_channels": 8, "units": 3}}
