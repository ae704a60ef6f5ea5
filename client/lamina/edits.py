"""Steps of a fix, carried out on a stack or on an array. Nothing given is changed: every step makes a new one."""

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from lamina import naming, nesting
from lamina.errors import InvalidArgumentError
from lamina.stack import Layer, Stack
from lamina.v1 import layers_pb2, trace_pb2

if TYPE_CHECKING:
    from lamina.typing import Array

_BEGIN = ("input", "parameter", "constant")  # kinds that take nothing


def edit_stack(stack: Stack, edits: Iterable[trace_pb2.StackEdit]) -> Stack:
    """The stack after some edits, in order. Layers keep their weights; references follow the layers they name.

    Raises InvalidArgumentError where an edit names a layer that is not here, or is of a kind not known here.
    """
    for block, steps in groupby(edits, key=lambda edit: edit.block):
        taken = list(steps)
        stack = _in_block(stack, block, taken) if block else _edited(stack, taken).stack()
    return stack


def _edited(stack: Stack, edits: Iterable[trace_pb2.StackEdit]) -> "_Draft":
    draft = _Draft(stack)
    for edit in edits:
        name = edit.WhichOneof("edit")
        if name is None:
            raise _unknown("edit of the stack")
        _STACK_EDITS[name](draft, getattr(edit, name))
    return draft


def _in_block(stack: Stack, name: str, edits: Iterable[trace_pb2.StackEdit]) -> Stack:
    """The stack after edits of a block; weights follow the layers inside that they belong to."""
    if name not in stack.blocks:
        raise InvalidArgumentError(
            f"This fix changes the block {name!r}, which the stack does not have: it was made for another stack.",
            reason="OTHER_STACK",
        )
    draft = _edited(stack.blocks[name], edits)
    changed, blocks = draft.stack().proto, {block.name: block for block in stack.proto.blocks}
    names, now = draft.renamed(), [layers_pb2.NamedStack(name=name, layers=changed.layers, outputs=changed.outputs)]
    layers = []
    for layer in stack:
        to = {weight: nesting.moved(layer.proto, weight, blocks, name, names) for weight in layer.weights}
        layers.append(layer.carrying({new: layer.weights[old] for old, new in to.items() if new is not None}))
    return stack.rebuilt(layers, blocks=[now[0] if block.name == name else block for block in stack.proto.blocks])


class _Slot:
    """A layer while the stack around it changes: its references are the slots they name."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.takes: list[_Reference] = []
        self.shares: _Reference | None = None  # the layer whose weights it uses
        self.other = False  # of another kind than at first: its weights are no longer the same


class _Reference:
    """A reference by name: the slot it stands for, or None for a name nobody has, and the output behind ':'."""

    def __init__(self, text: str, slots: Mapping[str, _Slot]) -> None:
        self.text = text
        name, colon, output = text.partition(":")
        self.slot = slots.get(name)
        self.ending = colon + output

    def to(self, slot: _Slot) -> "_Reference":
        """The same reference, to another layer's first output."""
        moved = _Reference(self.text, {})
        moved.slot, moved.ending = slot, ""
        return moved

    def written(self, names: Mapping[int, str]) -> str:
        name = None if self.slot is None else names.get(id(self.slot))  # a layer may be gone
        return self.text if name is None else name + self.ending

    def same(self, other: "_Reference") -> bool:
        return (self.slot is other.slot) and (self.ending if self.slot else self.text) == (
            other.ending if other.slot else other.text
        )


class _Draft:
    """A stack taken apart."""

    def __init__(self, stack: Stack) -> None:
        self.first, self.layout = stack, stack.proto.layout
        self.slots = [_Slot(layer) for layer in stack]
        self.named = named = dict(zip(stack.names, self.slots, strict=True))
        for slot in self.slots:
            slot.takes = [_Reference(text, named) for text in slot.layer.inputs]
            slot.shares = _Reference(slot.layer.weights_of, named) if slot.layer.weights_of else None
        self.outputs = [_Reference(text, named) for text in stack.outputs]

    def names(self) -> dict[int, str]:
        """Name of every slot, by its identity."""
        layers = [slot.layer for slot in self.slots]
        names = naming.default_names([layer.called for layer in layers], [layer.name for layer in layers])
        return {id(slot): name for slot, name in zip(self.slots, names, strict=True)}

    def read(self, text: str) -> _Reference:
        """A reference as the stack's names are now."""
        names = self.names()
        return _Reference(text, {names[id(slot)]: slot for slot in self.slots})

    def at(self, index: int, *, end: bool = False) -> int:
        """An index, checked; `end` admits the one behind the last layer."""
        if not 0 <= index < len(self.slots) + end:
            raise InvalidArgumentError(
                f"This fix changes layer {index}; the stack has {len(self.slots)}: it was made for another stack.",
                reason="OTHER_STACK",
            )
        return index

    def taken(self, index: int) -> list[_Reference]:
        """What the layer at an index takes: as written, else the layer before."""
        slot = self.slots[index]
        if slot.takes or index == 0 or slot.layer.field in _BEGIN:
            return slot.takes
        return [self.before(index)]

    def before(self, index: int) -> _Reference:
        """A reference to the layer before an index."""
        return _Reference("", {}).to(self.slots[index - 1])

    def stack(self) -> Stack:
        """Put together again, the references written with the names of now."""
        names = self.names()
        layers = []
        for slot in self.slots:
            proto = layers_pb2.Layer()
            proto.CopyFrom(slot.layer.proto)
            del proto.inputs[:]
            proto.inputs.extend(reference.written(names) for reference in slot.takes)
            if slot.shares is not None:
                proto.weights_of = slot.shares.written(names)
            layers.append(Layer(proto, weights=slot.layer.weights, class_name=slot.layer.class_name))
        stack = self.first.rebuilt(layers, outputs=[reference.written(names) for reference in self.outputs])
        stack.proto.layout = self.layout
        return stack

    def renamed(self) -> dict[str, str | None]:
        """The new name of each layer that there was at first; None where it is gone, or of another kind."""
        names = self.names()
        return {old: None if slot.other else names.get(id(slot)) for old, slot in self.named.items()}


