"""Fixes for stacks: candidates of the fault's reason, each traced before it is offered."""

from collections.abc import Iterator

from lamina_server.errors import LaminaError, StackError
from lamina_server.limits import Limits
from lamina_server.records import Diagnosis
from lamina_server.repair.fault import Candidate, Fault
from lamina_server.repair.steps import Fix, InsertNode, RemoveNode, StackStep, apply
from lamina_server.repair.writers import WRITERS
from lamina_server.stack import Stack
from lamina_server.trace import trace

MOST = 3


def repaired(stack: Stack, found: Diagnosis, limits: Limits) -> Diagnosis:
    """The diagnosis with at most three fixes: first those that leave no fault, then those that clear only this one."""
    whole: list[Fix] = []
    part: list[Fix] = []
    for title, steps in _candidates(stack, found):
        fix, legal = _tried(stack, found, title, steps, limits)
        if fix is not None:
            (whole if legal else part).append(fix)
        if len(whole) == MOST:
            break
    found.fixes = (whole + part)[:MOST]
    return found


def _candidates(stack: Stack, found: Diagnosis) -> Iterator[Candidate]:
    write = WRITERS.get(found.reason)
    if write is not None and found.index >= 0 and not found.inside:
        yield from write(Fault(stack, found))


def _tried(
    stack: Stack, found: Diagnosis, title: str, steps: tuple[StackStep, ...], limits: Limits
) -> tuple[Fix | None, bool]:
    """The fix with what comes out of it, and whether no fault is left; None where it does not clear this one."""
    shift = sum(isinstance(s, InsertNode) for s in steps) - sum(isinstance(s, RemoveNode) for s in steps)
    fixed, legal = apply(stack, steps), True
    try:
        result = trace(fixed, limits)
    except StackError as error:
        if error.diagnosis.index <= found.index + shift or error.diagnosis.partial is None:
            return None, False
        result, legal = error.diagnosis.partial, False
    except LaminaError:
        return None, False
    layer = result.layers[min(found.index + shift, len(result.layers) - 1)]
    return Fix(title, f"{layer.name}: {layer.done.spec}", steps), legal
