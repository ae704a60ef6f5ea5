"""Every kind keeps what all kinds promise; see README.md."""

import re
from dataclasses import MISSING, fields, replace
from typing import Any

import numpy as np
import onnx
import pytest

from lamina.v1 import layers_pb2
from lamina_server.dims import Dim, symbol
from lamina_server.errors import StackError
from lamina_server.explain import explain, how
from lamina_server.layers import FUNCTIONS, KINDS
from lamina_server.layers.base import Kind, option_text
from lamina_server.layers.core import Input
from lamina_server.layers.functions import Function
from lamina_server.layers.tensors import Role
from lamina_server.export import export
from lamina_server.stack import field_name
from lamina_server.trace import trace
from lamina_server.wire.stacks import decode_stack, encode_stack
from tests.contract.cases import BATCH, CASES, Case, arrays_of, numbers_of, run, stack_of, traced
from tests.contract.oracles import oracle
from tests.support import ROOT

SCHEMA = (ROOT / "proto/lamina/v1/layers.proto").read_text(encoding="utf-8")
# Float32 sums of a few hundred terms, taken in another order.
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
described = pytest.mark.parametrize("cls", (*KINDS, *FUNCTIONS), ids=lambda cls: cls.__name__)


def test_kinds_are_the_members_of_the_union() -> None:
    members = [field.name for field in layers_pb2.Layer.DESCRIPTOR.oneofs_by_name["kind"].fields]
    assert members == [field_name(kind) for kind in KINDS]
    functions = [field.name for field in layers_pb2.ActivationFunction.DESCRIPTOR.fields]
    assert functions == [function().name for function in FUNCTIONS]


@described
def test_fields_are_those_of_the_message(cls: type[Any]) -> None:
    message = layers_pb2.DESCRIPTOR.message_types_by_name[cls.__name__]
    assert [field.name for field in message.fields] == [item.name for item in fields(cls)]


@described
def test_everything_is_documented(cls: type[Any]) -> None:
    assert cls.__doc__ and not cls.__doc__.startswith(f"{cls.__name__}(")
    assert all(item.metadata["doc"] for item in fields(cls))


@described
def test_defaults_are_those_the_schema_states(cls: type[Any]) -> None:
    for item in fields(cls):
        comment = _comment(cls.__name__, item.name)
        if item.default is MISSING:
            assert "Required" in comment, f"{item.name} is required, but its comment does not say so"
        elif isinstance(item.default, bool | int | float):
            stated = re.search(r"Default ([\w.-]+?)[,.]?(?: |$)", comment)
            assert stated is not None, comment
            assert stated[1].lower().rstrip(".") == _plain(item.default), f"{item.name}: {comment}"
        elif isinstance(item.default, str | Function):
            name = item.default.name if isinstance(item.default, Function) else str(item.default)
            assert re.search(rf"Default {name}\b", comment, re.IGNORECASE), f"{item.name}: {comment}"
        else:
            assert "Default" in comment, f"{item.name}: {comment}"


def test_every_kind_has_examples_and_constructors() -> None:
    for kind in KINDS:
        assert kind.examples(), kind
        assert kind.sdk, kind


@cases
def test_decoding_what_was_encoded(case: Case) -> None:
    stack = stack_of(case.example)
    assert decode_stack(encode_stack(stack)) == stack


@cases
def test_shapes_and_values(case: Case) -> None:
    found = traced(case.example)
    weights, arrays = numbers_of(found), arrays_of(found)
    refs = [ref for ref in found.specs if ref.split(":")[0] in ("it", *found.outputs)]
    model = onnx.load_from_string(export(found, weights, refs))
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    results = run(found, weights, arrays, refs)
    own = {name.split("/")[1]: array for name, array in weights.items()}
    given = [arrays[f"x{i}"] for i in range(1, max(1, len(case.example.shapes)) + 1)]
    expected = oracle(case.example.layer)(case.example.layer, given, own, case.example.layout)
    assert len(expected) == len(results)
    for ref, result, value, info in zip(refs, results, expected, inferred.graph.output, strict=True):
        shape = tuple(BATCH if isinstance(size, Dim) else size for size in found.specs[ref].shape)
        dims = info.type.tensor_type.shape.dim
        assert [dim.dim_value or dim.dim_param for dim in dims] == [_written(size) for size in found.specs[ref].shape]
        assert result.shape == shape
        np.testing.assert_allclose(result, value, **CLOSE)


