"""A recurrent layer walked in both directions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.activations.functions import Relu
from lamina_server.layers.base import Derivation, Example, Inference, Kind, Output, Sdk, Window, option
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.recurrent.cells import Pass
from lamina_server.layers.recurrent.conv_lstm import ConvLSTM
from lamina_server.layers.recurrent.dense_cells import GRUCell, LSTMCell, SimpleRNNCell
from lamina_server.layers.recurrent.rnn import GRU, LSTM, MASKED, RNN, SimpleRNN, check_inside
from lamina_server.layers.recurrent.walks import Recurrent, WalkOptions, chain, ends, level_name, way
from lamina_server.layers.tensors import DType, Layout, Role, Spec
from lamina_server.words import snake_case


class Merge(StrEnum):
    """What becomes of the outputs of two directions."""

    SUM = "sum"
    MUL = "mul"
    CONCAT = "concat"
    AVE = "ave"
    NONE = "none"


_OPERATORS = {Merge.SUM: "Add", Merge.MUL: "Mul", Merge.AVE: "Add"}
_SAID = {Merge.SUM: "added", Merge.MUL: "multiplied", Merge.AVE: "averaged"}


@dataclass(frozen=True)
class Bidirectional(Recurrent):
    """A recurrent layer from the first step to the last, another from the last to the first, and both outputs merged.

    Last outputs: the one after the last step forwards and the one after the first step backwards. States, initial ones
    as inputs too, and weights: all of forward/..., then all of backward/... A mask of bool, (batch, steps), may be an
    input: where it is false every step's output is zeros, as in Keras. Parameters are those of both directions.
    A layer with num_layers is stacked as in PyTorch: above the first, each takes both directions' outputs, joined.
    """

    layer: Recurrent = option("the recurrent layer")
    merge_mode: Merge = option(
        "sum, mul, concat (on the last axis), ave; none: two outputs, one named backward",
        Merge.CONCAT,
        usual="concat",
    )
    backward_layer: Recurrent | None = option("layer of the other direction; the same reversed where not given", None)

    sdk = (Sdk("Bidirectional"),)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        every = LSTM(4, return_sequences=True, return_state=True)
        return (
            Example(cls(LSTM(6)), ((5, 3),)),
            Example(cls(replace(every, num_layers=2)), ((7, 2),)),
            Example(cls(every, Merge.AVE), ((5, 3), (4,), (4,), (4,), (4,)), Layout.CHANNELS_FIRST),
            Example(cls(GRU(4), Merge.NONE, SimpleRNN(5, Relu(), go_backwards=True)), ((5, 3),)),
            Example(cls(RNN((GRUCell(3), LSTMCell(4)), return_sequences=True), Merge.MUL), ((5, 3),)),
            Example(cls(RNN((SimpleRNNCell(3),), go_backwards=True, return_sequences=True), Merge.SUM), ((5, 3),)),
            Example(cls(ConvLSTM(3, (2, 3), padding="same", return_sequences=True)), ((3, 4, 5, 2),)),
            Example(cls(replace(every, num_layers=2)), ((7, 2), (7,)), dtypes=MASKED),
            Example(cls(GRU(4)), ((5, 3), (4,), (4,), (5,)), dtypes=(*[DType.FLOAT32] * 3, DType.BOOL)),
        )

    @property
    def walk(self) -> WalkOptions:
        return self.layer.walk

    @property
    def zeros_where_masked(self) -> bool:
        return self.walk.return_sequences  # Keras sets it so, whatever the layers have

    @property
    def held(self) -> Kind:
        return self.layer

    def holding(self, kind: Kind) -> "Bidirectional":
        assert isinstance(kind, Recurrent)
        return replace(self, layer=kind)

    @property
    def backward(self) -> Recurrent:
        """The layer of the other direction."""
        if self.backward_layer is not None:
            return self.backward_layer
        return replace(self.layer, go_backwards=not self.walk.go_backwards)

    def with_sequences(self) -> "Recurrent":
        other = self.backward_layer.with_sequences() if self.backward_layer is not None else None
        return replace(self, layer=self.layer.with_sequences(), backward_layer=other)

    def check(self) -> None:
        check_inside("layer", f"layer.{_member(self.layer)}.", self.layer)
        other = self.backward_layer
        if other is None:
            return
        check_inside("backward_layer", f"backward_layer.{_member(other)}.", other)
        if other.walk.go_backwards == self.walk.go_backwards:
            said = f"go_backwards={other.walk.go_backwards}"
            raise _disagree(f"both layers have {said}; one must read forwards and the other backwards")
        for name in ("return_sequences", "return_state"):
            values = getattr(self.walk, name), getattr(other.walk, name)
            if values[0] != values[1]:
                raise _disagree(f"layer has {name}={values[0]} and backward_layer {name}={values[1]}; they must agree")
        if len(self.layer.step_roles(Layout.CHANNELS_LAST)) != len(other.step_roles(Layout.CHANNELS_LAST)):
            raise _disagree(f"layer is a {self.layer.title} and backward_layer a {other.title}, which take other axes")
        if _levels(self.layer) != _levels(other):
            raise _disagree(f"layer has num_layers={_levels(self.layer)} and backward_layer {_levels(other)}")

    def step_roles(self, layout: Layout) -> tuple[Role, ...]:
        return self.layer.step_roles(layout)

    def passes(self, frame: Spec, layout: Layout) -> tuple[Pass, ...]:
        layers = ((self.layer, "forward/", "layer"), (self.backward, "backward/", self._other))
        ways = [(layer, name, f"{path}.{_member(layer)}.") for layer, name, path in layers]
        if _levels(self.layer) > 1:
            return self._stacked(frame, layout, ways)
        passes: tuple[Pass, ...] = ()
        for second, (layer, name, path) in enumerate(ways):
            more = {"name": name, "path": path, "second": bool(second), "first": len(passes)}
            passes += chain(layer, frame, layout, reverse=layer.walk.go_backwards, **more)  # type: ignore[arg-type]
        return passes

    @property
    def _other(self) -> str:
        return "layer" if self.backward_layer is None else "backward_layer"

    def _stacked(self, frame: Spec, layout: Layout, ways: list[tuple[Recurrent, str, str]]) -> tuple[Pass, ...]:
        """As PyTorch: above the first, each level takes both directions' outputs, joined."""
        passes: list[Pass] = []
        for i in range(_levels(self.layer)):
            below = (len(passes) - 2, len(passes) - 1) if i else ()
            for second, (layer, name, path) in enumerate(ways):
                own = level_name(name, i, _levels(self.layer))
                cell = layer.tower(layout)[i]
                passes.append(way(cell, frame, own, path, layer.walk.go_backwards, bool(second), below))
            widths = [p.states[0].shape[-1] for p in passes[-2:]]
            frame = frame.resized(1, widths[0] + widths[1])
        return tuple(passes)

    def put_out(self, passes: Sequence[Pass], frame: Spec) -> tuple[list[Output], list[Derivation]]:
        (one, rows), (other, _) = (layer.put_out([passes[i]], frame) for layer, i in self._ended(passes))
        a, b = one[0].spec, other[0].spec
        row = rows[-1]._replace(reason=rows[-1].reason.replace(self.layer.which, self.which))
        if self.merge_mode is Merge.NONE:
            return [Output("", a), Output("backward", b)], [*rows[:-1], row]
        axis = a.rank - 1
        if a.shape[:axis] != b.shape[:axis] or (self.merge_mode is not Merge.CONCAT and a != b):
            raise LayerError(
                "SIZE_MISMATCH",
                f'has merge_mode="{self.merge_mode}", but one direction gives {a} and the other {b}',
                field="backward_layer",
            )
        if self.merge_mode is not Merge.CONCAT:
            said = f"Both directions' outputs are {_SAID[self.merge_mode]}."
            return [Output("", a)], [*rows[:-1], row._replace(reason=f"{row.reason} {said}")]
        width, back = a.shape[-1], b.shape[-1]
        derived = derive("forward + backward", forward=width, backward=back)
        role, before = a.axes[-1].role, frame.shape[-1]
        reason = f"Both directions' outputs lie side by side; {self.which}."
        rest = [other for other in rows if other.axis != axis]
        return [Output("", a.resized(axis, derived.value))], [*rest, Derivation(axis, role, before, derived, reason)]

    def _ended(self, passes: Sequence[Pass]) -> list[tuple[Recurrent, int]]:
        return list(zip((self.layer, self.backward), ends(passes), strict=True))

    def how(self, frame: Spec, main: Spec) -> str:
        return self.layer.how(frame, main)

    def spatial(self, frame: Spec, layout: Layout) -> tuple[tuple[Window, ...], tuple[int, ...]]:
        return self.layer.spatial(frame, layout)

    @property
    def which(self) -> str:
        if self.walk.return_sequences:
            return super().which
        return (
            "only the last outputs are returned, the one after the last step forwards and the one after the first step "
            "backwards; return_sequences=True would keep the steps"
        )

    def reason(self, passes: Sequence[Pass]) -> str:
        said = super().reason(passes)
        return f"In each direction, {said[0].lower()}{said[1:]}"

    def joined(self, graph: Graph, mains: Sequence[Value], done: Inference) -> Sequence[Value]:
        one, other = mains
        if self.merge_mode is Merge.NONE:
            return [one._replace(spec=done.outputs[0].spec), other._replace(spec=done.outputs[1].spec)]
        names = [one.name, other.name]
        if self.merge_mode is Merge.CONCAT:
            name = graph.node("Concat", names, axis=one.physical(done.spec.rank - 1))
        else:
            name = graph.node(_OPERATORS[self.merge_mode], names)
        if self.merge_mode is Merge.AVE:
            name = graph.node("Mul", [name, graph.const(0.5, done.spec.dtype)])
        return [Value(name, one.order, done.spec)]


def _levels(layer: Recurrent) -> int:
    """How many levels both directions meet behind; 1 where each direction runs on its own."""
    return getattr(layer, "num_layers", 1)


def _member(layer: Recurrent) -> str:
    return snake_case(type(layer).__name__)


def _disagree(text: str) -> LayerError:
    return LayerError("UNSUPPORTED", f"cannot walk in both directions: {text}", field="backward_layer")
