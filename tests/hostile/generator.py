"""Random stacks of every kind: examples changed by what the schema's descriptors admit, so that a new kind is covered.

"tame" changes stay near what is legal, so that many stacks can be run; "wild" ones take the ends of every range.
"""

import random
from typing import Any

from lamina.v1 import layers_pb2, tensor_pb2
from lamina_server.layers import KINDS
from lamina_server.layers.base import Kind
from lamina_server.services.catalogue import example_stack
from lamina_server.wire.stacks import encode_stack

WILD = (0, 1, -1, 2, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1, -(2**31), -(2**63))
FLOATS = (0.0, 1.0, -1.0, 0.5, 2.0, 1e-3, 3.0)
WILD_FLOATS = (float("nan"), float("inf"), float("-inf"), 1e300, -1e300, 5e-324, 1e38, -0.0)
SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 13)
WILD_SIZES = (1, 2**31 - 1, 2**31, 2**40, 65_537, 0, -1)
SYMBOLS = ("T", "U", "?", "N")
WILD_TEXTS = ("", "?", "batch", "x0:state_h", "a" * 300, "ä", "{input_1}", "it's", "\u202e", "a b", "...->...")
EQUATIONS = (
    "abc,cd->abd", "...x,xy->...y", "ab...,bc->ac...", "abc,bd->adc", "ab,bc->a", "abc,abd->acd", "ab,ab->a",
    "...a,...a->...", "abcd,aecd->aceb", "aaa,b->ab", "ab,bc,cd->ad", "abc->acb", "bij,bjk->bik", "a->a", "ab,ab",
)  # fmt: skip


