"""Fixes for stacks: candidates of the fault's reason, each traced before it is offered."""

from lamina_server.errors import LaminaError, StackError
from lamina_server.limits import Limits
from lamina_server.records import Diagnosis, LayerTrace, Trace
from lamina_server.repair.masks import everywhere
from lamina_server.repair.steps import Fix, InBlock, InsertNode, RemoveNode, StackStep, apply
from lamina_server.repair.within import candidates
from lamina_server.stack import Stack
from lamina_server.trace import trace

MOST = 3


def repaired(stack: Stack, found: Diagnosis, limits: Limits) -> Diagnosis:
    """The diagnosis with at most three fixes: first those that leave no fault, then those that clear only this one."""
    whole: list[Fix] = []
    part: list[Fix] = []
    tried: list[tuple[StackStep, ...]] = []
    for title, steps in candidates(stack, found):
        steps = everywhere(stack, found, steps, limits)
        if steps in tried:
            continue
        tried.append(steps)
        fix, legal = _tried(stack, found, title, steps, limits)
        if fix is not None:
            (whole if legal else part).append(fix)
        if len(whole) == MOST:
            break
    found.fixes = (whole + part)[:MOST]
    return found


def _tried(
    stack: Stack, found: Diagnosis, title: str, steps: tuple[StackStep, ...], limits: Limits
) -> tuple[Fix | None, bool]:
    """The fix with what comes out of it, and whether no fault is left; None where it does not clear this one.

    A change of a block is one wherever it is used, so it must leave no fault.
    """
    fixed, legal = apply(stack, steps), True
    try:
        result = trace(fixed, limits)
    except StackError as error:
        partial, blocks = error.diagnosis.partial, any(isinstance(step, InBlock) for step in steps)
        if blocks or partial is None or error.diagnosis.index <= found.index + _shift(steps):
            return None, False
        result, legal = partial, False
    except LaminaError:
        return None, False
    layer = _changed(result, found, steps)
    return Fix(title, f"{layer.name}: {layer.done.spec}", steps), legal


def _changed(result: Trace, found: Diagnosis, steps: tuple[StackStep, ...]) -> LayerTrace:
    """The layer that was at fault, or the one that holds it, where the steps were taken."""
    blocks = {step.block for step in steps if isinstance(step, InBlock)}
    depth = max((i for i, place in enumerate(found.within, 1) if place.block in blocks), default=0)
    *outer, index = (found.index, *(place.index for place in found.within))[: depth + 1]
    layers = result.layers
    for at in outer:
        layers = list(layers[at].layers)
    return layers[min(index + _shift(steps), len(layers) - 1)]


def _shift(steps: tuple[StackStep, ...]) -> int:
    """By how many places the layer at fault moves."""
    taken = [step.step if isinstance(step, InBlock) else step for step in steps]
    return sum(isinstance(s, InsertNode) for s in taken) - sum(isinstance(s, RemoveNode) for s in taken)
