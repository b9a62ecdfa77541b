"""MemNet: blocks of a residual unit that is applied again and again, each behind a gate over all memories. ReLU comes
before every convolution; batch normalisation and biases are left out."""
import torch

from reference import bicubic, relu


def forward(p, low, *, scale, feature_channels, memory_blocks, units):
    def conv(name, x, outputs, kernel):
        return p.conv(name, relu(x), outputs, kernel, bias=False)

    enlarged = bicubic(low, scale)
    long_term = [conv("first", enlarged, feature_channels, 3)]
    for block in range(memory_blocks):
        short_term = [long_term[-1]]
        for _ in range(units):
            inner = conv(f"blocks.{block}.unit.0", short_term[-1], feature_channels, 3)
            short_term.append(short_term[-1] + conv(f"blocks.{block}.unit.1", inner, feature_channels, 3))
        long_term.append(conv(f"blocks.{block}.gate", torch.cat(long_term + short_term[1:], 1), feature_channels, 1))
    feature = relu(long_term[-1])
    return p.conv("last", feature, 1, 3, bias=False) + enlarged, feature


CASES = {"memnet": {"scale": 3, "feature_channels": 8, "memory_blocks": 2, "units": 3}}
