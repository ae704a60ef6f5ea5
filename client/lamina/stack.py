"""A network as the caller writes it: layers, and the stack they make."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from textwrap import indent
from typing import TYPE_CHECKING, Any, cast, overload

from google.protobuf import json_format

from lamina import naming, nesting, reading
from lamina import weights as weight_names
from lamina.enums import name_of, number_of
from lamina.errors import InvalidArgumentError, UnknownNameError, suggest
from lamina.messages import fill
from lamina.place import Place, shown
from lamina.v1 import layers_pb2, options_pb2

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from lamina.typing import InputsLike, LayoutLike, ShapeLike, WeightsLike


class Layer:
    """One layer: made by the constructors, such as `lm.Conv1D`. Immutable: treat `proto` as read-only.

    `proto` is the message that travels, `weights` are arrays by name ("kernel"), often none.
    """

    def __init__(
        self,
        proto: layers_pb2.Layer,
        *,
        weights: "Mapping[str, ArrayLike] | None" = None,
        class_name: str = "",
        blocks: "Sequence[Stack]" = (),
    ) -> None:
        self.proto = proto
        self.blocks = tuple(blocks)
        self.class_name = class_name or naming.class_name(proto)
        self.weights: dict[str, ArrayLike] = weight_names.of_layer(weights or {}, self._described)

    @classmethod
    def make(
        cls,
        field: str,
        values: Mapping[str, object],
        *,
        constructor: str,
        rank: int | None = None,
        name: str | None = None,
        inputs: "InputsLike | None" = None,
        expect: "ShapeLike | None" = None,
        weights: "WeightsLike | None" = None,
        weights_of: str | None = None,
    ) -> "Layer":
        """A layer whose `field` of the kind's oneof is filled with values; what the generated constructors call.

        Raises InvalidArgumentError, which names the layer and the option.
        """
        where = f"{name} ({constructor})" if name else constructor
        proto = layers_pb2.Layer()
        fill(proto, {"name": name, "expect": expect, "weights_of": weights_of}, where=where)
        proto.inputs.extend(references(inputs, where))
        kind = getattr(proto, field)
        kind.SetInParent()
        held = [value for value in values.values() if isinstance(value, Layer | Stack)]
        given = {key: _held(kind, value, Place(where, key)) for key, value in values.items()}
        fill(kind, given, rank=rank, where=where)
        carried = {} if weights_of else weight_names.of_layer(_carried(held), where)
        carried |= weight_names.of_layer(weights or {}, where)
        return cls(proto, weights=carried, class_name=constructor, blocks=_blocks(held))

    @property
    def name(self) -> str | None:
        """The name that was given, or None."""
        return self.proto.name if self.proto.HasField("name") else None

    @property
    def field(self) -> str:
        """Field of `lamina.v1.Layer` that holds its options: "conv"."""
        return self.proto.WhichOneof("kind") or ""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Where it takes its inputs from; empty means the layer before."""
        return tuple(self.proto.inputs)

    @property
    def weights_of(self) -> str:
        """The layer whose weights it shares; "" where they are its own."""
        return self.proto.weights_of

    def carrying(self, weights: "Mapping[str, ArrayLike]") -> "Layer":
        """This layer with other weights."""
        return Layer(self.proto, weights=weights, class_name=self.class_name, blocks=self.blocks)

    @property
    def called(self) -> str:
        """What its default name is made of: its class, but for an activation function its field ("silu" for SiLU)."""
        return naming.called(self.proto, self.class_name)

    @property
    def _described(self) -> str:
        return f"{self.name} ({self.class_name})" if self.name else self.class_name

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Layer)
            and self.proto == other.proto
            and self.weights.keys() == other.weights.keys()
            and all(_same(self.weights[name], other.weights[name]) for name in self.weights)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return reading.layer(self.proto, self.class_name, self.weights)