@cases
def test_symbols_give_the_same(case: Case) -> None:
    """Every size that may be a symbol is one: the model made for symbols runs as the model made for numbers."""
    if isinstance(case.example.layer, Input):
        return
    found = traced(case.example)
    weights, arrays = numbers_of(found), arrays_of(found)
    symbolic, freed = stack_of(case.example), 0
    for i, node in enumerate(symbolic.nodes[:-1]):
        for axis in range(len(node.kind.shape)):  # type: ignore[attr-defined]
            shape = symbolic.nodes[i].kind.shape  # type: ignore[attr-defined]
            wider = (*shape[:axis], symbol(f"n{i}_{axis}"), *shape[axis + 1 :])
            candidate = symbolic.with_node(i, node._replace(kind=Input(wider)))
            try:
                same = {n: w.shape for n, w in _weights(trace(candidate))} == {n: w.shape for n, w in _weights(found)}
            except StackError:
                continue
            if same:
                symbolic, freed = candidate, freed + 1
    refs = list(found.specs)[len(case.example.shapes) :]
    for a, b in zip(run(trace(symbolic), weights, arrays, refs), run(found, weights, arrays, refs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    takes_symbols = type(case.example.layer).__name__ not in ("Add", "Concatenate", "Reshape", "RepeatVector", "LSTM")
    assert freed or not takes_symbols or found.inputs[0].done.spec.rank < 3


@cases
def test_the_arithmetic_is_the_result(case: Case) -> None:
    layer = traced(case.example).layers[-1 if not isinstance(case.example.layer, Input) else 0]
    done = layer.done
    assert (done.params.value if done.params else 0) == sum(weight.size for weight in done.weights)
    for row in done.derivations:
        assert row.derived.value == done.spec.axes[row.axis].size
    for window in done.windows:
        assert done.spec.axes[window.axis].role is window.role


@cases
def test_sentences_are_right(case: Case) -> None:
    layer = traced(case.example).layers[-1 if not isinstance(case.example.layer, Input) else 0]
    text = f"{explain(layer)} {how(layer)}"
    assert not re.search(
        r"(?<![\d.(x,] )\b1 (?:\w+ )?(steps|channels|zeros|windows|parameters|filters|weights|tensors|values)\b", text
    ), text
    assert not re.search(r"\b(?!1\b)\d+ (step|channel|zero|window|parameter|filter|tensor)\b(?! of)", text), text
    assert "  " not in text and ".." not in text and text.strip()


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.NONE])
def test_roles_are_in_the_schema(role: Role) -> None:
    from lamina.v1 import trace_pb2

    assert f"AXIS_ROLE_{role.value.upper()}" in trace_pb2.AxisRole.keys()


def test_options_that_differ_from_defaults_are_shown() -> None:
    for kind in KINDS:
        for example in kind.examples():
            shown = example.layer.text()
            for item in fields(example.layer):  # type: ignore[arg-type]  # a dataclass
                if item.default is not MISSING and item.name != "rank":
                    given = getattr(example.layer, item.name)
                    assert (f"{item.name}=" in shown) == (given != item.default)


def test_the_default_of_an_option_changes_nothing() -> None:
    """An option set to its default is traced as one left alone."""
    for kind in KINDS:
        for example in kind.examples()[:1]:
            if isinstance(example.layer, Input):
                continue
            stated: Kind = replace(
                example.layer, **{f.name: getattr(example.layer, f.name) for f in fields(example.layer)}
            )  # type: ignore[arg-type,type-var]
            assert trace(stack_of(example._replace(layer=stated))).specs == traced(example).specs


def _comment(message: str, field: str) -> str:
    """The comment above a field of a message."""
    body = SCHEMA.split(f"message {message} {{", 1)[1].split("\n}", 1)[0]
    lines = body.splitlines()
    at = next(i for i, line in enumerate(lines) if re.search(rf"\b{field} = \d+;", line))
    above: list[str] = []
    while at and lines[at - 1].strip().startswith("//"):
        at -= 1
        above.insert(0, lines[at].strip().removeprefix("// "))
    return " ".join(above)


def _plain(value: object) -> str:
    return option_text(value).lower() if isinstance(value, bool) else f"{value:g}"


def _written(size: Any) -> Any:
    return size if isinstance(size, int) else size.text


def _weights(found: Any) -> Any:
    from lamina_server.weights import weights_of

    return weights_of(found)
