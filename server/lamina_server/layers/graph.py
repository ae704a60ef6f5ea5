"""The ONNX side of emission: a small builder over plain protobuf that knows how every tensor lies in memory.

A trace speaks of logical axes (channels last, say) while ONNX's spatial operators want channels first. A `Value`
carries the order in which its tensor really lies; `arrange` transposes only where an operator needs another order,
and only once per tensor and order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import onnx

from lamina_server.dims import Atom, Dim, Size
from lamina_server.layers.tensors import DType, Layout, Spec, channel_axis

_SPELLED = {DType.FLOAT32: "FLOAT", DType.FLOAT64: "DOUBLE"}
ELEMENT: dict[DType, int] = {
    dtype: onnx.TensorProto.DataType.Value(_SPELLED.get(dtype, dtype.value.upper())) for dtype in DType
}
# Operators that ONNX itself does not define for a type.
_FLOAT32_ONLY = {DType.FLOAT16: {"Celu"}, DType.BFLOAT16: {"Celu", "Shrink"}}
Array = np.ndarray[Any, Any]


class Value(NamedTuple):
    """A tensor in the graph: physical axis i holds logical axis `order[i]` of `spec`."""

    name: str
    order: tuple[int, ...]
    spec: Spec

    def physical(self, axis: int) -> int:
        """Where a logical axis lies."""
        return self.order.index(axis)


class Graph:
    """Collects nodes and initializers. `scope` is the layer being emitted: it prefixes every name; `owner` is the one
    whose weights it uses."""

    def __init__(self, weights: Mapping[str, Array], layout: Layout) -> None:
        self.layout = layout
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.scope = self.owner = ""
        self._weights = weights
        self._count = 0
        self._written: dict[str, Array] = {}
        self._memo: dict[tuple[Any, ...], str] = {}
        self._symbols: dict[str, tuple[str, int]] = {}
        self._prefix = ""  # of a body: what all its names start with,
        self._fed: list[onnx.ValueInfoProto] = []  # and what it is given

    def declare(self, value: Value) -> None:
        """Remembers where the symbols of an input can be read at run time."""
        for index, size in enumerate(value.spec.shape):
            if isinstance(size, Dim):
                self._symbols.setdefault(size.text, (value.name, index))

    def node(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Adds a node with one output and returns the output's name."""
        return self.nodes_out(op, inputs, 1, **attributes)[0]

    def nodes_out(self, op: str, inputs: Sequence[str], count: int, **attributes: Any) -> list[str]:
        """Adds a node with several outputs and returns their names. Attributes that are None are left out."""
        name = self._name(op)
        outputs = [name if count == 1 else f"{name}_{i}" for i in range(count)]
        node = onnx.NodeProto(op_type=op, name=name, input=inputs, output=outputs)
        for key, value in attributes.items():
            if value is not None:
                node.attribute.append(_attribute(key, value))
        self.nodes.append(node)
        return outputs

    def cast(self, name: str, dtype: DType) -> str:
        """A tensor with its elements as another type."""
        return self.node("Cast", [name], to=ELEMENT[dtype])

    def single(self, op: str, inputs: Sequence[str], dtype: DType, **attributes: Any) -> str:
        """A node of an operator that ONNX may lack in half precision: it computes in float32, and rounds once.

        float64 is never computed in less: where ONNX Runtime lacks it, the run is refused.
        """
        if op not in _FLOAT32_ONLY.get(dtype, ()):
            return self.node(op, inputs, **attributes)
        return self.cast(self.node(op, [self.cast(name, DType.FLOAT32) for name in inputs], **attributes), dtype)

    def const(self, array: Any, dtype: DType) -> str:
        """A constant tensor; equal ones are stored once. Where it meets a tensor, `dtype` is that tensor's.

        A number beyond a floating-point type is infinite in it.
        """
        with np.errstate(over="ignore"):
            data = np.ascontiguousarray(array, dtype=dtype.numpy).reshape(np.shape(array))
        key = ("const", data.dtype.name, data.shape, data.tobytes())
        if key not in self._memo:
            # A name that no layer, nor one inside it, can have.
            self._memo[key] = self._initializer(f"/const/{len(self._memo)}", data)
        return self._memo[key]

    def lowest(self, dtype: DType) -> str:
        """The lowest finite number of a floating-point type: beside any other a softmax makes 0 of it."""
        return self.const(ml_dtypes.finfo(dtype.numpy).min, dtype)  # type: ignore[no-untyped-call]

    def ints(self, values: Iterable[int]) -> str:
        """A constant vector of int64."""
        return self.const(np.asarray(list(values)), DType.INT64)

    def weight(self, name: str, change: Callable[[Array], Array] | None = None) -> str:
        """A weight of the layer being emitted, as it is or changed into ONNX's layout."""
        full = f"{self.owner}/{name}"
        data = self._weights[full]
        made = np.ascontiguousarray(change(data) if change else data)
        for i in count():  # layers that share a weight share its tensor, unless one of them lays it out otherwise
            name = f"{full}/{i}" if i else full
            kept = self._written.get(name)
            if kept is None:
                self._written[name] = made
                return self._initializer(name, made)
            if kept.shape == made.shape and np.array_equal(kept, made):
                return self._prefix + name
        raise AssertionError

    def arrange(self, value: Value, order: Sequence[int] | None = None) -> str:
        """The tensor with its axes in another order (by default the logical one)."""
        order = tuple(order) if order is not None else tuple(range(value.spec.rank))
        if value.order == order:
            return value.name
        perm = tuple(value.physical(axis) for axis in order)
        key = ("transpose", value.name, perm)  # not `order`: Permute reads one tensor in a second order
        if key not in self._memo:
            name = self.node("Transpose", [value.name], perm=perm)
            if value.spec.dtype is DType.FLOAT16 and perm[0] != 0:
                # ONNX Runtime 1.32 dies of a float16 MatMul just behind a Transpose that moves the first axis.
                name = self.node("Reshape", [name, self.ints([0] * len(perm))])
            self._memo[key] = name
        return self._memo[key]

    def logical(self, name: str, spec: Spec) -> Value:
        """A value that lies as the trace writes it."""
        return Value(name, tuple(range(spec.rank)), spec)

    def spatial_order(self, spec: Spec, layout: Layout) -> tuple[int, ...]:
        """The order (batch, channels, spatial...) that ONNX's spatial operators want."""
        channels = channel_axis(spec.rank, layout)
        return (0, channels, *(axis for axis in range(1, spec.rank) if axis != channels))

    def body(self) -> "Graph":
        """A graph for `scan`. It sees nothing of this one: what it needs is fed to it, or a constant of its own."""
        inner = Graph(self._weights, self.layout)
        inner.scope, inner.owner, inner._prefix = self.scope, self.owner, f"{self._name('body')}/"
        return inner

    def feed(self, spec: Spec, order: Sequence[int]) -> Value:
        """A tensor that this body is given at each step."""
        value = Value(self._name("fed"), tuple(order), spec)
        self._fed.append(_typed(value.name, spec.dtype))
        return value

    def scan(
        self, body: "Graph", initial: Sequence[str], over: Sequence[str], results: Sequence[str], *, reverse: bool
    ) -> list[str]:
        """Runs a body once for each index of the first axis of `over`, from the last to the first if `reverse`.

        The body is fed its states, `initial` at first, then the slices of `over`. Of its `results`, all of the type of
        what it is fed first, the leading ones are its next states; the others are stacked, each where its slices stood.
        Returns the last states and the stacked results.
        """
        named = [body.node("Identity", [name]) for name in results]  # a body must not return one tensor twice
        graph = onnx.GraphProto(name=body._prefix, node=body.nodes, initializer=body.initializers, input=body._fed)
        dtype = graph.input[0].type.tensor_type.elem_type
        for name in named:
            graph.output.add(name=name).type.tensor_type.elem_type = dtype
        stacked = len(results) - len(initial)
        return self.nodes_out(
            "Scan",
            [*initial, *over],
            len(results),
            body=graph,
            num_scan_inputs=len(over),
            scan_input_directions=[1] * len(over) if reverse else None,
            scan_output_directions=[1] * stacked if reverse else None,
        )

    def shape(self, sizes: Sequence[Size]) -> str:
        """A vector of int64 with these sizes: a constant, or computed from the inputs at run time."""
        if all(isinstance(size, int) for size in sizes):
            return self.ints(sizes)  # type: ignore[arg-type]  # all int
        return self.node("Concat", [self.size(size) for size in sizes], axis=0)

    def size(self, size: Size) -> str:
        """A size as a vector of one int64: a constant, or arithmetic over the inputs' shapes."""
        if isinstance(size, int):
            return self.ints([size])
        key = ("size", size.text)
        if key not in self._memo:
            self._memo[key] = self._sum([self._term(key, n) for key, n in size.terms])
        return self._memo[key]

    def range(self, size: Size) -> str:
        """0, 1, ... below a size, as a vector of int64: computed, since no constant may be as long as an axis."""
        key = ("range", str(size))
        if key not in self._memo:
            zero, one = self.const(0, DType.INT64), self.const(1, DType.INT64)
            end = self.const(size, DType.INT64) if isinstance(size, int) else self.node("Squeeze", [self.size(size)])
            self._memo[key] = self.node("Range", [zero, end, one])
        return self._memo[key]

    def column(self, name: str) -> str:
        """A vector as a column. Not by Unsqueeze: onnx takes whole numbers for shapes, and follows them through it."""
        return self.node("Reshape", [name, self.ints([-1, 1])])

    def _term(self, key: tuple[tuple[Atom, int], ...], n: int) -> str:
        factors = [self._atom(atom) for atom, power in key for _ in range(power)]
        if n != 1 or not factors:
            factors.append(self.ints([n]))
        return self._fold("Mul", factors)

    def _sum(self, terms: list[str]) -> str:
        return self._fold("Add", terms)

    def _fold(self, op: str, names: list[str]) -> str:
        result = names[0]
        for name in names[1:]:
            result = self.node(op, [result, name])
        return result

    def _atom(self, atom: Atom) -> str:
        if atom.inner is None:
            tensor, axis = self._symbols[atom.text]
            return self.node("Shape", [tensor], start=axis, end=axis + 1)
        if atom.divisor:  # a canonical numerator is never negative, so truncation is floor
            return self.node("Div", [self.size(atom.inner), self.ints([atom.divisor])])
        return self.node("Max", [self.size(atom.inner), self.ints([0])])

    def _name(self, op: str) -> str:
        self._count += 1
        return f"{self._prefix}{self.scope}/{op}_{self._count}"

    def _initializer(self, name: str, data: Array) -> str:
        name = self._prefix + name
        tensor = onnx.TensorProto(name=name, dims=data.shape, data_type=ELEMENT[DType(data.dtype.name)])
        tensor.raw_data = data.tobytes()
        self.initializers.append(tensor)
        return name


def _typed(name: str, dtype: DType) -> onnx.ValueInfoProto:
    info = onnx.ValueInfoProto(name=name)
    info.type.tensor_type.elem_type = ELEMENT[dtype]
    return info


def _attribute(name: str, value: Any) -> onnx.AttributeProto:
    kind = onnx.AttributeProto
    if isinstance(value, onnx.GraphProto):
        return kind(name=name, type=kind.GRAPH, g=value)
    if isinstance(value, str):
        return kind(name=name, type=kind.STRING, s=value.encode())
    if isinstance(value, float):
        return kind(name=name, type=kind.FLOAT, f=value)
    if isinstance(value, int):
        return kind(name=name, type=kind.INT, i=int(value))
    values = list(value)
    if values and isinstance(values[0], str):
        return kind(name=name, type=kind.STRINGS, strings=[item.encode() for item in values])
    if values and isinstance(values[0], float):
        return kind(name=name, type=kind.FLOATS, floats=values)
    return kind(name=name, type=kind.INTS, ints=values)