def _insert(draft: _Draft, edit: trace_pb2.InsertLayer) -> None:
    index = draft.at(edit.index, end=True)
    new = _Slot(Layer(edit.layer))
    new.takes = [draft.read(text) for text in edit.layer.inputs]
    source = new.takes[:1] or ([draft.before(index)] if index else [])
    follower = draft.slots[index] if index < len(draft.slots) else None
    follower_takes = draft.taken(index) if follower else []
    draft.slots.insert(index, new)
    if follower is None or not source or follower.layer.field in _BEGIN:
        return
    moved = [take.to(new) if take.same(source[0]) else take for take in follower_takes]
    implied = not follower.takes and len(moved) == 1 and moved[0].slot is new
    follower.takes = [] if implied else moved


def _replace(draft: _Draft, edit: trace_pb2.ReplaceLayer) -> None:
    slot = draft.slots[draft.at(edit.index)]
    proto = layers_pb2.Layer()
    proto.CopyFrom(edit.layer)
    if slot.layer.name and not proto.HasField("name"):
        proto.name = slot.layer.name
    takes = [draft.read(text) for text in proto.inputs]
    slot.shares = draft.read(proto.weights_of) if proto.weights_of else None
    same = nesting.same_kind(slot.layer.proto, proto)
    slot.other = slot.other or not same
    slot.layer = Layer(proto, weights=slot.layer.weights if same else None)
    slot.takes = takes


def _remove(draft: _Draft, edit: trace_pb2.RemoveLayer) -> None:
    index = draft.at(edit.index)
    gone = draft.slots[index]
    source = draft.taken(index)
    follower = draft.slots[index + 1] if index + 1 < len(draft.slots) else None
    implied = draft.taken(index + 1) if follower and not follower.takes else []
    del draft.slots[index]

    def rewired(takes: list[_Reference]) -> list[_Reference]:
        return [new for take in takes for new in (source if take.slot is gone else [take])]

    for slot in draft.slots:
        slot.takes = rewired(slot.takes)
    draft.outputs = rewired(draft.outputs)
    if follower and implied and not (index and [take.slot for take in source] == [draft.slots[index - 1]]):
        follower.takes = rewired(implied)


def _set_layout(draft: _Draft, edit: trace_pb2.SetLayout) -> None:
    draft.layout = edit.layout


_STACK_EDITS: Mapping[str, Callable[[_Draft, Any], None]] = {
    "insert_layer": _insert,
    "replace_layer": _replace,
    "remove_layer": _remove,
    "set_layout": _set_layout,
}


def edit_array(array: "Array", edit: trace_pb2.ArrayEdit) -> "Array":
    """An array after one edit: a view of it where that is possible.

    Raises InvalidArgumentError where the array has not the axes that the edit speaks of.
    """
    import numpy as np

    from lamina.tensors import numpy_dtype

    name = edit.WhichOneof("edit")
    try:
        match name:
            case "expand_dims":
                return np.expand_dims(array, edit.expand_dims.axis)
            case "squeeze":
                return np.squeeze(array, edit.squeeze.axis)
            case "transpose":
                return np.transpose(array, tuple(edit.transpose.axes))
            case "cast":
                return array.astype(numpy_dtype(edit.cast.data_type, "the array"))
    except ValueError as error:
        raise InvalidArgumentError(
            f"This fix does not fit an array of shape {array.shape}: {error}.", reason="OTHER_ARRAY"
        ) from error
    raise _unknown("edit of an array")


def _unknown(what: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"This fix holds an {what} that this version of lamina does not know: a newer one does.", reason="NEWER_SCHEMA"
    )
