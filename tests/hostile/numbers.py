"""A stack that was traced, run: shapes and types are those of the trace, symbols give the numbers that numbers give."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx

from lamina_server import runtime
from lamina_server.binding import at as with_sizes
from lamina_server.dims import Size, symbol
from lamina_server.errors import InvalidRequestError, KernelError, LaminaError, LimitError, StackError
from lamina_server.export import export, output_name
from lamina_server.layers.core.basics import Input
from lamina_server.layers.holders import Holder
from lamina_server.layers.shaping.center_crop import CenterCrop
from lamina_server.layers.tensors import FLOATS, DType
from lamina_server.records import Trace
from lamina_server.repair.arrays import check_indices, looked_up
from lamina_server.stack import Stack
from lamina_server.trace import trace
from lamina_server.weights import complete
from lamina_server.widen import widened
from tests.contract import references
from tests.contract.running import DEVICE, Array, at, random_weights
from tests.hostile.found import LIMITS, Clock, Found, FoundDefectError, check

_LARGE = 1e9


@dataclass
class _Model:
    """A session for every output of a traced stack."""

    traced: Trace
    refs: tuple[str, ...]
    weights: Mapping[str, Array]

    def __post_init__(self) -> None:
        self.onnx = export(self.traced, self.weights, self.refs)

    def load(self) -> "_Model":
        narrow = any(spec.dtype is DType.BFLOAT16 for spec in self.traced.specs.values())
        self.session = runtime.Session(widened(self.onnx) if narrow else self.onnx, DEVICE)
        return self

    def __call__(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        names = [output_name(ref, self.session.input_names) for ref in self.refs]
        return dict(zip(self.refs, self.session.run(dict(arrays), names), strict=True))


def run(stack: Stack, traced: Trace, seed: int, found: Found, clock: Clock, *, values: bool) -> None:
    """Runs a stack at two batch sizes or three lengths of its symbols, and with symbols where it has none.

    With `values` each layer must give what its reference gives.
    """
    inputs = {layer.refs[0] for layer in traced.inputs}
    refs = tuple(ref for ref in traced.specs if ref not in inputs)
    if not refs:
        return
    weights = random_weights(traced, np.random.default_rng(seed)) if seed % 2 else complete(traced, {}, seed)
    model = _Model(traced, refs, weights)
    clock("export")
    _checked(model.onnx)
    clock("check")
    try:
        model.load()
        clock("load")
        sizes = {name: traced.ranges.get(name, 1) for name in traced.symbols if name != "batch"}
        for more, batch in ((2, 2), (7, 3), (0, 1)) if sizes else ((0, 2), (0, 1)):
            if not _run(model, {name: size + more for name, size in sizes.items()}, batch, seed, values=values):
                found.outcome = "INDEX_OUT_OF_RANGE"
                return
        if not sizes:
            _as_symbols(stack, model, seed)
        clock("run")
    except KernelError as error:
        used = {spec.dtype for spec in traced.specs.values()}
        check(used != {DType.FLOAT32}, "no kernel for float32", error)
        found.outcome = f"no {error.operator} ({', '.join(sorted(kind.value for kind in used))})"


def _checked(model: bytes) -> None:
    try:
        onnx.checker.check_model(onnx.ModelProto.FromString(model), full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise FoundDefectError(f"ONNX's checker refuses the model: {error}") from None


def _arrays(traced: Trace, sizes: Mapping[str, int], batch: int, seed: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    made: dict[str, Array] = {}
    for layer in traced.inputs:
        spec = layer.done.spec
        shape = at(spec.shape, batch, sizes)
        drawn = rng.standard_normal(shape) if spec.dtype in FLOATS else rng.integers(0, 2, shape)
        made[layer.name] = drawn.astype(spec.dtype.numpy)
    return made


def _run(model: _Model, sizes: Mapping[str, int], batch: int, seed: int, *, values: bool) -> bool:
    """Runs a model at these sizes of its symbols; False where a row was asked for that is not there."""
    traced = model.traced
    least = {name: traced.ranges.get(name, 1) for name in sizes}
    try:
        actual = trace(with_sizes(traced, sizes), LIMITS) if sizes else traced
    except StackError as error:
        if len(sizes) > 1 and sizes == least:
            return True  # each symbol has a least value alone; all at once may be too few
        raise FoundDefectError(f"legal with symbols, not at {dict(sizes)}: {error.reason} {error}") from None
    except LimitError:
        return True
    arrays = _arrays(traced, sizes, batch, seed)
    try:
        check_indices(looked_up(actual), arrays)
        ran = model(arrays)
    except InvalidRequestError as error:
        if error.reason != "INDEX_OUT_OF_RANGE":
            raise
        return False
    except LimitError as error:
        raise FoundDefectError(f"out of memory at {dict(sizes)}: {error}") from None
    for ref, array in ran.items():
        spec = traced.specs[ref]
        shape, own = at(spec.shape, batch, sizes), at(actual.specs[ref].shape, batch)
        check(shape == own, "numbers give another shape than symbols", f"{ref}: {spec} at {dict(sizes)}, {own}")
        check(array.shape == shape, "ran as another shape", f"{ref}: traced {spec}, ran {array.shape}")
        check(array.dtype == spec.dtype.numpy, "ran as another type", f"{ref}: traced {spec}, ran {array.dtype}")
    if values:
        _as_references(actual, model.weights, {**arrays, **ran})
    if sizes:
        again = _Model(actual, model.refs, model.weights).load()(arrays)
        _alike(ran, again, f"with numbers for symbols at {dict(sizes)}")
    return True


def _as_references(traced: Trace, weights: Mapping[str, Array], arrays: Mapping[str, Array]) -> None:
    """Each layer gives what its reference makes of the numbers that it was given."""
    for layer in traced.layers:
        kind = layer.node.kind
        if isinstance(kind, Input | Holder):
            continue
        taken = [_wide(arrays[ref]) for ref in layer.sources] or [next(iter(arrays.values()))]  # its batch counts
        own = {name.partition("/")[2]: x for name, x in weights.items() if name.startswith(f"{layer.owner}/")}
        try:
            with np.errstate(all="ignore"):  # what overflows there is not compared
                wanted = references.expected(kind, taken, own, traced.stack.layout)
        except ValueError as error:
            if "All-NaN" in str(error):
                continue  # the place of the largest number in a window that sees nothing
            raise
        for ref, value in zip(layer.refs, wanted, strict=True):
            if value.dtype.kind == "f" and float(np.nanmax(np.abs(value), initial=0.0)) > _LARGE:
                continue  # beyond what float32 can hold on the way
            _alike({ref: arrays[ref]}, {ref: value}, f"than the reference of {kind.text()}")


def _wide(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype == DType.BFLOAT16.numpy else array


def _as_symbols(stack: Stack, model: _Model, seed: int) -> None:
    """The same stack with symbols for the sizes of its Inputs, where that is legal: the same values come out."""
    traced = model.traced
    sizes = sorted({size for layer in traced.inputs for size in layer.done.spec.shape[1:] if isinstance(size, int)})
    names: dict[Size, str] = {size: f"S{size}" for size in sizes}
    nodes = tuple(
        node._replace(kind=Input(tuple(symbol(names[size]) for size in node.kind.shape), node.kind.dtype))
        if isinstance(node.kind, Input)
        else node
        for node in stack.nodes
    )
    try:
        symbolic = trace(replace(stack, nodes=nodes), LIMITS)
    except LaminaError:
        return
    short = [name for name, least in symbolic.ranges.items() if int(name[1:]) < least]
    if short and any(isinstance(layer.node.kind, CenterCrop) for layer in traced.walk()):
        return  # which stretches what is shorter, but takes a symbol to be long enough, as its docstring says
    for name, least in symbolic.ranges.items():
        check(int(name[1:]) >= least, "a range is wrong", f"{name} must be {least} or more, but is legal")
    values = {names[size]: size for size in sizes}
    for ref in model.refs:
        shape, own = at(symbolic.specs[ref].shape, 2, values), at(traced.specs[ref].shape, 2)
        check(shape == own, "symbols give another shape", f"{ref}: {symbolic.specs[ref]}, {traced.specs[ref]}")
    arrays = _arrays(traced, {}, 2, seed)
    other = _Model(symbolic, model.refs, model.weights).load()
    _alike(other(arrays), model(arrays), "with symbols for numbers")


def _alike(one: Mapping[str, Array], other: Mapping[str, Array], what: str) -> None:
    for ref, array in one.items():
        a, b = array.astype(np.float64), other[ref].astype(np.float64)
        check(a.shape == b.shape, f"another shape {what}", f"{ref}: {a.shape}, {b.shape}")
        scale = max(1.0, float(np.nanmax(np.abs(np.where(np.isfinite(b), b, 0)), initial=0.0)))
        wide = 2e-2 if array.dtype.itemsize < 4 else 1e-4
        same = np.allclose(a, b, rtol=wide, atol=wide * scale, equal_nan=True)
        check(same, f"other values {what}", f"{ref}: {_worst(a, b)}")


def _worst(a: Any, b: Any) -> str:
    place = np.unravel_index(int(np.nanargmax(np.abs(np.nan_to_num(a) - np.nan_to_num(b)))), a.shape)
    return f"at {tuple(map(int, place))} {a[place]} and {b[place]}"
