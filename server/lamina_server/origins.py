"""What a tensor goes back to: how far it looks into what the caller feeds, and whose mask it would have in Keras."""

from collections.abc import Sequence
from typing import NamedTuple

from lamina_server.errors import LayerError
from lamina_server.layers.base import Inference, Kind
from lamina_server.layers.holders import Block, Holder
from lamina_server.layers.merging.arithmetic import Merge
from lamina_server.layers.merging.joining import Concatenate
from lamina_server.layers.tensors import Spec
from lamina_server.receptive import Fields, fields_after


class Origin(NamedTuple):
    """`fields` are receptive fields; `begins`: it is what the caller feeds, as it is; `fed`: it depends on what the
    caller feeds; `mask`: the layer whose mask it has in Keras, or ""; `alone`: that mask as it is, and not one that
    Keras may have made of it; `gives`: the layer whose mask it is itself, or ""."""

    fields: Fields
    begins: bool = False
    fed: bool = True
    mask: str = ""
    alone: bool = True
    gives: str = ""


def origins_after(
    kind: Kind, name: str, inputs: Sequence[Spec], done: Inference, taken: Sequence[Origin]
) -> list[Origin]:
    """What each output of a layer called `name` goes back to; `taken` is what its inputs do."""
    fed = [(origin, spec) for origin, spec in zip(taken, inputs, strict=True) if origin.fed]
    branches = [(origin.fields, spec) for origin, spec in fed]
    fields = fields_after(branches, inputs, done, first=fed[0][0].begins) if fed else {}
    handed = taken[:1] if kind.masking == "uses" else taken
    mask = mask_of(handed)
    if not mask and not kind.sends_mask:
        return [Origin(fields, False, bool(fed))] * len(done.outputs)
    origin = Origin(fields, False, bool(fed), mask, not mask or _kept_alone(kind, handed))
    if kind.sends_mask:  # also where another comes: it says what is to be left out from here on
        origin = origin._replace(mask=name, alone=True)
    found = []
    for output in done.outputs:
        if output.name == "mask" and kind.sends_mask:
            found.append(origin._replace(mask="", gives=name))
        else:
            found.append(origin if kind.hands_mask(output.name) else origin._replace(mask="", alone=True))
    return found


def entering(kind: Holder, origin: Origin) -> Origin:
    """What a tensor that comes into a layer which holds others goes back to in there."""
    return origin if isinstance(kind, Block) else origin._replace(alone=False)  # one layer is given a part of the mask


def around(kind: Holder, outside: Origin, inside: Origin) -> Origin:
    """What an output of such a layer goes back to, whose first input and whose result inside are these."""
    if isinstance(kind, Block):
        return inside
    kept = outside if kind.masking != "drops" else outside._replace(mask="", alone=True)
    return inside._replace(mask=kept.mask, alone=kept.alone, gives="")


def mask_of(taken: Sequence[Origin]) -> str:
    """The layer whose mask comes with a layer's inputs, or ""."""
    for origin in taken:
        if origin.mask:
            return origin.mask
    return ""


def check_mask(kind: Kind, taken: Sequence[Origin]) -> None:
    """Raises LayerError where Keras would use a mask that is not among the inputs: only what is seen is left out."""
    mask = mask_of(taken) if kind.masking == "uses" else ""
    if not mask:
        return
    alone = all(origin.mask == mask and origin.alone for origin in taken if origin.mask)
    if alone and any(origin.gives == mask for origin in taken):
        return
    said = f"would leave out, in Keras, what {mask} masks; here "
    if alone and kind.masked_as_keras([bool(origin.mask) for origin in taken]):
        said += (
            f"it leaves out what a mask among its inputs says: set return_mask=True on {mask}, and take its output "
            "named mask as an input too"
        )
        raise LayerError("UNSUPPORTED", said, mask=mask, exact=True)
    said += f"it does not, so the numbers would differ: take {mask} away, or cut off what it masks before the stack"
    raise LayerError("UNSUPPORTED", said, mask=mask)


def _kept_alone(kind: Kind, taken: Sequence[Origin]) -> bool:
    """Whether Keras surely hands on the one mask that comes, as it is: it has such a layer, and all inputs have it."""
    layer = kind.in_keras is None or any("." not in name for name in kind.in_keras)
    single = len(taken) == 1 or isinstance(kind, Merge | Concatenate)
    return layer and single and all(origin.alone and origin.mask == taken[0].mask for origin in taken)
