"""SRFBN: a feedback block whose result is its input in the next step. It works with values in 0..255."""
import torch
import torch.nn.functional as F

from reference import mean_colour


def forward(p, low, *, scale, feature_channels, groups, steps):
    width, kernel = feature_channels, scale + 4

    def point(name, parts, outputs=feature_channels):
        return p.prelu(name, p.conv(name, torch.cat(parts, 1), outputs, 1))

    def up(name, x):
        return p.prelu(name, p.conv_transpose(name, x, width, kernel, stride=scale, padding=2))

    def down(name, x):
        return p.prelu(name, p.conv(name, x, width, kernel, stride=scale, padding=2))

    def feedback(x, previous):
        lows, highs = [point("compress_in", [x, previous])], []
        for i in range(groups):
            highs.append(up(f"up.{i}", point(f"compress_up.{i - 1}", lows) if i else lows[0]))
            lows.append(down(f"down.{i}", point(f"compress_down.{i - 1}", highs) if i else highs[0]))
        return point("compress_out", lows[1:])

    colour = mean_colour(low, 255)
    shifted = 255 * low - colour
    x = p.prelu("entry", p.conv("entry", shifted, 4 * width, 3))
    x = state = point("narrow", [x])
    for _ in range(steps):
        state = feedback(x, state)
    enlarged = F.interpolate(shifted, scale_factor=scale, mode="bilinear", align_corners=False)
    return (p.conv("exit", up("enlarge", state), low.shape[1], 3) + enlarged + colour) / 255, state


CASES = {
    "srfbn": {"scale": 2, "channels": 3, "feature_channels": 4, "groups": 2, "steps": 2},
    "srfbn_luminance": {"scale": 3, "channels": 1, "feature_channels": 4, "groups": 3, "steps": 2},
}
