"""Fixes for a layer that would use a mask in Keras: the mask among its inputs, or no mask at all."""

from collections.abc import Iterator
from dataclasses import replace

from lamina_server.errors import LaminaError, StackError
from lamina_server.limits import Limits
from lamina_server.records import Diagnosis
from lamina_server.repair.fault import Candidate, Fault
from lamina_server.repair.steps import ReplaceNode, StackStep, apply
from lamina_server.stack import Stack
from lamina_server.trace import trace

MOST = 16  # layers that one change gives a mask


def masked(fault: Fault) -> Iterator[Candidate]:
    """The layer that masks stands in the same stack, or nothing is changed."""
    prefix = fault.found.layer[: fault.found.layer.rfind("/") + 1]
    masks = str(fault.facts["mask"])
    layers = fault.found.partial.layers if fault.found.partial else []
    layer = next((layer for layer in layers if layer.name == masks), None)
    if layer is None:
        return
    node, name = layer.node, masks.removeprefix(prefix)
    if fault.facts.get("exact"):
        kind = replace(node.kind, return_mask=True)
        gives = () if kind == node.kind else (ReplaceNode(layer.index, node._replace(kind=kind)),)
        inputs = fault.node.inputs or tuple(ref.removeprefix(prefix) for ref in fault.refs)
        takes = fault.node._replace(inputs=(*inputs, f"{name}:mask"))
        yield (
            f"as in Keras, leave out what {name} masks: return_mask=True there, and {name}:mask as an input too",
            (*gives, ReplaceNode(fault.index, takes)),
        )
    if hasattr(node.kind, "mask_zero"):
        plain = replace(node.kind, mask_zero=False, return_mask=False)
        yield "id 0 is an id like any other: mask_zero=False", (ReplaceNode(layer.index, node._replace(kind=plain)),)
    yield from fault.removed(layer.index, f"what {layer.name} marks are steps like any other")


def everywhere(stack: Stack, found: Diagnosis, steps: tuple[StackStep, ...], limits: Limits) -> tuple[StackStep, ...]:
    """The steps that give a layer its mask, and those for the layers behind that would be refused for the same mask."""
    if not found.facts.get("exact") or found.within or not _gives_mask(steps):
        return steps
    for _ in range(MOST):
        fixed = apply(stack, steps)
        try:
            trace(fixed, limits)
        except StackError as error:
            behind = error.diagnosis
            if not behind.facts.get("exact") or behind.facts["mask"] != found.facts["mask"] or behind.within:
                return steps
            _, more = next(masked(Fault(fixed, behind)))
            steps = (*steps, *more)
        except LaminaError:
            return steps
        else:
            return steps
    return steps


def _gives_mask(steps: tuple[StackStep, ...]) -> bool:
    last = steps[-1] if steps else None
    return isinstance(last, ReplaceNode) and any(ref.endswith(":mask") for ref in last.node.inputs)
