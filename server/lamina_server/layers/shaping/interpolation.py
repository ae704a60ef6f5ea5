"""How resizing is written in ONNX: axis by axis, each a product with a table of weights that the graph computes.

A table has a row for each place in the output and a column for each element of the input, so that sizes may be symbols
and every rule is one formula. ONNX Runtime's Resize is used where it is right and fast: whole copies, and linear by
sizes (its cubic takes forty times as long as the tables, and its nearest does not round as PyTorch's). Coordinates are
those of pixel centres, (o + 1/2) step - 1/2, or of aligned corners, o (L - 1) / (O - 1).
"""

from collections.abc import Sequence
from math import pi
from typing import NamedTuple

from lamina_server.dims import Size, exact_div, product
from lamina_server.errors import LayerError
from lamina_server.layers.base import grouped
from lamina_server.layers.graph import ELEMENT, Graph, Value
from lamina_server.layers.pads import pad
from lamina_server.layers.shaping.repeating import repeated
from lamina_server.layers.shaping.reshaping import reshape
from lamina_server.layers.tensors import DType, Role

MAX_TABLE = 2**23  # weights of one axis, 64 MiB: an image of 4096 rows becomes one of 2048
_MOST_COPIES = 40  # up to here i / copies rounds down right in float32, as PyTorch computes it too
_RESIZES = {DType.FLOAT32, DType.FLOAT16, DType.INT8, DType.UINT8, DType.INT32}  # what ONNX Runtime's Resize takes
_WORDS = {
    "nearest": "Each place takes the element at or before it",
    "nearest_exact": "Each place takes the element nearest to its centre",
    "linear": "Between {} runs a straight line",
    "cubic": "Between {} runs a cubic",
    "lanczos3": "Between {} runs a sum of waves",
    "lanczos5": "Between {} runs a sum of waves",
    "area": "Each place is the mean of the elements that it stands for",
}
_DOUBLE, _SINGLE, _WHOLE = ELEMENT[DType.FLOAT64], ELEMENT[DType.FLOAT32], ELEMENT[DType.INT64]


class Resampled(NamedTuple):
    """One axis: its length before and after, and the step between neighbours where it is not length / out."""

    axis: int
    length: Size
    out: Size
    step: float | None = None


class Method(NamedTuple):
    """How values between elements are found.

    `name` is nearest, nearest_exact, linear, cubic (with coefficient `a`), lanczos3, lanczos5 or area. Beyond the ends
    the edge is repeated, or (`inside`) what is there is left out and the other weights are scaled to sum to 1.
    Where out is one of the `whole` multiples of the length, the step is taken from them even if another is given.
    """

    name: str
    align_corners: bool = False
    antialias: bool = False
    inside: bool = False
    a: float = -0.75
    whole: tuple[int, ...] = ()

    @property
    def words(self) -> str:
        """How values are found, in sentences."""
        between = "elements, the first and the last in their places," if self.align_corners else "centres"
        fewer = " Where places are fewer than elements, each averages over its share." if self.antialias else ""
        return f"{_WORDS[self.name].format(between)}.{fewer}"


def resample(graph: Graph, x: Value, axes: Sequence[Resampled], method: Method) -> Value:
    """The tensor with some axes of other lengths."""
    axes = [one for one in axes if one.step is not None or one.length != one.out]
    if method.name.startswith("nearest"):
        copies = {one.axis: n for one in axes if isinstance(n := _copies(one, method), int)}
        if len(copies) == len(axes) and max(copies.values(), default=1) <= _MOST_COPIES:
            return copied(graph, x, copies)
        for one in axes:
            name = graph.node("Gather", [x.name, _indices(graph, one, method)], axis=x.physical(one.axis))
            x = x._replace(name=name, spec=x.spec.resized(one.axis, one.out))
        return x
    if axes and not by_table(axes, method, x.spec.dtype):
        return _resized(graph, x, axes, method)
    for one in axes:
        x = _weighed(graph, x, one, method)
    return x


def by_table(axes: Sequence[Resampled], method: Method, dtype: DType) -> bool:
    """Whether tables of weights are needed, rather than indices or ONNX's Resize."""
    plain = method.name == "linear" and not method.antialias and all(one.step is None for one in axes)
    return not method.name.startswith("nearest") and not (plain and dtype in (DType.FLOAT32, DType.FLOAT16))


def check_table(axes: Sequence[Resampled], roles: Sequence[Role], method: Method, dtype: DType) -> None:
    """Raises LayerError where a table would be too large to compute."""
    for one, role in zip(axes, roles, strict=True):
        if isinstance(one.length, int) and isinstance(one.out, int) and by_table(axes, method, dtype):
            size = one.length * one.out
            if size > MAX_TABLE:
                text = f"needs {role.value} {one.length} x {one.out} = {grouped(size)} weights"
                raise LayerError("OUT_OF_RANGE", f"{text}; there may be {grouped(MAX_TABLE)} along an axis")


