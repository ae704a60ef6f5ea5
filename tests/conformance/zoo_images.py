"""Blocks of image networks, in miniature."""

from functools import partial
from typing import Any

from tests.conformance.lamina import Check, constant, functions, kinds
from tests.conformance.torch_sample import torch
from tests.conformance.zoo_twin import At, Twin

nn = torch.nn
F = torch.nn.functional


def _norm(channels: int) -> Any:
    return nn.BatchNorm2d(channels)


def resnet_basic() -> Check:
    """Two basic blocks, the second with stride 2 and a projection, then pool and classifier."""
    t = Twin()
    x = t.chain(t.input(2, 3, 17, 15), nn.Conv2d(3, 8, 7, 2, 3, bias=False), _norm(8), "Relu", nn.MaxPool2d(3, 2, 1))
    for inner, stride in ((8, 1), (12, 2)):
        conv = partial(nn.Conv2d, kernel_size=3, padding=1, bias=False)
        y = t.chain(x, conv(x.value.shape[1], inner, stride=stride), _norm(inner), "Relu")
        y = t.chain(y, conv(inner, inner), _norm(inner))
        if stride > 1:
            x = t.chain(x, nn.Conv2d(8, inner, 1, stride, bias=False), _norm(inner))
        x = t.function("Relu", t.add(y, x))
    x = t.chain(x, nn.AdaptiveAvgPool2d(1))
    x = t.reshape(x, 12)
    t.module(nn.Linear(12, 5), x)
    return t.check()


def resnext_bottleneck() -> Check:
    """A bottleneck with groups and one with dilation, as in segmentation."""
    t = Twin()
    x = t.input(2, 16, 9, 8)
    for groups, dilation in ((4, 1), (1, 2)):
        y = t.chain(x, nn.Conv2d(16, 8, 1, bias=False), _norm(8), "Relu")
        y = t.chain(y, nn.Conv2d(8, 8, 3, 1, dilation, dilation, groups, bias=False), _norm(8), "Relu")
        y = t.chain(y, nn.Conv2d(8, 16, 1, bias=False), _norm(16))
        x = t.function("Relu", t.add(y, x))
    return t.check()


def mobilenet_v2() -> Check:
    """Inverted residuals with ReLU6, stride 1 with the sum and stride 2 without."""
    t = Twin()
    x = t.input(2, 6, 11, 10)
    for out, stride in ((6, 1), (8, 2)):
        wide = 4 * x.value.shape[1]
        y = t.chain(x, nn.Conv2d(x.value.shape[1], wide, 1, bias=False), _norm(wide), "Relu6")
        y = t.chain(y, nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), _norm(wide), "Relu6")
        y = t.chain(y, nn.Conv2d(wide, out, 1, bias=False), _norm(out))
        x = t.add(x, y) if stride == 1 else y
    return t.check()


def mobilenet_v3() -> Check:
    """Squeeze and excite with hard functions, and the hard swish as Keras spells it: x * relu6(x + 3) * 1/6."""
    t = Twin()
    x = t.chain(t.input(2, 8, 9, 9), nn.Conv2d(8, 16, 1, bias=False), _norm(16), "HardSwish")
    y = t.chain(x, nn.AdaptiveAvgPool2d(1), nn.Conv2d(16, 4, 1), "Relu", nn.Conv2d(4, 16, 1), "HardSigmoid")
    x = t.times(x, y)
    gate = t.step(kinds.Add(constant=constant(3.0)), x.value + 3.0, x)
    gate = t.function("Relu6", gate)
    gate = t.step(kinds.Multiply(constant=constant(1 / 6)), gate.value * (1 / 6), gate)
    t.chain(t.times(gate, x), nn.Conv2d(16, 8, 1, bias=False), _norm(8))
    return t.check()


def efficientnet() -> Check:
    """An MBConv block with squeeze and excite by SiLU and sigmoid."""
    t = Twin()
    x = t.input(2, 6, 10, 9)
    y = t.chain(x, nn.Conv2d(6, 24, 1, bias=False), _norm(24), "Silu")
    y = t.chain(y, nn.Conv2d(24, 24, 5, 1, 2, groups=24, bias=False), _norm(24), "Silu")
    gate = t.chain(y, nn.AdaptiveAvgPool2d(1), nn.Conv2d(24, 2, 1), "Silu", nn.Conv2d(2, 24, 1), "Sigmoid")
    y = t.chain(t.times(y, gate), nn.Conv2d(24, 6, 1, bias=False), _norm(6))
    t.add(x, y)
    return t.check()


def convnext() -> Check:
    """Depthwise 7 x 7, LayerNorm and two Linears channels last, LayerScale, the sum."""
    t = Twin()
    x = t.input(2, 8, 9, 10)
    y = t.permute(t.module(nn.Conv2d(8, 8, 7, padding=3, groups=8), x), 2, 3, 1)
    y = t.chain(y, nn.LayerNorm(8, eps=1e-6), nn.Linear(8, 32), "Gelu", nn.Linear(32, 8))
    gamma = t.rng.standard_normal(8).astype("float32")
    y = t.step(kinds.LayerScale(axis=-1), y.value * torch.from_numpy(gamma), y, weights={"gamma": gamma})
    t.add(x, t.permute(y, 3, 1, 2))
    return t.check()


