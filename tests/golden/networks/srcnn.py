"""SRCNN 9-k-5: three convolutions of the enlarged image."""
from reference import bicubic, relu


def forward(p, low, *, scale, feature_channels, mapping_channels, middle_kernel, replicate_padding=False):
    def conv(name, x, outputs, kernel):
        return p.conv(name, x, outputs, kernel, replicate=replicate_padding)

    x = relu(conv("extraction", bicubic(low, scale), feature_channels, 9))
    feature = relu(conv("mapping", x, mapping_channels, middle_kernel))
    return conv("reconstruction", feature, low.shape[1], 5), feature


SMALL = {"feature_channels": 8, "mapping_channels": 4}
CASES = {
    "srcnn": {"scale": 2, **SMALL, "middle_kernel": 1},
    "srcnn_replicate": {"scale": 3, **SMALL, "middle_kernel": 3, "replicate_padding": True},
    "srcnn_rgb": {"scale": 4, "channels": 3, **SMALL, "middle_kernel": 5},
}
