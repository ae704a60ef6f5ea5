"""What a trace says, for Python: read from the message when asked for, each part once."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from google.protobuf import json_format

from lamina.diagnostics import Diagnostic
from lamina.enums import name_of
from lamina.errors import UnknownNameError, suggest
from lamina.specs import (
    AppliedPad,
    Derivation,
    Elsewhere,
    Note,
    ReceptiveField,
    Size,
    TensorSpec,
    Unused,
    WeightSpec,
    size_of,
)
from lamina.typing import Role
from lamina.v1 import options_pb2, trace_pb2


@dataclass(frozen=True, eq=False, repr=False)
class LayerTrace:
    """Everything known of one layer. Sizes are ints, None for the batch, and `Dim` where a symbol decides."""

    proto: trace_pb2.LayerTrace

    @property
    def name(self) -> str:
        """Name, given or default."""
        return self.proto.name

    @property
    def kind(self) -> str:
        """Keras class name: "Conv1D"."""
        return self.proto.kind

    @property
    def summary(self) -> str:
        """As one would write it: "Conv1D(100, 10)"."""
        return self.proto.summary

    @cached_property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Tensors it takes, with the role of each axis."""
        return tuple(map(TensorSpec.from_proto, self.proto.inputs))

    @cached_property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Tensors it gives, with the role of each axis."""
        return tuple(map(TensorSpec.from_proto, self.proto.outputs))

    @property
    def input_shapes(self) -> tuple[tuple[Size | None, ...], ...]:
        """Shape of each input, in order."""
        return tuple(spec.shape for spec in self.inputs)

    @property
    def output_shape(self) -> tuple[Size | None, ...]:
        """Shape of the (first) output: (None, 119, 100)."""
        return self.outputs[0].shape

    @property
    def output_shapes(self) -> dict[str, tuple[Size | None, ...]]:
        """Shape of each output by name: "lstm", "lstm:state_h"."""
        return {spec.name: spec.shape for spec in self.outputs}

    @property
    def axes(self) -> tuple[Role, ...]:
        """What the axes of the (first) output mean: ("batch", "steps", "channels")."""
        return self.outputs[0].roles

    @cached_property
    def derivations(self) -> tuple[Derivation, ...]:
        """Why: one for each axis that changes, appears, or is kept for a reason worth saying."""
        return tuple(map(Derivation.from_proto, self.proto.derivations))

    @property
    def how(self) -> str:
        """One line: "steps 128 - 10 + 1 = 119"."""
        return self.proto.how

    @property
    def explanation(self) -> str:
        """The derivations, pads, unused elements and parameters in words."""
        return self.proto.explanation

    @cached_property
    def pads(self) -> tuple[AppliedPad, ...]:
        """Padding, for each axis that a window moves along."""
        return tuple(map(AppliedPad.from_proto, self.proto.pads))

    @cached_property
    def unused(self) -> tuple[Unused, ...]:
        """What no window reads, for each axis where that is not nothing."""
        return tuple(map(Unused.from_proto, self.proto.unused))

    @cached_property
    def weights(self) -> tuple[WeightSpec, ...]:
        """Weights it needs."""
        return tuple(map(WeightSpec.from_proto, self.proto.weights))

    @property
    def params(self) -> int:
        """Number of weights."""
        return self.proto.trainable_params + self.proto.non_trainable_params

    @property
    def trainable_params(self) -> int:
        """How many of them training changes by gradient."""
        return self.proto.trainable_params

    @property
    def non_trainable_params(self) -> int:
        """How many it does not: moving statistics."""
        return self.proto.non_trainable_params

    @property
    def params_formula(self) -> str:
        """Their number in names, "filters * (k * c + 1)"; "" where there are none."""
        return self.proto.params.formula

    @property
    def params_expression(self) -> str:
        """Their number with the numbers put in, "100 * (10 * 9 + 1)"; "" where there are none."""
        return self.proto.params.substitution

    @cached_property
    def macs(self) -> Size:
        """Multiply-adds per sample: products summed by a kernel; biases, activations and pooling do not count."""
        return size_of(self.proto.macs.value)

    @cached_property
    def bias_adds(self) -> Size:
        """Additions of biases per sample, which `macs` leaves out."""
        return size_of(self.proto.bias_adds.value)

    @cached_property
    def elsewhere(self) -> tuple[Elsewhere, ...]:
        """What torchinfo, fvcore, PyTorch or Keras would print instead, and why."""
        return tuple(map(Elsewhere.from_proto, self.proto.elsewhere))

    @cached_property
    def output_bytes(self) -> Size:
        """Bytes of the outputs, per sample."""
        return size_of(self.proto.output_bytes)

    @cached_property
    def receptive_field(self) -> tuple[ReceptiveField, ...]:
        """What one output element sees of the input, for each axis that windows move along; empty where it sees all."""
        return tuple(map(ReceptiveField.from_proto, self.proto.receptive_field))

    @cached_property
    def layers(self) -> "tuple[LayerTrace, ...]":
        """The layers inside a layer that holds others; their names begin with its own: "res1/conv2d"."""
        return tuple(map(LayerTrace, self.proto.layers))

    @property
    def weights_of(self) -> str:
        """The layer whose weights it shares; "" where they are its own."""
        return self.proto.weights_of

    def walk(self) -> "Iterator[LayerTrace]":
        """The layer, and those inside it, in the order in which they run."""
        yield self
        for layer in self.layers:
            yield from layer.walk()

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """Surprises."""
        return tuple(map(Note.from_proto, self.proto.notes))

    def __repr__(self) -> str:
        shape = ", ".join("None" if size is None else str(size) for size in self.output_shape)
        return f"LayerTrace({self.name!r}, {self.summary!r}, ({shape}{',' * (len(self.output_shape) == 1)}))"


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """The shape of every tensor of a stack and why. Prints as a table; `trace["conv1d"]` is one layer.

    `name` is the name it was asked for by, "" for a stack sent inline. `diagnostics` are the faults of a trace asked
    for with `partial=True`; the layers are then those before the fault. `stack_id` is the content id of a registered
    stack, else "".
    """

    proto: trace_pb2.StackTrace
    name: str = ""
    stack_id: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()

    @cached_property
    def layers(self) -> tuple[LayerTrace, ...]:
        """Layers, in the stack's order."""
        return tuple(map(LayerTrace, self.proto.layers))

    def walk(self) -> Iterator[LayerTrace]:
        """Every layer, those inside others among them, in the order in which they run."""
        for layer in self.layers:
            yield from layer.walk()

    @property
    def layout(self) -> str:
        """Where the channel axis stands: "channels_last" or "channels_first"."""
        return name_of(options_pb2.Layout.DESCRIPTOR, self.proto.layout)

    @cached_property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What the caller feeds."""
        return tuple(map(TensorSpec.from_proto, self.proto.inputs))

    @cached_property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What comes back."""
        return tuple(map(TensorSpec.from_proto, self.proto.outputs))

    @property
    def params(self) -> int:
        """Number of weights."""
        return self.proto.params

    @property
    def trainable_params(self) -> int:
        """How many of them training changes by gradient."""
        return self.proto.trainable_params

    @cached_property
    def macs(self) -> Size:
        """Multiply-adds per sample; see `LayerTrace.macs`."""
        return size_of(self.proto.macs)

    @cached_property
    def bias_adds(self) -> Size:
        """Additions of biases per sample."""
        return size_of(self.proto.bias_adds)

    @cached_property
    def flops(self) -> Size:
        """Floating-point operations per sample: two for each multiply-add, one for each addition of a bias."""
        return size_of(self.proto.flops)

    @cached_property
    def peak_activation_bytes(self) -> Size | None:
        """Most bytes of activations alive at once, per sample; None where no single expression says it."""
        known = self.proto.HasField("peak_activation_bytes")
        return size_of(self.proto.peak_activation_bytes) if known else None

    @property
    def symbols(self) -> dict[str, int]:
        """Smallest legal value of each symbol other than the batch."""
        return {symbol.name: symbol.minimum for symbol in self.proto.symbols}

    @property
    def notes(self) -> tuple[tuple[str, Note], ...]:
        """All surprises, with the name of their layer."""
        return tuple((layer.name, note) for layer in self.walk() for note in layer.notes)

    @cached_property
    def _by_name(self) -> dict[str, LayerTrace]:
        return {layer.name: layer for layer in self.walk()}

    def __getitem__(self, name: str) -> LayerTrace:
        if name not in self._by_name:
            raise UnknownNameError(f"The trace has no layer {name!r}.{suggest(name, self._by_name, what='layer')}")
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[LayerTrace]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def explain(self, name: str) -> str:
        """One layer in words and numbers, its notes and what other tools count below.

        Raises UnknownNameError for a layer that is not here.
        """
        layer = self[name]
        notes = [f"note: {note.text}" for note in layer.notes]
        return "\n".join([layer.explanation, *notes, *(f"{count}." for count in layer.elsewhere)])

    def to_text(self) -> str:
        """As a table for a terminal, notes below."""
        from lamina.render.text import trace_text

        return trace_text(self)

    def to_markdown(self) -> str:
        """As a Markdown table, notes below."""
        from lamina.render.markdown import trace_markdown

        return trace_markdown(self)

    def to_html(self) -> str:
        """As an HTML fragment that needs no style sheet, notes below."""
        from lamina.render.html import trace_html

        return trace_html(self)

    def to_json(self, *, indent: int | None = 2) -> str:
        """The whole trace as ProtoJSON of `lamina.v1.StackTrace`."""
        return json_format.MessageToJson(self.proto, indent=indent)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        called = f"{self.name!r}, " if self.name else ""
        return f"Trace({called}{len(self.layers)} layers, {self.params} params)"

    def _repr_html_(self) -> str:
        return self.to_html()

    def _repr_markdown_(self) -> str:
        return self.to_markdown()
