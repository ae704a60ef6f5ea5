"""One contract for every kind: what the house promises of a layer, held for each of its examples."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import onnx
import pytest

from lamina.dims import Dim as ClientDim
from lamina.v1 import activations_pb2, layers_pb2, recurrent_pb2
from lamina_server.dims import Size
from lamina_server.explain import explain, how
from lamina_server.formula import derive
from lamina_server.layers import CELLS, FUNCTIONS, KINDS
from lamina_server.layers.base import Example, Kind
from lamina_server.layers.core.basics import Input
from lamina_server.layers.holders import Block
from lamina_server.layers.recurrent.walks import Recurrent, WalkOptions
from lamina_server.layers.shaping.folding import Fold, PixelUnshuffle
from lamina_server.layers.shaping.repeating import BroadcastTo
from lamina_server.layers.shaping.reshaping import Permute, Reshape
from lamina_server.layers.tensors import Role
from lamina_server.records import LayerTrace
from lamina_server.services.catalogue import kinds as catalogue
from lamina_server.stack import Node, Stack, field_name
from lamina_server.trace import trace
from lamina_server.weights import weights_of
from lamina_server.wire.stacks import decode_stack, encode_stack
from tests.contract import references, schema, words
from tests.contract.running import BATCH, Array, Model, around, at, chain, model, random_inputs
from tests.contract.symbols import Symbolic, spatial_variant, variants

# float32 sums of a few hundred products against float64; a recurrence loses no more in so few steps.
RTOL, ATOL = 1e-5, 2e-6
# Sizes must agree with numbers given elsewhere, or a number must divide them.
FIXED = (Reshape, Block, BroadcastTo, Fold, PixelUnshuffle)
_UNIONS: tuple[Any, ...] = (
    layers_pb2.Layer.DESCRIPTOR.oneofs_by_name["kind"],
    activations_pb2.ActivationFunction.DESCRIPTOR.oneofs_by_name["function"],
    recurrent_pb2.RecurrentCell.DESCRIPTOR.oneofs_by_name["cell"],
)
MESSAGES: dict[str, Any] = {
    descriptor.name: descriptor
    for union in _UNIONS
    for descriptor in (union.containing_type, *(field.message_type for field in union.fields))
}


@dataclass(frozen=True)
class Case:
    """An example of a kind."""

    example: Example
    number: int

    @property
    def stack(self) -> Stack:
        layer, shapes, layout, dtypes, blocks = self.example
        if isinstance(layer, Input):
            return chain(layer.shape, layout=layout)
        return around(layer, *shapes, layout=layout, dtypes=dtypes, blocks=blocks)

    def __str__(self) -> str:
        return f"{type(self.example.layer).__name__}-{self.number}"


CASES = [Case(example, i) for kind in KINDS for i, example in enumerate(kind.examples())]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
every_class = pytest.mark.parametrize("cls", [*KINDS, *FUNCTIONS, *CELLS], ids=lambda cls: cls.__name__)
every_case = pytest.mark.parametrize("case", CASES, ids=str)


# ---- what is written: schema, documentation, table of contents ----


@every_class
def test_message_and_dataclass_have_the_same_fields(cls: type[Any]) -> None:
    assert {field.name for field in MESSAGES[cls.__name__].fields} == {item.name for item in fields(cls)}


def test_unions_are_the_tables_of_contents() -> None:
    kind, function = MESSAGES["Layer"].oneofs_by_name["kind"], MESSAGES["ActivationFunction"].oneofs_by_name["function"]
    assert [(field.name, field.message_type.name) for field in kind.fields] == [
        (field_name(cls), cls.__name__) for cls in KINDS
    ]
    assert [field.message_type.name for field in function.fields] == [cls.__name__ for cls in FUNCTIONS]
    cell, layer = (union.DESCRIPTOR.oneofs[0] for union in (recurrent_pb2.RecurrentCell, recurrent_pb2.RecurrentLayer))
    names = [[field.message_type.name for field in union.fields if field.message_type] for union in (cell, layer)]
    assert names[0] == [cls.__name__ for cls in CELLS]
    walked = [cls.__name__ for cls in KINDS if issubclass(cls, Recurrent) and issubclass(cls, WalkOptions)]
    assert sorted(names[1]) == sorted(walked)


@every_class
def test_every_class_and_option_is_documented(cls: type[Any]) -> None:
    doc = vars(cls)["__doc__"]
    assert doc.strip().endswith((".", ")")) and not doc.startswith(f"{cls.__name__}("), "dataclass wrote it by itself"
    for item in fields(cls):
        assert item.metadata["doc"] and schema.comments()[cls.__name__, item.name], item.name


@every_class
def test_the_schema_states_each_default(cls: type[Any]) -> None:
    for item in fields(cls):
        stated = schema.stated_default(cls.__name__, item.name)
        assert schema.agrees(stated, item.default), f"{item.name}: the schema says {stated}, it is {item.default}"
        assert (stated is None) == ("Required" in schema.comments()[cls.__name__, item.name])


@every_kind
def test_the_catalogue_has_it(kind: type[Kind]) -> None:
    (entry,) = [entry for entry in catalogue() if entry.name == kind.__name__]
    assert [option.name for option in entry.options] == [item.name for item in fields(kind)]
    assert entry.doc and all(option.doc for option in entry.options)
    assert entry.constructors == [sdk.name for sdk in kind.sdk]
    assert entry.example_trace.layers[-1].explanation
    assert decode_stack(entry.example).nodes[-1].kind == kind.examples()[0].layer


@every_kind
def test_it_has_a_reference_and_examples(kind: type[Kind]) -> None:
    assert kind.__name__ in references.REFERENCES, "write what it computes in references"
    assert kind.examples()
    moves = any(item.name == "data_format" for item in fields(kind)) and field_name(kind) != "flatten"
    assert not moves or len({example.layout for example in kind.examples()}) == 2, "an example in each layout"


@every_case
def test_decoding_undoes_encoding(case: Case) -> None:
    message = encode_stack(case.stack)
    assert decode_stack(message) == case.stack
    again = type(message).FromString(message.SerializeToString())
    assert decode_stack(again) == case.stack and encode_stack(decode_stack(again)) == message


# ---- what is traced, checked by ONNX, run ----


@every_case
def test_traced_checked_inferred_and_run_shapes_are_one(case: Case) -> None:
    made = _whole(case.stack)
    onnx.checker.check_model(onnx.ModelProto.FromString(made.onnx), full_check=True)
    for erase in (False, True):  # what is declared must be confirmed, and found anew where nothing is declared
        asked = onnx.ModelProto.FromString(made.onnx)
        if erase:
            for value in asked.graph.output:
                value.type.tensor_type.ClearField("shape")
        inferred = onnx.shape_inference.infer_shapes(asked, check_type=True, strict_mode=True, data_prop=True)
        for ref, value in zip(made.refs, inferred.graph.output, strict=True):
            _agree([_inferred(dim) for dim in value.type.tensor_type.shape.dim], made.trace.specs[ref].shape)
    for batch in (1, BATCH, 3):
        ran = made.run(random_inputs(made.trace, np.random.default_rng(batch), batch=batch))
        for ref, array in ran.items():
            assert array.shape == at(made.trace.specs[ref].shape, batch), ref
            assert array.dtype == made.trace.specs[ref].dtype.value


@every_case
@pytest.mark.parametrize("seed", [1, 2])
def test_values_are_the_reference_s(case: Case, seed: int) -> None:
    made = _whole(case.stack, seed)
    arrays = random_inputs(made.trace, np.random.default_rng(seed))
    _same(made.run(arrays), _expected(made, arrays))


@every_case
def test_symbolic_lengths_run_like_numbers(case: Case) -> None:
    """Every spatial axis, and every other one the kind admits, as a symbol: same values at several lengths."""
    for variant in _admitted(case.stack):
        made = _whole(variant.symbolic)
        for more in (0, 1, 2, 5):
            sizes = {name: usual + more for name, usual in variant.usual.items()}
            numbered = variant.numbered(sizes)
            same = model(numbered, np.random.default_rng(0), refs=made.refs, weights=made.weights)
            arrays = random_inputs(same.trace, np.random.default_rng(more))
            for ref in made.refs:
                assert at(made.trace.specs[ref].shape, BATCH, sizes) == at(same.trace.specs[ref].shape)
            _same(made.run(arrays), same.run(arrays))
            _same(same.run(arrays), _expected(same, arrays))


@every_case
def test_inputs_are_read_however_they_lie(case: Case) -> None:
    """Behind a Permute, which moves nothing, a tensor lies in another order than the trace writes it."""
    plain = _whole(case.stack)
    arrays = random_inputs(plain.trace, np.random.default_rng(1))
    turned, fed = [], dict(arrays)
    for node in case.stack.nodes[:-1]:
        assert isinstance(node.kind, Input)
        order = tuple(reversed(range(len(node.kind.shape))))
        entry = Input(tuple(node.kind.shape[i] for i in order), node.kind.dtype)
        fed[f"{node.name}_in"] = fed.pop(str(node.name)).transpose(0, *(i + 1 for i in order))
        turned.append(Node(entry, f"{node.name}_in"))
        turned.append(Node(Permute(tuple(i + 1 for i in order)), node.name, (f"{node.name}_in",)))
    stack = replace(case.stack, nodes=(*turned, case.stack.nodes[-1]))
    made = model(stack, np.random.default_rng(0), refs=plain.refs, weights=plain.weights)
    _same(made.run(fed), plain.run(arrays))


@every_case
def test_parameters_are_counted_as_the_formula_says(case: Case) -> None:
    layer = trace(case.stack).layers[-1]
    total = sum(weight.size for _, weight in weights_of(trace(case.stack)))
    assert (layer.done.params is None) == (total == 0)
    assert layer.params == total
    if layer.done.params is not None:
        assert layer.done.params.value == total
        assert ClientDim(layer.done.params.substitution).at() == total


@every_case
def test_additions_of_biases_are_counted_where_there_are_biases(case: Case) -> None:
    traced = trace(case.stack)
    done = traced.layers[-1].done
    biased = any(name.rpartition("/")[2] == "bias" for name, _ in weights_of(traced))
    assert (done.bias_adds is not None) == (biased and done.macs is not None)
    if done.bias_adds is not None:
        assert done.bias_adds.value == traced.bias_adds != 0


@every_case
def test_the_result_of_a_derivation_is_the_axis(case: Case) -> None:
    for layer in _layers(case.stack):
        axes = layer.done.spec.axes
        explained = {0}
        for row in layer.done.derivations:
            assert axes[row.axis].size == row.derived.value
            pooled = axes[row.axis].role is Role.FEATURES and row.role is Role.CHANNELS
            assert axes[row.axis].role is row.role or pooled
            assert derive(row.derived.text, **row.derived.values).value == row.derived.value
            _shown_is_computed(row.derived.substitution, row.derived.value)
            explained.add(row.axis)
        kept = {axis.size for x in layer.inputs for axis in x.axes}
        unsaid = [axis for i, axis in enumerate(axes) if i not in explained and axis.size not in kept]
        assert not unsaid or isinstance(layer.node.kind, Input), f"no word about {unsaid}"


@every_case
def test_sentences_are_grammatical_and_their_numbers_are_the_trace_s(case: Case) -> None:
    for layer in _layers(case.stack):
        for text in (explain(layer), how(layer)):
            assert text and text == text.strip() and "  " not in text and ".." not in text
            assert not words.faults(text), text
            own = text
            for sentence in layer.done.sentences:  # these speak of another layer
                own = own.replace(sentence, "")
            assert not words.strange_numbers(own, words.numbers_of(layer)), own


# ---- helpers ----


def _admitted(stack: Stack) -> Iterator[Symbolic]:
    """The stack with symbols where they are admitted; a refusal must be one of a few, and never of a spatial axis."""
    for variant in variants(stack):
        refusal, kind = variant.refusal, stack.nodes[-1].kind
        if refusal is None:
            yield variant
            continue
        # Sizes that must agree with numbers given elsewhere: in the options, or by another input.
        fixed = isinstance(kind, FIXED) or type(kind).inputs[1] != 1
        assert refusal.reason in ("SYMBOLIC_SIZE", *(("SIZE_MISMATCH",) if fixed else ())), refusal.message
        spatial, chosen = (
            spatial_variant(stack),
            any(getattr(kind, name, None) is not None for name in ("axis", "shared_axes")),
        )
        assert fixed or chosen or spatial is None or spatial.places != variant.places, refusal.message


def _layers(stack: Stack) -> Iterator[LayerTrace]:
    """The traced layer, in numbers and with symbols."""
    yield trace(stack).layers[-1]
    yield from (trace(variant.symbolic).layers[-1] for variant in _admitted(stack))


def _whole(stack: Stack, seed: int = 0) -> Model:
    """A model that returns every output of the last layer."""
    return model(stack, np.random.default_rng(seed), refs=trace(stack).layers[-1].refs)


def _expected(made: Model, arrays: dict[str, Array]) -> dict[str, Array]:
    layer = made.trace.layers[-1]
    taken = [arrays[ref] for ref in layer.sources] or [next(iter(arrays.values()))]  # of which the batch counts
    values = references.expected(layer.node.kind, taken, made.layer_weights(layer.name), made.trace.stack.layout)
    return dict(zip(made.refs, values, strict=True))


def _same(found: dict[str, Array], wanted: dict[str, Array]) -> None:
    for ref, array in found.items():
        np.testing.assert_allclose(array, wanted[ref], rtol=RTOL, atol=ATOL * max(1.0, float(abs(wanted[ref]).max())))


def _inferred(dim: onnx.TensorShapeProto.Dimension) -> int | str:
    return dim.dim_value if dim.HasField("dim_value") else dim.dim_param


def _agree(inferred: list[int | str], traced: tuple[Size, ...]) -> None:
    """ONNX names what it cannot compute, so a number must be the number, and a symbol must be no number."""
    assert len(inferred) == len(traced)
    for found, size in zip(inferred, traced, strict=True):
        assert found == size if isinstance(size, int) else isinstance(found, str)


def _shown_is_computed(text: str, value: Size) -> None:
    shown = ClientDim(text)
    assert isinstance(value, int) or value.symbols <= shown.symbols
    for number in (7, 12, 101):
        values = dict.fromkeys(shown.symbols, number)
        assert shown.at(values) == at([value], BATCH, values)[0]