def densenet() -> Check:
    """Three dense layers, each over everything before it, and a transition."""
    t = Twin()
    found = [t.input(2, 6, 8, 10)]
    for _ in range(3):
        x = t.join(*found) if len(found) > 1 else found[0]
        width = x.value.shape[1]
        y = t.chain(x, _norm(width), "Relu", nn.Conv2d(width, 16, 1, bias=False), _norm(16), "Relu")
        found.append(t.module(nn.Conv2d(16, 4, 3, padding=1, bias=False), y))
    x = t.join(*found)
    t.chain(x, _norm(18), "Relu", nn.Conv2d(18, 9, 1, bias=False), nn.AvgPool2d(2, 2))
    return t.check()


def inception() -> Check:
    """Branches of 1 x 1, 1 x 7 and 7 x 1, 3 x 3 twice, and a pool that counts its padding."""
    t = Twin()
    x = t.input(2, 10, 9, 9)
    one = t.chain(x, nn.Conv2d(10, 4, 1, bias=False), _norm(4), "Relu")
    two = t.chain(
        x, nn.Conv2d(10, 3, 1), nn.Conv2d(3, 5, (1, 7), padding=(0, 3)), nn.Conv2d(5, 6, (7, 1), padding=(3, 0))
    )
    three = t.chain(x, nn.Conv2d(10, 4, 3, padding=1), "Relu", nn.Conv2d(4, 4, 3, padding=1), "Relu")
    four = t.chain(x, nn.AvgPool2d(3, 1, 1), nn.Conv2d(10, 2, 1))
    t.chain(t.join(one, two, three, four), nn.MaxPool2d(3, 2, ceil_mode=True))
    return t.check()


def shufflenet() -> Check:
    """Half of the channels go through, the others through a depthwise branch; joined and shuffled."""
    t = Twin()
    x = t.input(2, 12, 8, 7)
    halves = x.value.chunk(2, 1)
    split = t.net.add(kinds.Split(2, 1), x.name)
    one, two = (At(f"{split}:{i}", half) for i, half in enumerate(halves))
    y = t.chain(
        two, nn.Conv2d(6, 6, 1, bias=False), _norm(6), "Relu", nn.Conv2d(6, 6, 3, 1, 1, groups=6, bias=False), _norm(6)
    )
    y = t.chain(y, nn.Conv2d(6, 6, 1, bias=False), _norm(6), "Relu")
    joined = t.join(one, y)
    t.module(nn.ChannelShuffle(2), joined)
    # The same as torchvision writes it: two axes for the channels, which change places.
    apart = t.reshape(joined, 2, 6, 8, 7)
    t.reshape(t.permute(apart, 2, 1, 3, 4), 12, 8, 7)
    return t.check()


def unet() -> Check:
    """Down and up again over an odd height: the skip is padded to meet what was upsampled."""
    t = Twin()
    x = t.input(2, 3, 13, 12)
    skip = t.chain(x, nn.Conv2d(3, 8, 3, padding=1), "Relu")
    y = t.chain(skip, nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), "Relu", nn.ConvTranspose2d(16, 8, 2, 2))
    y = t.module(nn.ConstantPad2d((0, 0, 0, 1), 0.0), y)
    y = t.chain(t.join(skip, y), nn.Conv2d(16, 8, 3, padding=1), "Relu", nn.Conv2d(8, 2, 1))
    t.step(kinds.Activation(functions.Softmax(1)), y.value.softmax(1), y)
    return t.check()


def deeplab() -> Check:
    """Atrous pyramid: dilations, an image-wide branch that is stretched again, and bilinear upsampling."""
    t = Twin()
    x = t.input(2, 6, 9, 11)
    branches = [t.chain(x, nn.Conv2d(6, 4, 1, bias=False), _norm(4), "Relu")]
    branches += [t.chain(x, nn.Conv2d(6, 4, 3, 1, d, d, bias=False), _norm(4), "Relu") for d in (2, 3)]
    wide = t.chain(x, nn.AdaptiveAvgPool2d(1), nn.Conv2d(6, 4, 1, bias=False), _norm(4), "Relu")
    branches.append(t.module(nn.Upsample((9, 11), mode="bilinear", align_corners=False), wide))
    y = t.chain(t.join(*branches), nn.Conv2d(16, 3, 1), nn.Upsample(scale_factor=2, mode="bilinear"))
    t.step(kinds.ArgMax(1), y.value.argmax(1), y)
    return t.check()


def local_response() -> Check:
    """AlexNet's head of convolutions with responses normalised, and its classifier."""
    t = Twin()
    x = t.chain(t.input(2, 3, 31, 31), nn.Conv2d(3, 8, 11, 4, 2), "Relu", nn.LocalResponseNorm(5), nn.MaxPool2d(3, 2))
    x = t.chain(x, nn.Conv2d(8, 6, 5, padding=2), "Relu", nn.AdaptiveAvgPool2d((6, 6)))
    x = t.step(kinds.Flatten(), x.value.flatten(1), x)
    t.chain(x, nn.Dropout(), nn.Linear(216, 10), "Relu", nn.Linear(10, 4))
    return t.check()


def pixel_shuffle() -> Check:
    """Super-resolution: sub-pixel convolution beside a bicubic path."""
    t = Twin()
    x = t.input(2, 3, 6, 5)
    y = t.chain(x, nn.Conv2d(3, 8, 5, padding=2), "Relu", nn.Conv2d(8, 12, 3, padding=1), nn.PixelShuffle(2))
    t.add(y, t.module(nn.Upsample(scale_factor=2, mode="bicubic"), x))
    return t.check()


BLOCKS = (
    resnet_basic,
    resnext_bottleneck,
    mobilenet_v2,
    mobilenet_v3,
    efficientnet,
    convnext,
    densenet,
    inception,
    shufflenet,
    unet,
    deeplab,
    local_response,
    pixel_shuffle,
)
