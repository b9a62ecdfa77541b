"""FSRCNN(d, s, m): PISR's student, and the variants that published weights have."""
import torch.nn.functional as F


def sub_pixels(p, x, channels, scale):
    """A 1x1 convolution to scale^2 values a pixel, which become a block of pixels, and one bias a channel."""
    d = x.shape[1]
    weight, bias = p.filter("deconvolution", (d, channels, scale, scale), d, channels, True)
    flat = weight.permute(1, 2, 3, 0).reshape(channels * scale**2, d, 1, 1)
    return F.pixel_shuffle(F.conv2d(x, flat), scale) + bias.reshape(1, channels, 1, 1)


def deconvolution(p, x, channels, scale, padding):
    """What is left of the full output after `padding` rows and columns, to the size of the image."""
    full = p.conv_transpose("deconvolution", x, channels, 9, stride=scale, padding=0)
    height, width = x.shape[2] * scale, x.shape[3] * scale
    return full[:, :, padding : padding + height, padding : padding + width]


def forward(p, low, *, scale, feature_channels, shrink_channels, mapping_layers, slope_per_channel=False,
            replicate_padding=False, deconvolution_padding=4, depth_to_space=False):
    def layer(name, x, outputs, kernel):
        return p.prelu(name, p.conv(name, x, outputs, kernel, replicate=replicate_padding),
                       outputs if slope_per_channel else 1)

    x = layer("shrink", layer("feature", low, feature_channels, 5), shrink_channels, 1)
    for i in range(mapping_layers):
        x = layer(f"mapping.{i}", x, shrink_channels, 3)
    feature = layer("expand", x, feature_channels, 1)
    if depth_to_space:
        return sub_pixels(p, feature, low.shape[1], scale), feature
    return deconvolution(p, feature, low.shape[1], scale, deconvolution_padding), feature


SMALL = {"feature_channels": 8, "shrink_channels": 4, "mapping_layers": 2}
CASES = {
    "fsrcnn": {"scale": 2, **SMALL},
    "fsrcnn_slope_per_channel": {"scale": 4, **SMALL, "slope_per_channel": True},
    "fsrcnn_rgb": {"scale": 3, "channels": 3, **SMALL},
    "fsrcnn_replicate": {"scale": 3, **SMALL, "replicate_padding": True, "deconvolution_padding": 3},
    "fsrcnn_padding_3_x2": {"scale": 2, "channels": 3, **SMALL, "deconvolution_padding": 3},
    "fsrcnn_padding_3_x4": {"scale": 4, **SMALL, "deconvolution_padding": 3},
    "fsrcnn_depth_to_space": {"scale": 3, "channels": 3, **SMALL, "depth_to_space": True},
}
