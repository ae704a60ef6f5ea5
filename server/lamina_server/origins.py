"""What a tensor goes back to: how far it looks into what the caller feeds, and whose mask it would have in Keras."""

from collections.abc import Sequence
from typing import NamedTuple

from lamina_server.errors import LayerError
from lamina_server.layers.base import Inference, Kind
from lamina_server.layers.tensors import Spec
from lamina_server.receptive import Fields, fields_after


class Origin(NamedTuple):
    """`fields` are receptive fields; `begins`: it is what the caller feeds, as it is; `fed`: it depends on what the
    caller feeds; `mask`: the layer whose mask it has in Keras, or ""."""

    fields: Fields
    begins: bool = False
    fed: bool = True
    mask: str = ""


def origin_after(kind: Kind, name: str, inputs: Sequence[Spec], done: Inference, taken: Sequence[Origin]) -> Origin:
    """What the outputs of a layer called `name` go back to; `taken` is what its inputs do."""
    fed = [(origin, spec) for origin, spec in zip(taken, inputs, strict=True) if origin.fed]
    branches = [(origin.fields, spec) for origin, spec in fed]
    fields = fields_after(branches, inputs, done, first=fed[0][0].begins) if fed else {}
    mask = "" if kind.masking == "drops" else mask_of(taken)
    return Origin(fields, False, bool(fed), mask or (name if kind.sends_mask else ""))


def mask_of(taken: Sequence[Origin]) -> str:
    """The layer whose mask comes with a layer's inputs, or ""."""
    for origin in taken:
        if origin.mask:
            return origin.mask
    return ""


def check_mask(kind: Kind, taken: Sequence[Origin]) -> None:
    """Raises LayerError where Keras would use a mask: here nothing is ever left out."""
    mask = mask_of(taken) if kind.masking == "uses" else ""
    if mask:
        raise LayerError(
            "UNSUPPORTED",
            f"would leave out, in Keras, what {mask} masks; here nothing is ever left out, so the numbers would "
            f"differ: take {mask} away, or cut off what it masks before the stack",
            mask=mask,
        )
