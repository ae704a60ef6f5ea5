"""Layers that do something in training only: at inference the identity, each with the name that Keras gives it."""

from collections.abc import Sequence
from dataclasses import dataclass

from lamina_server.errors import LayerError
from lamina_server.layers.base import Example, Inference, Kind, Sdk, option, require_rank, unchanged
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.tensors import ANY, SPATIAL, Layout, Spec, names, spatial_roles

_RATE = "fraction dropped in training; no effect at inference"


class _Still(Kind):
    """What all of them share."""

    takes = ANY

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(*(0.3,) * len(cls.__dataclass_fields__)), ((7, 5),)),)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        return unchanged(inputs[0], self.title, how="the identity at inference")

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        return inputs


@dataclass(frozen=True)
class Identity(_Still):
    """Changes nothing: neither shape nor numbers, in training or at inference."""

    sdk = (Sdk("Identity"),)
    in_torch = ("nn.Identity",)


@dataclass(frozen=True)
class SpatialDropout(_Still):
    """Drops whole channels in training; at inference the identity, so that neither shape nor numbers change."""

    rate: float = option(_RATE, minimum=0, maximum=1)
    data_format: Layout | None = option("where the channel axis stands; no effect at inference", None)
    rank: int | None = option(
        "number of spatial axes there must be; as many as there are where not given", None, minimum=1, maximum=3
    )

    sdk = (Sdk("SpatialDropout1D", 1), Sdk("SpatialDropout2D", 2), Sdk("SpatialDropout3D", 3))
    in_torch = ("nn.Dropout1d", "nn.Dropout2d", "nn.Dropout3d")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(0.3, rank=1), ((7, 5),)),
            Example(cls(0.3), ((5, 4, 3),), Layout.CHANNELS_FIRST),
        )

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        rank = self.rank or x.rank - 2
        if rank not in SPATIAL:
            wanted = " or ".join(names(spatial_roles(n, layout)) for n in SPATIAL)
            raise LayerError("RANK_MISMATCH", f"needs {wanted}. It gets {x}", expected_rank=3, got_rank=x.rank)
        require_rank(x, spatial_roles(rank, self.data_format or layout))
        return unchanged(x, f"SpatialDropout{rank}D", how="the identity at inference")


@dataclass(frozen=True)
class GaussianDropout(_Still):
    """Multiplies by noise around 1 in training; at inference the identity, so that neither shape nor numbers change."""

    rate: float = option(
        "fraction that a Dropout of like strength would drop; no effect at inference", minimum=0, maximum=1
    )

    sdk = (Sdk("GaussianDropout"),)


@dataclass(frozen=True)
class GaussianNoise(_Still):
    """Adds noise around 0 in training; at inference the identity, so that neither shape nor numbers change."""

    stddev: float = option("standard deviation of the noise; no effect at inference", minimum=0, maximum=1)

    sdk = (Sdk("GaussianNoise"),)


@dataclass(frozen=True)
class AlphaDropout(_Still):
    """Drops values in training so that mean and variance stay; at inference the identity."""

    rate: float = option(_RATE, minimum=0, maximum=1)

    sdk = (Sdk("AlphaDropout"),)
    in_torch = ("nn.AlphaDropout",)


@dataclass(frozen=True)
class FeatureAlphaDropout(_Still):
    """Drops whole channels in training so that mean and variance stay, as PyTorch's; at inference the identity."""

    rate: float = option(_RATE, 0.5, minimum=0, maximum=1)

    sdk = (Sdk("FeatureAlphaDropout"),)
    in_keras = ()
    in_torch = ("nn.FeatureAlphaDropout",)


@dataclass(frozen=True)
class ActivityRegularization(_Still):
    """Adds to the loss in training; neither shape nor numbers change."""

    l1: float = option("weight of the sum of absolute values; no effect at inference", 0.0, minimum=0)
    l2: float = option("weight of the sum of squares; no effect at inference", 0.0, minimum=0)

    sdk = (Sdk("ActivityRegularization"),)
