# mypy: ignore-errors
"""The presets written for PyTorch from our own definitions, layer by layer: the yardstick's half.

Only `engine.bench.torch_rival` and its test import this, where PyTorch happens to be installed; it
is no dependency. Tensors are [N, C, H, W], laid out channels last. Pixels that become channels are
in PyTorch's own order, so `load` puts the weights of such layers in that order.
"""

from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from engine.nets.blocks import EPSILON, SLOPE
from engine.nets.residual import ResidualConfig


class Conv(nn.Conv2d):
    """A convolution with padding SAME at stride 1.

    spread, packed: its answer is spread to so many pixels along each side, or what it is given was
    packed from so many.
    """

    def __init__(self, c_in, c_out, side, *, spread=1, packed=1, stride=1, padding=None):
        padding = side // 2 if padding is None else padding
        super().__init__(c_in, c_out, side, stride=stride, padding=padding)
        self.spread, self.packed = spread, packed


class Norm(nn.Module):
    """`engine.nets.blocks.Norm`."""

    def __init__(self, c):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(c))

    def forward(self, x):
        wide = x.float()
        size = torch.rsqrt(wide.square().mean(dim=1, keepdim=True) + EPSILON)
        return (wide * size * self.scale[:, None, None]).to(x.dtype)


class ResidualBlock(nn.Module):
    """`engine.nets.blocks.ResidualBlock`."""

    def __init__(self, c):
        super().__init__()
        self.norm, self.conv1, self.conv2 = Norm(c), Conv(c, c, 3), Conv(c, c, 3)

    def forward(self, x):
        return x + self.conv2(F.silu(self.conv1(F.silu(self.norm(x)))))


class Down(nn.Module):
    """`engine.nets.blocks.Down`; its dense layer of 2 x 2 pixels is a strided convolution here."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.dense = Conv(c_in, c_out, 2, stride=2, padding=0)

    def forward(self, x):
        return self.dense(F.leaky_relu(x, SLOPE))


class Up(nn.Module):
    """`engine.nets.blocks.Up`; its dense layer is a 1 x 1 convolution here."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.dense = Conv(c_in, 4 * c_out, 1, spread=2)

    def forward(self, x):
        return F.pixel_shuffle(self.dense(F.leaky_relu(x, SLOPE)), 2)


class Stage(nn.Module):
    """`engine.nets.residual.Stage`."""

    def __init__(self, enter, channels, blocks):
        super().__init__()
        self.enter = enter
        self.blocks = nn.ModuleList(ResidualBlock(channels) for _ in range(blocks))

    def forward(self, x):
        if self.enter is not None:
            x = self.enter(x)
        for block in self.blocks:
            x = block(x)
        return x


def _stages(plan, change):
    before, stages = plan[0][0], []
    for number, (channels, blocks) in enumerate(plan):
        stages.append(Stage(change(before, channels) if number else None, channels, blocks))
        before = channels
    return nn.ModuleList(stages)


class Features(nn.Module):
    """`engine.nets.residual.Features`."""

    def __init__(self, config: ResidualConfig):
        super().__init__()
        self.patch = config.patch
        self.stem = Conv(3 * config.patch**2, config.encoder[0][0], 3, packed=config.patch)
        self.stages = _stages(config.encoder, Down)
        self.norm = Norm(config.encoder[-1][0])

    def forward(self, x):
        x = self.stem(F.pixel_unshuffle(x - 0.5, self.patch))
        for stage in self.stages:
            x = stage(x)
        return F.silu(self.norm(x))


class Squeeze(nn.Module):
    """`engine.nets.residual.Squeeze`."""

    def __init__(self, config: ResidualConfig):
        super().__init__()
        self.dense = nn.Linear(config.base**2 * config.encoder[-1][0], config.code)

    def forward(self, x):
        return self.dense(_flat(x))


class Unfold(nn.Module):
    """`engine.nets.residual.Unfold`."""

    def __init__(self, config: ResidualConfig, channels):
        super().__init__()
        self.shape = (config.base, config.base, channels)
        self.dense = nn.Linear(config.code, config.base**2 * channels)

    def forward(self, x):
        return _square(self.dense(x), self.shape)


class Painter(nn.Module):
    """`engine.nets.residual.Painter`."""

    def __init__(self, config: ResidualConfig):
        super().__init__()
        self.stages = _stages(config.decoder, Up)
        last = config.decoder[-1][0]
        self.norm, self.out = Norm(last), Conv(last, 16, 3, spread=2)

    def forward(self, x):
        for stage in self.stages:
            x = stage(x)
        answer = torch.sigmoid(F.pixel_shuffle(self.out(F.silu(self.norm(x))).float(), 2))
        return answer[:, :3], answer[:, 3:]


