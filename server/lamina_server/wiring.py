"""Which tensors a layer takes: its `inputs` by name, or the layer before it. References are names: "lstm:state_h"."""

from collections.abc import Mapping, Sequence

from lamina_server.errors import LayerError
from lamina_server.layers.base import plural
from lamina_server.stack import Stack
from lamina_server.words import nearest, shortened

MAX_INPUTS = 256  # of one layer; the widest merges of the zoo have some 30, and a formula names each of them


def resolve(stack: Stack, index: int, known: Mapping[str, object], previous: str | None) -> tuple[str, ...]:
    """The tensors that a layer takes. Raises LayerError for unknown or later names and for a wrong number of them."""
    node = stack.nodes[index]
    low, high = type(node.kind).inputs
    if len(node.inputs) > MAX_INPUTS:
        raise LayerError(
            "INPUT_COUNT",
            f"takes {len(node.inputs)} inputs; this server admits {MAX_INPUTS} for a layer",
            field="inputs",
            given=len(node.inputs),
            maximum=MAX_INPUTS,
        )
    if node.inputs:
        for i, ref in enumerate(node.inputs):
            if ref not in known:
                raise _unknown(stack, index, ref, i, known)
        refs = node.inputs
    else:
        refs = () if node.kind.begins or previous is None else (previous,)
        if refs and previous not in known:
            raise _unknown(stack, index, refs[0], 0, known)
    if len(refs) < low or (high is not None and len(refs) > high):
        raise _wrong_number(low, high, refs, index)
    return refs


def _wrong_number(low: int, high: int | None, refs: Sequence[str], index: int) -> LayerError:
    if not refs and index == 0:
        return LayerError("NO_INPUT", "is the first layer, so it has nothing to take: put an Input(shape) before it")
    wanted = "no inputs" if high == 0 else plural(low, "input") + ("" if high == low else " or more")
    if high is not None and high > low:
        wanted = f"{low} {'or' if high == low + 1 else 'to'} {high} inputs"
    given = "none is given" if not refs else f"{len(refs)} {'is' if len(refs) == 1 else 'are'} given"
    hint = ': name them, such as inputs=["a", "b"]' if high is None else ""
    return LayerError("INPUT_COUNT", f"takes {wanted}, but {given}{hint}", field="inputs", given=len(refs), wanted=low)


def _unknown(stack: Stack, index: int, ref: str, i: int, known: Mapping[str, object]) -> LayerError:
    later = {node.name for node in stack.nodes[index:]}
    name = ref.split(":")[0]
    if name == stack.nodes[index].name:
        text = "takes its own output, which would be a loop; a stack has none"
    elif name in later:
        text = f"takes {shortened(ref)}, which comes after it; layers run in their order, and there are no loops"
    elif outputs := [key for key in known if key.split(":")[0] == name]:
        listed = ", ".join(outputs[:8]) + (", ..." if len(outputs) > 8 else "")
        what = "which has no main output" if ref == name else f"an output that {name} does not have"
        text = f"takes {shortened(ref)}, {what}; it has {listed}"
    else:
        text = f"takes {shortened(ref)}, which no layer before it gives; {nearest(ref, known)}"
    return LayerError("UNKNOWN_INPUT", text, field="inputs", position=i, name=ref[:60])
