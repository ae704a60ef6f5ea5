"""The catalogue of layer kinds: their own docstrings, options and examples, with traces."""

import inspect
import re
from dataclasses import MISSING, fields
from functools import cache

from lamina.v1 import service_pb2
from lamina_server.export import export, operators
from lamina_server.layers import KINDS
from lamina_server.layers.base import Example, Kind, option_text
from lamina_server.layers.core.basics import Input
from lamina_server.layers.tensors import DType
from lamina_server.limits import Limits
from lamina_server.notes import annotate
from lamina_server.records import LayerTrace
from lamina_server.stack import NamedStack, Node, Stack, field_name
from lamina_server.trace import trace
from lamina_server.weights import complete
from lamina_server.wire.stacks import encode_stack
from lamina_server.wire.traces import encode_trace


@cache
def kinds() -> tuple[service_pb2.LayerKind, ...]:
    """Every kind, in the order of the schema."""
    return tuple(map(_kind, KINDS))


def example_stack(example: Example) -> Stack:
    """A stack around a kind's example: an Input for each shape, and the layer; an Input too if it takes nothing."""
    if isinstance(example.layer, Input):
        return Stack((Node(example.layer),), example.layout)
    if example.layer.begins:
        return Stack((Node(Input((1,)), "x"), Node(example.layer)), example.layout)
    types = example.dtypes or (DType.FLOAT32,) * len(example.shapes)
    names = ["x"] if len(example.shapes) == 1 else [f"x{i}" for i in range(1, len(example.shapes) + 1)]
    inputs = [Node(Input(shape, dtype), x) for x, shape, dtype in zip(names, example.shapes, types, strict=True)]
    layer = Node(example.layer, None, () if len(names) == 1 else tuple(names))
    blocks = tuple(NamedStack(name, Stack(nodes)) for name, nodes in example.blocks)
    return Stack((*inputs, layer), example.layout, blocks=blocks)


def _kind(kind: type[Kind]) -> service_pb2.LayerKind:
    stack = example_stack(kind.examples()[0])
    found = annotate(trace(stack), Limits())
    model = export(found, complete(found, {}, 0), found.outputs)
    return service_pb2.LayerKind(
        name=kind.__name__,
        field=field_name(kind),
        constructors=[sdk.name for sdk in kind.sdk],
        doc=inspect.cleandoc(kind.__doc__ or ""),
        options=[_option(item) for item in fields(kind)],
        example=encode_stack(stack),
        example_trace=encode_trace(found),
        onnx_operators=operators(model),
        keras=kind.keras_names(),
        torch=kind.in_torch,
        formulas=_formulas(found.layers[-1]),
    )


def _formulas(layer: LayerTrace) -> list[str]:
    """Every formula of a layer with some arithmetic in it, each once."""
    done = layer.done
    derived = [*(row.derived for row in done.derivations), done.params, done.macs]
    texts = [each.text for each in derived if each is not None and re.search(r"[-+*/]", each.text)]
    return list(dict.fromkeys(texts))


def _option(item) -> service_pb2.LayerOption:  # type: ignore[no-untyped-def]  # dataclasses.Field[Any]
    unset = item.default is None or item.default == ()
    default = "" if item.default is MISSING else "not set" if unset else option_text(item.default)
    return service_pb2.LayerOption(name=item.name, default_value=default, doc=item.metadata["doc"])