def copied(graph: Graph, x: Value, copies: dict[int, int]) -> Value:
    """The tensor with every element of some axes so many times in a row."""
    if x.spec.dtype not in _RESIZES or max(copies.values(), default=1) > _MOST_COPIES:
        for axis, times in copies.items():
            x = repeated(graph, x, axis, times)
        return x
    scales = graph.const([float(copies.get(axis, 1)) for axis in x.order], DType.FLOAT32)
    name = graph.node(
        "Resize",
        [x.name, "", scales],
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    spec = x.spec
    for axis, times in copies.items():
        spec = spec.resized(axis, spec.shape[axis] * times)
    return x._replace(name=name, spec=spec)


def _copies(one: Resampled, method: Method) -> Size | None:
    """How many places there are for each element, where all have as many."""
    times = exact_div(one.out, one.length)
    return times if one.step is None or times in method.whole else None


def _resized(graph: Graph, x: Value, axes: Sequence[Resampled], method: Method) -> Value:
    """ONNX's Resize, linear, all else as one axis in front: where it is not, ONNX Runtime moves Transposes past Resize
    and then refuses the order that it made itself.
    """
    moved, spec = [one.axis for one in axes], x.spec
    order = (*(axis for axis in x.order if axis not in moved), *moved)
    for one in axes:
        spec = spec.resized(one.axis, one.out)
    rest = product(x.spec.shape[axis] for axis in order[: -len(axes)])
    name = reshape(graph, graph.arrange(x, order), (1, rest, *(one.length for one in axes)))
    name = graph.node(
        "Resize",
        [name, "", "", graph.shape([1, rest, *(one.out for one in axes)])],
        mode="linear",
        coordinate_transformation_mode="align_corners" if method.align_corners else "half_pixel",
    )
    return Value(reshape(graph, name, [spec.shape[axis] for axis in order], first=1), order, spec)


def _indices(graph: Graph, one: Resampled, method: Method) -> str:
    """The element nearest to each place, rounded in float32 just as PyTorch rounds."""
    step, o = _step(graph, one, method, DType.FLOAT32), graph.range(one.out)
    if method.name == "nearest":
        place = graph.node("Mul", [graph.node("Cast", [o], to=_SINGLE), step])
    else:  # floor(max((o + 1/2) step - 1/2, 0) + 1/2), the product and the difference rounded at once
        wide = graph.node("Mul", [_centre(graph, o), graph.node("Cast", [step], to=_DOUBLE)])
        wide = graph.node("Sub", [wide, graph.const(0.5, DType.FLOAT64)])
        half, zero = graph.const(0.5, DType.FLOAT32), graph.const(0.0, DType.FLOAT32)
        place = graph.node("Add", [graph.node("Max", [graph.node("Cast", [wide], to=_SINGLE), zero]), half])
    found = graph.node("Cast", [graph.node("Floor", [place])], to=_WHOLE)
    return graph.node("Min", [found, graph.size(one.length - 1)])


def _weighed(graph: Graph, x: Value, one: Resampled, method: Method) -> Value:
    """The product of a table of weights and the tensor along one axis, which goes last unless it is last but one."""
    beyond = 2 if method.name == "cubic" and not method.inside else 0
    if beyond:
        ends = [(beyond, beyond) if axis == one.axis else (0, 0) for axis in x.order]
        name = pad(graph, x.name, ends, x.spec.dtype, mode="edge")
        x = x._replace(name=name, spec=x.spec.resized(one.axis, one.length + 2 * beyond))
    table = _area(graph, one) if method.name == "area" else _table(graph, one, method, beyond)
    table = graph.node("Cast", [table], to=ELEMENT[x.spec.dtype])
    order = x.order
    if x.physical(one.axis) == x.spec.rank - 2:
        name = graph.node("MatMul", [table, x.name])
    else:
        order = (*(axis for axis in x.order if axis != one.axis), one.axis)
        name = graph.node("MatMul", [graph.arrange(x, order), graph.node("Transpose", [table], perm=(1, 0))])
    return Value(name, order, x.spec.resized(one.axis, one.out))


def _table(graph: Graph, one: Resampled, method: Method, beyond: int) -> str:
    """Weights by the distance of each element from each place: (out, length + 2 beyond)."""
    n = graph.node
    step = _step(graph, one, method, DType.FLOAT64)
    o = graph.range(one.out)
    if method.align_corners:
        place = n("Mul", [n("Cast", [o], to=_DOUBLE), step])
    else:
        place = n("Sub", [n("Mul", [_centre(graph, o), step]), graph.const(0.5, DType.FLOAT64)])
    if method.name == "linear" and not method.antialias:
        last = n("Cast", [graph.size(one.length - 1)], to=_DOUBLE)
        place = n("Max", [n("Min", [place, last]), graph.const(0.0, DType.FLOAT64)])
    elements = n("Cast", [graph.range(one.length + 2 * beyond)], to=_DOUBLE)
    if beyond:
        elements = n("Sub", [elements, graph.const(float(beyond), DType.FLOAT64)])
    away = n("Abs", [n("Sub", [graph.column(place), elements])])
    if method.antialias:  # fewer places than elements: each sums over as many as it stands for
        away = n("Div", [away, n("Max", [step, graph.const(1.0, DType.FLOAT64)])])
    weights = _kernel(graph, away, method)
    if method.inside:
        weights = n("Div", [weights, n("ReduceSum", [weights, graph.ints([1])], keepdims=1)])
    return weights


def _area(graph: Graph, one: Resampled) -> str:
    """Means of the elements from floor(o L / O) to before ceil((o + 1) L / O): (out, length)."""
    n, length, out, o = graph.node, graph.size(one.length), graph.size(one.out), graph.range(one.out)
    first = n("Div", [n("Mul", [o, length]), out])
    up = n("Sub", [n("Add", [n("Mul", [n("Add", [o, graph.ints([1])]), length]), out]), graph.ints([1])])
    first, last = map(graph.column, (first, n("Div", [up, out])))
    elements = graph.range(one.length)
    inside = n("And", [n("GreaterOrEqual", [elements, first]), n("Less", [elements, last])])
    count = n("Cast", [n("Sub", [last, first])], to=_DOUBLE)
    return n("Div", [n("Cast", [inside], to=_DOUBLE), count])


def _step(graph: Graph, one: Resampled, method: Method, dtype: DType) -> str:
    """Elements between neighbouring places, a scalar or a vector of one."""
    n, to = graph.node, ELEMENT[dtype]
    if method.align_corners:
        steps = [n("Cast", [graph.size(size - 1)], to=to) for size in (one.length, one.out)]
        return n("Div", [steps[0], n("Max", [steps[1], graph.const(1.0, dtype)])])
    if one.step is None:
        return n("Div", [n("Cast", [graph.size(size)], to=to) for size in (one.length, one.out)])
    step = graph.const(one.step, dtype)
    for times in method.whole:
        if isinstance(one.out, int) and isinstance(one.length, int):
            step = graph.const(1 / times, dtype) if one.out == times * one.length else step
        else:
            met = n("Equal", [graph.size(one.out), graph.size(one.length * times)])
            step = n("Where", [met, graph.const(1 / times, dtype), step])
    return step


def _centre(graph: Graph, o: str) -> str:
    """o + 1/2."""
    return graph.node("Add", [graph.node("Cast", [o], to=_DOUBLE), graph.const(0.5, DType.FLOAT64)])


def _kernel(graph: Graph, t: str, method: Method) -> str:
    """Weights by distance."""
    if method.name == "cubic":
        return _cubic(graph, t, method.a)
    if method.name.startswith("lanczos"):
        return _lanczos(graph, t, int(method.name[-1]))
    one, zero = graph.const(1.0, DType.FLOAT64), graph.const(0.0, DType.FLOAT64)
    return graph.node("Max", [graph.node("Sub", [one, t]), zero])


def _cubic(graph: Graph, t: str, a: float) -> str:
    """Keys 1981: ((a + 2) t - (a + 3)) t t + 1 below 1, a (((t - 5) t + 8) t - 4) below 2."""
    near = _times(graph, _polynomial(graph, t, a + 2, -(a + 3)), t, t)
    near = graph.node("Add", [near, graph.const(1.0, DType.FLOAT64)])
    return _below(graph, t, 1, near, _below(graph, t, 2, _polynomial(graph, t, a, -5 * a, 8 * a, -4 * a)))


def _lanczos(graph: Graph, t: str, radius: int) -> str:
    """R sin(pi t) sin(pi t / r) / (pi t)^2 below r, 1 at 0."""
    angle, wide = graph.node("Mul", [t, graph.const(pi, DType.FLOAT64)]), graph.const(float(radius), DType.FLOAT64)
    narrow = graph.node("Sin", [graph.node("Div", [angle, wide])])
    top = _times(graph, graph.node("Sin", [angle]), narrow, wide)
    wave = graph.node("Div", [top, graph.node("Mul", [angle, angle])])
    return _below(graph, t, radius, _below(graph, t, 1e-8, graph.const(1.0, DType.FLOAT64), wave))


def _below(graph: Graph, t: str, limit: float, then: str, otherwise: str = "") -> str:
    """`then` where t is below a limit, elsewhere something else, by default 0."""
    near = graph.node("Less", [t, graph.const(float(limit), DType.FLOAT64)])
    return graph.node("Where", [near, then, otherwise or graph.const(0.0, DType.FLOAT64)])


def _polynomial(graph: Graph, t: str, *coefficients: float) -> str:
    """((c0 t + c1) t + c2) ..., as Horner wrote it."""
    name = graph.const(coefficients[0], DType.FLOAT64)
    for coefficient in coefficients[1:]:
        name = graph.node("Add", [graph.node("Mul", [name, t]), graph.const(coefficient, DType.FLOAT64)])
    return name


def _times(graph: Graph, *names: str) -> str:
    product = names[0]
    for name in names[1:]:
        product = graph.node("Mul", [product, name])
    return product
