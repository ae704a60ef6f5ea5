"""Faults of layers inside others: a change is written where the layer stands, and carried to where that is written.

One layer alone stands in the options of the layer that holds it, which is then replaced whole. A block stands among the
stack's blocks: a change there is one wherever it is used. What goes before a layer that takes what the block takes can
go before the block as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lamina_server.layers.base import option_text
from lamina_server.records import Diagnosis, Place
from lamina_server.repair.fault import Candidate, Fault, put_before
from lamina_server.repair.steps import InBlock, InsertNode, ReplaceNode, SetLayout, StackStep
from lamina_server.repair.writers import WRITERS
from lamina_server.stack import Node, Stack


def candidates(stack: Stack, found: Diagnosis) -> Iterator[Candidate]:
    """Changes of a stack that may repair a fault, wherever the layer at fault stands."""
    places = (Place(stack, "", found.index, found.partial), *found.within)
    here, write = places[-1], WRITERS.get(found.reason)
    if write is None or here.index < 0:
        return
    alone = replace(found, index=here.index, partial=here.partial, within=())
    for title, steps in write(Fault(here.stack, alone)):
        yield from _carried(places, found, title, steps)


def _carried(
    places: Sequence[Place], found: Diagnosis, title: str, steps: tuple[StackStep, ...], *, outside: bool = True
) -> Iterator[Candidate]:
    """Steps on the layers of the last place as steps on the whole stack; none where that cannot be."""
    *outer, here = places
    if not outer:
        yield title, steps
    elif here.block:
        if outside:
            yield from _outside(places, found, title, steps[0])
        layout = all(isinstance(step, SetLayout) for step in steps)
        inside = (step if isinstance(step, SetLayout | InBlock) else InBlock(here.block, step) for step in steps)
        where = "" if layout else f'in the block "{here.block}": '
        yield f"{where}{title}", tuple(inside)
    elif len(steps) == 1:
        yield from _of_the_holder(outer, found, title, steps[0])


def _outside(places: Sequence[Place], found: Diagnosis, title: str, step: StackStep) -> Iterator[Candidate]:
    """A layer put in front of a block, where one in front of the layer at fault would take what the block takes."""
    if not isinstance(step, InsertNode):
        return
    *rest, outer, here = places
    names = [node.name for node in here.stack.nodes]
    (source,) = step.node.inputs or (None,)
    taken = step.at - 1 if source is None else names.index(source) if source in names else -1
    entries = [i for i, _ in here.stack.inputs()]
    if taken in entries:
        block = "/".join(found.layer.split("/")[: len(places) - 1])
        said = title.replace("before it", f"before {block}") if "before it" in title else f"{title}, before {block}"
        moved = put_before(outer.stack, outer.index, step.node.kind, entries.index(taken))
        yield from _carried([*rest, outer], found, said, moved, outside=False)


def _of_the_holder(places: Sequence[Place], found: Diagnosis, title: str, step: StackStep) -> Iterator[Candidate]:
    """A step on the one layer that a layer holds as steps on that."""
    stack, index = places[-1].stack, places[-1].index
    holder = stack.nodes[index]
    match step:
        case SetLayout():
            yield title, (step,)
        case ReplaceNode(1, node):
            changed = holder._replace(kind=replace(holder.kind, layer=node))
            yield from _carried(places, found, title, (ReplaceNode(index, changed),))
        case InsertNode(1, node):
            ahead = holder.kind.ahead(node.kind)  # type: ignore[attr-defined]  # a holder
            title = title.replace(option_text(node), option_text(Node(ahead)))
            yield from _carried(places, found, title, put_before(stack, index, ahead))
