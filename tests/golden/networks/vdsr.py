"""VDSR: 3x3 convolutions on the enlarged image, ReLU after all but the last; the image is added."""
from reference import bicubic, relu


def forward(p, low, *, scale, feature_channels, layers, bias):
    x = enlarged = bicubic(low, scale)
    for layer in range(layers - 1):
        name = "first" if layer == 0 else f"body.{layer - 1}"
        x = relu(p.conv(name, x, feature_channels, 3, bias=bias))
    return p.conv("last", x, low.shape[1], 3, bias=bias) + enlarged, x


CASES = {
    "vdsr": {"scale": 2, "feature_channels": 8, "layers": 5, "bias": True},
    "vdsr_without_bias": {"scale": 3, "feature_channels": 8, "layers": 4, "bias": False},
}