class ResidualEncoder(nn.Module):
    """`engine.nets.residual.ResidualEncoder`."""

    def __init__(self, config: ResidualConfig):
        super().__init__()
        self.features, self.squeeze = Features(config), Squeeze(config)

    def forward(self, x):
        return self.squeeze(self.features(x))


class ResidualDecoder(nn.Module):
    """`engine.nets.residual.ResidualDecoder`."""

    def __init__(self, config: ResidualConfig):
        super().__init__()
        self.unfold, self.painter = Unfold(config, config.decoder[0][0]), Painter(config)

    def forward(self, code):
        return self.painter(self.unfold(code))


class Upscale(nn.Module):
    """`engine.nets.classic.Upscale`."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.conv = Conv(c_in, 4 * c_out, 3, spread=2)

    def forward(self, x):
        return F.pixel_shuffle(F.leaky_relu(self.conv(x), SLOPE), 2)


class ClassicEncoder(nn.Module):
    """`engine.nets.classic.ClassicEncoder`."""

    def __init__(self):
        super().__init__()
        widths = (3, 128, 256, 512, 1024)
        self.down = nn.ModuleList(Conv(a, b, 5, stride=2, padding=0) for a, b in pairwise(widths))
        self.squeeze, self.spread = nn.Linear(16384, 1024), nn.Linear(1024, 16384)
        self.up = Upscale(1024, 512)

    def forward(self, x):
        for conv in self.down:
            x = F.leaky_relu(conv(F.pad(x, (1, 2, 1, 2))), SLOPE)  # SAME at stride 2
        return self.up(_square(self.spread(self.squeeze(_flat(x))), (4, 4, 1024)))


class ClassicDecoder(nn.Module):
    """`engine.nets.classic.ClassicDecoder`."""

    def __init__(self):
        super().__init__()
        widths = (512, 256, 128, 64)
        self.up = nn.ModuleList(Upscale(a, b) for a, b in pairwise(widths))
        self.out = Conv(64, 3, 5)

    def forward(self, x):
        for up in self.up:
            x = up(x)
        return torch.sigmoid(self.out(x).float()), None


class Model(nn.Module):
    """A df model of two people; its networks have the names of our parameters."""

    def __init__(self, encoder, source, target):
        super().__init__()
        self.encoder, self.source, self.target = encoder, source, target


def model_of(plan: ResidualConfig | None) -> Model:
    """A model by a residual plan; the classic one for None."""
    if plan is None:
        return Model(ClassicEncoder(), ClassicDecoder(), ClassicDecoder())
    return Model(ResidualEncoder(plan), ResidualDecoder(plan), ResidualDecoder(plan))


@torch.no_grad()
def load(model: nn.Module, params: dict) -> None:
    """Copy our parameters into the model. params: nested dictionaries of arrays, by the names of
    the layers. Raises ValueError where a shape or a layer does not fit."""
    left = dict(model.named_parameters())
    for path, leaf in _leaves(params):
        layer = model.get_submodule(".".join(path[:-1]))
        name = "weight" if path[-1] == "kernel" else path[-1]
        array = _ordered(np.asarray(leaf, np.float32), layer, name)
        wanted = left.pop(".".join((*path[:-1], name)))
        if wanted.shape != array.shape:
            raise ValueError(f"{'.'.join(path)} is {array.shape}, and not {tuple(wanted.shape)}.")
        wanted.copy_(torch.from_numpy(np.ascontiguousarray(array)))
    if left:
        raise ValueError(f"{sorted(left)} are not in the parameters.")


def _leaves(tree, path=()):
    for name, part in tree.items():
        if isinstance(part, dict):
            yield from _leaves(part, (*path, str(name)))
        else:
            yield (*path, str(name)), part


def _ordered(array, layer, name):
    """An array of ours as the layer keeps it."""
    if isinstance(layer, nn.Linear):
        return array.T if name == "weight" else array
    if not isinstance(layer, Conv):
        return array
    if name == "weight":
        array = array.reshape(*layer.kernel_size, -1, array.shape[-1])  # of a dense layer, too
        array = _spread_first(array, layer.packed, axis=2)
    array = _spread_first(array, layer.spread, axis=-1)
    return array.transpose(3, 2, 0, 1) if name == "weight" else array


def _spread_first(array, side, axis):
    """An axis whose numbers of one pixel lie together, with those of one channel together."""
    array = np.moveaxis(array, axis, -1)
    lead = array.shape[:-1]
    array = array.reshape(*lead, side * side, -1).swapaxes(-1, -2).reshape(*lead, -1)
    return np.moveaxis(array, -1, axis)


def _flat(x):
    return x.permute(0, 2, 3, 1).flatten(1)


def _square(x, shape):
    return x.view(-1, *shape).permute(0, 3, 1, 2)