class Stack:
    """Layers in the order in which they run. Immutable; list-like, by index and by layer name.

    `layout` is where the channel axis stands for every layer that has one, "channels_last" unless given. `outputs`
    names what to return: layer names, or "name:output"; the last layer unless given. `inputs=` of a layer makes
    branches. A stack can stand inside another: `lm.Block(stack)`, as often as wanted, and `name` is what it is called
    there; `blocks` are stacks that layers use by name. Raises InvalidArgumentError where an entry is no layer; whether
    the layers fit is the server's to say.
    """

    def __init__(
        self,
        layers: Iterable[Layer],
        *,
        layout: "LayoutLike | None" = None,
        outputs: "InputsLike | None" = None,
        name: str | None = None,
        blocks: "Iterable[Stack]" = (),
    ) -> None:
        self.layers = tuple(_checked(layers))
        self._name = name
        self.proto = layers_pb2.Stack(layers=[layer.proto for layer in self.layers])
        if layout is not None:
            self.proto.layout = cast(
                "options_pb2.Layout", number_of(options_pb2.Layout.DESCRIPTOR, layout, Place("Stack", "layout"))
            )
        self.proto.outputs.extend(references(outputs, "Stack", "outputs"))
        for block in (*blocks, *_blocks(self.layers)):
            block.add_to(self.proto)

    @property
    def name(self) -> str:
        """What it is called as a block: the name given, else one that its layers decide."""
        return self._name or f"block_{sha256(self.proto.SerializeToString(deterministic=True)).hexdigest()[:8]}"

    def add_to(self, proto: layers_pb2.Stack) -> None:
        """Adds it to the blocks of a stack's message, once, those that it uses before it.

        Raises InvalidArgumentError where another block has its name, or the layouts differ.
        """
        if self.proto.layout and self.proto.layout != (proto.layout or options_pb2.LAYOUT_CHANNELS_LAST):
            raise InvalidArgumentError(
                f"Stack: the block {self.name!r} is {self.layout}, and the stack that uses it is not.", field="layout"
            )
        for block in self.proto.blocks:
            nesting.add_block(proto, block)
        own = layers_pb2.NamedStack(name=self.name, layers=self.proto.layers, outputs=self.proto.outputs)
        nesting.add_block(proto, own)

    @cached_property
    def blocks(self) -> "dict[str, Stack]":
        """The stacks that its layers use by name, or those inside them."""
        return {block.name: self._block(block) for block in self.proto.blocks}

    def _block(self, block: layers_pb2.NamedStack) -> "Stack":
        inner = nesting.needed(self.proto, (name for layer in block.layers for name in nesting.used(layer)))
        stack = Stack.from_proto(layers_pb2.Stack(layers=block.layers, outputs=block.outputs, blocks=inner))
        stack._name = block.name
        return stack

    @classmethod
    def from_proto(cls, proto: layers_pb2.Stack, *, weights: "WeightsLike | None" = None) -> "Stack":
        """The stack of a message (copied), with weights by layer name."""
        copy = layers_pb2.Stack()
        copy.CopyFrom(proto)
        stack = cls([Layer(layer) for layer in copy.layers])
        stack.proto = copy
        return stack.with_weights(weights) if weights else stack

    @classmethod
    def from_json(cls, text: str) -> "Stack":
        """The stack of ProtoJSON text, as `to_json` writes it. Raises InvalidArgumentError where it is none."""
        proto = layers_pb2.Stack()
        try:
            json_format.Parse(text, proto, max_recursion_depth=50)
        except json_format.ParseError as error:
            raise InvalidArgumentError(f"This is no stack in JSON: {error}", reason="MALFORMED_JSON") from error
        return cls.from_proto(proto)

    def to_json(self, *, indent: int | None = 2) -> str:
        """The stack as ProtoJSON, without its weights."""
        return json_format.MessageToJson(self.proto, indent=indent)

    def with_weights(self, weights: "WeightsLike") -> "Stack":
        """This stack with weights, by layer name, in place of the same weights that layers carry.

        Raises UnknownNameError for a layer that is not here.
        """
        nested = weight_names.nest(weight_names.flatten(weights))
        for name in nested.keys() - {*self.names}:
            raise UnknownNameError(
                f"weights: the stack has no layer {name!r}.{suggest(name, self.names, what='layer')}"
            )
        layers = [
            layer.carrying({**layer.weights, **nested.get(name, {})})
            for name, layer in zip(self.names, self.layers, strict=True)
        ]
        return self.rebuilt(layers)

    def rebuilt(
        self,
        layers: Sequence[Layer],
        outputs: Sequence[str] | None = None,
        blocks: Sequence[layers_pb2.NamedStack] | None = None,
    ) -> "Stack":
        """This stack with other layers, and with other outputs and blocks where they are given."""
        stack = Stack(layers, outputs=self.outputs if outputs is None else outputs, name=self._name)
        stack.proto.layout = self.proto.layout
        del stack.proto.blocks[:]
        stack.proto.blocks.extend(self.proto.blocks if blocks is None else blocks)
        return stack

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Name of every layer: the given one, else the default ("conv1d", then "conv1d_1").

        A global pool from a file that leaves its rank open has its default name ("global_max_pooling1d") in a trace
        only: it takes its rank from what comes in.
        """
        kinds = [layer.called for layer in self.layers]
        return tuple(naming.default_names(kinds, [layer.name for layer in self.layers]))

    @property
    def weights(self) -> "dict[str, dict[str, ArrayLike]]":
        """What the layers carry: {"conv1d": {"kernel": array}}; empty where they carry none."""
        pairs = zip(self.names, self.layers, strict=True)
        return {name: dict(layer.weights) for name, layer in pairs if layer.weights}

    @property
    def layout(self) -> str:
        """Where the channel axis stands: "channels_last", "channels_first", or "" where nothing was said."""
        return name_of(options_pb2.Layout.DESCRIPTOR, self.proto.layout)

    @property
    def outputs(self) -> tuple[str, ...]:
        """What is returned; empty means the last layer."""
        return tuple(self.proto.outputs)

    @property
    def inputs(self) -> tuple[tuple[str, Layer], ...]:
        """The Input layers with their names, in the order in which arrays are given."""
        pairs = zip(self.names, self.layers, strict=True)
        return tuple((name, layer) for name, layer in pairs if layer.field == "input")

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    @overload
    def __getitem__(self, key: int | str) -> Layer: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Layer, ...]: ...
    def __getitem__(self, key: int | str | slice) -> Layer | tuple[Layer, ...]:
        if not isinstance(key, str):
            return self.layers[key]
        if key not in self.names:
            raise UnknownNameError(f"The stack has no layer {key!r}.{suggest(key, self.names, what='layer')}")
        return self.layers[self.names.index(key)]

    def __contains__(self, key: object) -> bool:
        return key in self.names if isinstance(key, str) else key in self.layers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stack) and self.proto == other.proto and self.layers == other.layers

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        lines = "".join(f"    {layer!r},\n" for layer in self.layers)
        options = [("layout", self.layout), ("outputs", list(self.outputs)), ("name", self._name)]
        extras = "".join(f", {name}={reading.code(value)}" for name, value in options if value)
        written = (repr(block.rebuilt(block.layers, blocks=())) for block in self.blocks.values())
        blocks = "".join(indent(text, "    ") + ",\n" for text in written)
        return f"Stack([\n{lines}]{extras}{f', blocks=[{chr(10)}{blocks}]' if blocks else ''})"


def _carried(held: "Sequence[Layer | Stack]") -> "dict[str, object]":
    """Weights that the layers inside a layer carry, by their names."""
    carried: dict[str, object] = {}
    for one in held:
        if isinstance(one, Stack):
            carried.update(one.weights)
        elif one.weights:
            (name,) = naming.default_names([one.class_name], [one.name])
            carried[name] = one.weights
    return carried


def _held(kind: Any, value: object, at: Place) -> object:
    """What stands for a layer or a stack among the options of another: itself, or its name.

    Raises InvalidArgumentError where one stands in the place of the other.
    """
    if not isinstance(value, Layer | Stack):
        return value
    takes_layer = kind.DESCRIPTOR.fields_by_name[at.field].message_type is not None
    if isinstance(value, Stack) and takes_layer:
        raise at.error("takes one layer; a Stack was given: write lm.Block(stack).")
    if isinstance(value, Layer) and not takes_layer:
        raise at.error(f"takes a Stack, or the name of a block; {shown(value)} was given.")
    return value.name if isinstance(value, Stack) else value


def _blocks(held: "Iterable[Layer | Stack]") -> "list[Stack]":
    """The stacks that layers use, or that a layer holds."""
    return [block for one in held for block in ([one] if isinstance(one, Stack) else one.blocks)]


def _checked(layers: object) -> Iterator[Layer]:
    if isinstance(layers, str | Layer) or not isinstance(layers, Iterable):
        raise InvalidArgumentError(f"Stack takes a list of layers; {shown(layers)} was given.", reason="WRONG_TYPE")
    for i, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            name = getattr(layer, "__name__", "")
            hint = f" Write lm.{name}(...)." if callable(layer) and name else ""
            raise InvalidArgumentError(
                f"Stack: layers[{i}] is no layer; {shown(layer)} was given.{hint}",
                reason="WRONG_TYPE",
                field=f"layers[{i}]",
            )
        yield layer


def references(inputs: object, where: str, field: str = "inputs") -> list[str]:
    """Names from names and layers that have one. Raises InvalidArgumentError for anything else."""
    if inputs is None:
        return []
    items: Sequence[object] = [inputs] if isinstance(inputs, str | Layer) else cast("Sequence[object]", inputs)
    if not isinstance(items, Sequence):
        raise Place(where, field).error(f"takes names of layers; {shown(inputs)} was given.")
    return [_reference(item, Place(where, field).item(i)) for i, item in enumerate(items)]


def _reference(item: object, at: Place) -> str:
    if isinstance(item, str):
        return item
    if not isinstance(item, Layer):
        raise at.error(f"takes names of layers; {shown(item)} was given.")
    if item.name is None:
        raise at.error(f"is {item!r}, which has no name to refer to it by: give it one with name=.", "UNNAMED_LAYER")
    return item.name


def _same(a: "ArrayLike", b: "ArrayLike") -> bool:
    import numpy as np

    return a is b or bool(np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True))
