"""IDN: blocks of six convolutions, LeakyReLU 0.05 after each. After the third, 16 channels leave for the block's end,
where they and the block's input are added. The deconvolution's image lies at the right and bottom, zeros elsewhere."""
import torch
import torch.nn.functional as F

from reference import bicubic, leaky_relu


def forward(p, low, *, scale, blocks):
    layer = lambda name, x, outputs, groups=1, kernel=3: leaky_relu(p.conv(name, x, outputs, kernel, groups=groups), 0.05)
    x = layer("second", layer("first", low, 64), 64)
    for i in range(blocks):
        enhance = lambda j, y, outputs, groups=1: layer(f"blocks.{i}.enhance.{j}", y, outputs, groups)
        y = enhance(2, enhance(1, enhance(0, x, 48), 32, 4), 64)
        kept, passed_on = y[:, :16], y[:, 16:]
        y = enhance(5, enhance(4, enhance(3, passed_on, 64), 48, 4), 80)
        x = layer(f"blocks.{i}.compress", torch.cat([x, kept], 1) + y, 64, kernel=1)
    added = p.conv_transpose("deconvolution", x, low.shape[1], 17, stride=scale, padding=8)
    border = scale - 1
    return F.pad(added, (border, 0, border, 0)) + bicubic(low, scale), x


CASES = {"idn": {"scale": 3, "blocks": 1}}