class Maker:
    """Makes stacks from a source of random numbers."""

    def __init__(self, rng: random.Random, wild: float = 0.0) -> None:
        """`wild` is the chance that a number is one nobody would choose."""
        self.rng, self.wild = rng, wild

    def stack(self, kind: type[Kind]) -> layers_pb2.Stack:
        """A stack around a layer of a kind."""
        rng = self.rng
        made: Any = encode_stack(example_stack(rng.choice(kind.examples())))
        inputs = [layer.input for layer in made.layers if layer.HasField("input")]
        last = made.layers[-1]
        if rng.random() < 0.15:
            made.layout = rng.choice([1, 2])
        inner = [layer for block in made.blocks for layer in block.layers]
        for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3, 5])):
            layer = rng.choice([last, *inner])
            self._change(getattr(layer, str(layer.WhichOneof("kind"))), 0)
        if rng.random() < 0.5:
            self._change_shapes(inputs)
        if inputs and rng.random() < 0.2:
            rng.choice(inputs).dtype = rng.choice(tensor_pb2.DataType.values()[1:])
        if rng.random() < 0.1:
            self._change_inputs(made, last)
        if rng.random() < 0.35:
            self._surround(made, last)
        return made  # type: ignore[no-any-return]

    # ---- what stands around a layer ----

    def _change_inputs(self, made: Any, last: layers_pb2.Layer) -> None:
        names = [layer.name for layer in made.layers[:-1]]
        if names and all(names):
            count = self.rng.choice([1, 1, 2, 2, 3, 4])
            last.inputs[:] = [self.rng.choice(names) for _ in range(count)]

    def _surround(self, made: Any, last: layers_pb2.Layer) -> None:
        """A holder around the layer, the same layer again, a layer before it or a layer behind it."""
        rng = self.rng
        match rng.randrange(6):
            case 0:
                self._distribute(made, last)
            case 1:
                self._enclose(made, last)
            case 2:
                last.name = last.name or "first"
                again = layers_pb2.Layer()
                again.CopyFrom(last)
                again.name, again.weights_of = "again", last.name
                made.layers.append(again)
                if rng.random() < 0.7:
                    made.outputs[:] = [last.name, "again"]
            case 3:
                self._turn(made, last)
            case _:
                for _ in range(rng.choice([1, 1, 2])):
                    behind = rng.choice(KINDS).examples()
                    layer = encode_stack(example_stack(rng.choice(behind))).layers[-1]
                    del layer.inputs[:]
                    if not layer.HasField("block"):
                        made.layers.append(layer)

    def _turn(self, made: Any, last: layers_pb2.Layer) -> None:
        """A Permute behind every Input that moves the axes and is undone by the Input's own shape."""
        rows: list[layers_pb2.Layer] = []
        for layer in made.layers[:-1]:
            rows.append(layer)
            dims = list(layer.input.shape.dims)
            if layer.HasField("input") and dims:
                order = self.rng.sample(range(len(dims)), len(dims))
                new = [None] * len(dims)
                for to, origin in enumerate(order):
                    new[origin] = dims[to]
                name = layer.name
                layer.name = f"{name}_in"
                layer.input.shape.ClearField("dims")
                layer.input.shape.dims.extend(new)
                moved = layers_pb2.Layer(inputs=[layer.name])
                moved.name = name or "moved"
                moved.permute.dims.extend(i + 1 for i in order)
                rows.append(moved)
        kept = [layers_pb2.Layer.FromString(row.SerializeToString()) for row in [*rows, last]]
        made.ClearField("layers")
        made.layers.extend(kept)

    def _distribute(self, made: Any, last: layers_pb2.Layer) -> None:
        inner = layers_pb2.Layer()
        inner.CopyFrom(last)
        del inner.inputs[:]
        inner.ClearField("name")
        inputs = [layer.input for layer in made.layers if layer.HasField("input")]
        steps = self._dim()
        if inputs:
            dims = list(inputs[0].shape.dims)
            inputs[0].shape.ClearField("dims")
            inputs[0].shape.dims.extend([steps, *dims])
        outer = self.rng.choice(["time_distributed", "time_distributed", "spectral_normalization"])
        last.ClearField(str(last.WhichOneof("kind")))
        getattr(last, outer).layer.CopyFrom(inner)

    def _enclose(self, made: Any, last: layers_pb2.Layer) -> None:
        block = made.blocks.add(name="hold")
        entries = [layer for layer in made.layers if layer.HasField("input")]
        for i, entry in enumerate(entries):
            copy = block.layers.add()
            copy.CopyFrom(entry)
            entry.name = entry.name or f"x{i}"
            copy.name = f"inner_{entry.name}"
            if self.rng.random() < 0.5:
                for dim in copy.input.shape.dims:
                    dim.expression = "?"
        inner = block.layers.add()
        inner.CopyFrom(last)
        inner.inputs[:] = [f"inner_{name}" for name in last.inputs]
        last.Clear()
        last.block.stack = "hold"
        last.inputs[:] = [entry.name for entry in entries]
        if self.rng.random() < 0.4:
            last.name = "one"
            again = made.layers.add()
            again.CopyFrom(last)
            again.name, again.weights_of = "two", "one"

    # ---- numbers ----

    def _change_shapes(self, inputs: list[Any]) -> None:
        rng = self.rng
        if not inputs:
            return
        for entry in inputs if rng.random() < 0.6 else [rng.choice(inputs)]:
            dims = entry.shape.dims
            match rng.randrange(6):
                case 0 if len(dims) > 0:
                    del dims[rng.randrange(len(dims))]
                case 1 if len(dims) < 8:
                    dims.insert(rng.randint(0, len(dims)), self._dim())
                case 2 if self.wild:
                    entry.shape.ClearField("dims")
                    dims.extend(self._dim() for _ in range(rng.randint(0, 8)))
                case _ if len(dims) > 0:
                    for _ in range(rng.choice([1, 1, 2, 3])):
                        dims[rng.randrange(len(dims))].CopyFrom(self._dim())

    def _dim(self) -> tensor_pb2.Dim:
        rng = self.rng
        if rng.random() < 0.3:
            return tensor_pb2.Dim(expression=rng.choice(SYMBOLS))
        return tensor_pb2.Dim(size=rng.choice(WILD_SIZES if rng.random() < self.wild else SIZES))

    def _change(self, message: Any, depth: int) -> None:
        """Changes one field of a message, or of one inside it."""
        rng, fields = self.rng, list(message.DESCRIPTOR.fields)
        if not fields:
            return
        field = rng.choice(fields)
        target: Any = getattr(message, field.name)
        if rng.random() < 0.1:
            message.ClearField(field.name)
        elif field.is_repeated and field.message_type:
            self._change_list(target, lambda: self._fill(target.add(), depth + 1))
            if len(target) and rng.random() < 0.6:
                self._change(rng.choice(list(target)), depth + 1)
        elif field.is_repeated:
            self._change_list(target, lambda: target.append(self._value(field)))
            if len(target) and rng.random() < 0.6:
                target[rng.randrange(len(target))] = self._value(field)
        elif field.message_type:
            if not message.HasField(field.name) or rng.random() < 0.4:
                message.ClearField(field.name)
                getattr(message, field.name).SetInParent()
                self._fill(getattr(message, field.name), depth + 1)
            else:
                self._change(target, depth + 1)
        else:
            setattr(message, field.name, self._value(field))

    def _change_list(self, target: Any, add: Any) -> None:
        rng = self.rng
        if rng.random() < self.wild * 0.3:
            for _ in range(100):
                add()
        elif len(target) == 0 or rng.random() < 0.2:
            for _ in range(rng.choice([1, 1, 2, 2, 3])):
                add()
        elif rng.random() < 0.2:
            del target[rng.randrange(len(target))]

    def _fill(self, message: Any, depth: int) -> None:
        """Fields of a message that was empty: one of a union, several of others."""
        rng, unions = self.rng, message.DESCRIPTOR.oneofs
        fields = list(message.DESCRIPTOR.fields)
        if message.DESCRIPTOR.name == "Layer":
            message.CopyFrom(encode_stack(example_stack(rng.choice(rng.choice(KINDS).examples()))).layers[-1])
            return
        if message.DESCRIPTOR.name == "Dim":
            message.CopyFrom(self._dim())
            return
        if unions and not all(len(union.fields) == 1 for union in unions):
            fields = [rng.choice(fields)]
        elif not self.wild or rng.random() < 0.7:
            fields = [field for field in fields if field.is_repeated or not field.has_presence or rng.random() < 0.5]
        for field in fields:
            if depth > 4:
                break
            if field.message_type and field.is_repeated:
                for _ in range(rng.choice([1, 2, 2])):
                    self._fill(getattr(message, field.name).add(), depth + 1)
            elif field.message_type:
                getattr(message, field.name).SetInParent()
                self._fill(getattr(message, field.name), depth + 1)
            elif field.is_repeated:
                getattr(message, field.name).extend(self._value(field) for _ in range(rng.choice([0, 1, 2, 2, 3])))
            else:
                setattr(message, field.name, self._value(field))

    def _value(self, field: Any) -> Any:
        rng, wild = self.rng, self.rng.random() < self.wild
        match field.cpp_type:
            case field.CPPTYPE_STRING:
                return rng.choice(WILD_TEXTS if wild else EQUATIONS if field.name == "equation" else (*"ab", "x0", "T"))
            case field.CPPTYPE_DOUBLE:
                return rng.choice(WILD_FLOATS if wild else FLOATS)
            case field.CPPTYPE_BOOL:
                return rng.random() < 0.5
            case field.CPPTYPE_ENUM:
                return rng.choice([99, -1]) if wild else rng.choice(field.enum_type.values).number
        return rng.choice(WILD) if wild else rng.choice((-2, -1, 0, 1, 1, 2, 2, 3, 4, 5, 6, 8))
