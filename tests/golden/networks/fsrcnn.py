"""FSRCNN(d, s, m): PISR's student."""


def forward(p, low, *, scale, feature_channels, shrink_channels, mapping_layers, slope_per_channel):
    def layer(name, x, outputs, kernel):
        return p.prelu(name, p.conv(name, x, outputs, kernel), outputs if slope_per_channel else 1)

    x = layer("shrink", layer("feature", low, feature_channels, 5), shrink_channels, 1)
    for i in range(mapping_layers):
        x = layer(f"mapping.{i}", x, shrink_channels, 3)
    feature = layer("expand", x, feature_channels, 1)
    image = p.conv_transpose(
        "deconvolution", feature, low.shape[1], 9, stride=scale, padding=4, output_padding=scale - 1
    )
    return image, feature


CASES = {
    "fsrcnn": {"scale": 2, "feature_channels": 8, "shrink_channels": 4, "mapping_layers": 2,
               "slope_per_channel": False},
    "fsrcnn_slope_per_channel": {"scale": 4, "feature_channels": 8, "shrink_channels": 4, "mapping_layers": 2,
                                 "slope_per_channel": True},
}
