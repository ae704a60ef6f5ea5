"""Traces, faults and fixes into messages."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from lamina.v1 import tensor_pb2, trace_pb2
from lamina_server.dims import Size
from lamina_server.elsewhere import Elsewhere, elsewhere
from lamina_server.explain import explain, how
from lamina_server.formula import Derived
from lamina_server.layers.base import Derivation, Weight, Window
from lamina_server.layers.tensors import Role, Spec
from lamina_server.receptive import Field
from lamina_server.records import Diagnosis, LayerTrace, Note, Trace, owned
from lamina_server.repair import (
    ArrayStep,
    CastArray,
    DropAxis,
    ExpandArray,
    Fix,
    InBlock,
    InsertNode,
    MoveAxes,
    RemoveNode,
    ReplaceNode,
    StackStep,
)
from lamina_server.weights import weights_of
from lamina_server.wire.pieces import pieces, sized, tag, text
from lamina_server.wire.stacks import encode_dim, encode_layer
from lamina_server.wire.tensors import data_type

ROLES: dict[Role, Any] = {role: trace_pb2.AxisRole.Value(f"AXIS_ROLE_{role.value.upper()}") for role in Role}


def encode_trace(trace: Trace) -> trace_pb2.StackTrace:
    """A whole trace."""
    specs = {ref: sized(text(_NAME, ref) + _axes(spec)) for ref, spec in trace.specs.items()}
    layers = pieces(trace_pb2.StackTrace.LAYERS_FIELD_NUMBER, [_layer(layer, specs) for layer in trace.layers])
    weights = [weight for _, weight in weights_of(trace)]
    message = trace_pb2.StackTrace(
        layout=f"LAYOUT_{trace.stack.layout.name}",
        inputs=[encode_spec(layer.refs[0], layer.done.spec) for layer in trace.inputs],
        outputs=[encode_spec(ref, trace.specs[ref]) for ref in trace.outputs],
        params=sum(weight.size for weight in weights),
        trainable_params=sum(weight.size for weight in weights if weight.trainable),
        macs=encode_dim(trace.macs),
        bias_adds=encode_dim(trace.bias_adds),
        flops=encode_dim(2 * trace.macs + trace.bias_adds),
        peak_activation_bytes=None if trace.peak_bytes is None else encode_dim(trace.peak_bytes),
        symbols=[trace_pb2.SymbolRange(name=name, minimum=trace.ranges.get(name, 1)) for name in sorted(trace.symbols)],
    )
    message.MergeFromString(layers)
    return message


_NAME = trace_pb2.TensorSpec.NAME_FIELD_NUMBER
_LAYER = trace_pb2.LayerTrace  # for its field numbers
_INPUT, _OUTPUT = tag(_LAYER.INPUTS_FIELD_NUMBER), tag(_LAYER.OUTPUTS_FIELD_NUMBER)
_WEIGHT, _FIELD = tag(_LAYER.WEIGHTS_FIELD_NUMBER), tag(_LAYER.RECEPTIVE_FIELD_FIELD_NUMBER)


def _layer(layer: LayerTrace, specs: Mapping[str, bytes]) -> bytes:
    """One layer; `specs` has every tensor of the stack, as what follows a tag."""
    done, kept = layer.done, layer.done.kept
    if "message" not in kept:
        kept["message"] = _encode_inference(layer).SerializeToString()
        kept["weights"] = [(weight.name, _weight(weight)) for weight in done.weights]
    parts = [text(_LAYER.NAME_FIELD_NUMBER, layer.name)]
    for ref in layer.sources:
        parts += _INPUT, specs[ref]
    for ref in layer.refs:
        parts += _OUTPUT, specs[ref]
    for name, rest in kept["weights"]:
        parts += _WEIGHT, sized(text(_NAME, f"{layer.owner}/{name}") + rest)
    parts += [_field(role, field) for role, field in layer.receptive.items()]
    parts.append(kept["message"])
    if layer.notes:
        parts.append(pieces(_LAYER.NOTES_FIELD_NUMBER, [_note(note).SerializeToString() for note in layer.notes]))
    if layer.layers:
        parts.append(pieces(_LAYER.LAYERS_FIELD_NUMBER, [_layer(inner, specs) for inner in layer.layers]))
    if layer.owner != layer.name and layer.params:
        parts.append(text(_LAYER.WEIGHTS_OF_FIELD_NUMBER, layer.owner))
    return b"".join(parts)


def _encode_inference(layer: LayerTrace) -> trace_pb2.LayerTrace:
    """What follows from a layer's options and the shapes of its inputs alone: the same wherever it stands."""
    done = layer.done
    trainable = sum(weight.size for _, weight in owned(layer.walk()) if weight.trainable)
    return trace_pb2.LayerTrace(
        kind=done.label,
        summary=layer.summary,
        derivations=map(_derivation, done.derivations),
        how=how(layer),
        explanation=explain(layer),
        pads=map(_pad, done.windows),
        unused=[
            trace_pb2.Unused(role=ROLES[w.role], count=encode_dim(w.unused)) for w in done.windows if w.unused != 0
        ],
        params=_quantity(done.params),
        trainable_params=trainable,
        non_trainable_params=layer.params - trainable,
        macs=_quantity(done.macs),
        output_bytes=encode_dim(layer.output_bytes),
        bias_adds=_quantity(done.bias_adds),
        elsewhere=map(_elsewhere, elsewhere(layer)),
    )


def encode_spec(ref: str, spec: Spec) -> trace_pb2.TensorSpec:
    """A traced tensor."""
    return trace_pb2.TensorSpec.FromString(text(_NAME, ref) + _axes(spec))


def encode_weight(layer: str, weight: Weight) -> trace_pb2.WeightSpec:
    """A weight's name, type and shape."""
    return trace_pb2.WeightSpec.FromString(text(_NAME, f"{layer}/{weight.name}") + _weight(weight))


@lru_cache(maxsize=8192)
def _axes(spec: Spec) -> bytes:
    axes = [trace_pb2.Axis(role=ROLES[axis.role], size=encode_dim(axis.size)) for axis in spec.axes]
    return trace_pb2.TensorSpec(data_type=data_type(spec.dtype), axes=axes).SerializeToString()


def _weight(weight: Weight) -> bytes:
    message = trace_pb2.WeightSpec(data_type=data_type(weight.dtype), shape=weight.shape, trainable=weight.trainable)
    return message.SerializeToString()


def encode_diagnosis(found: Diagnosis) -> trace_pb2.Diagnostic:
    """A fault with its fixes."""
    return trace_pb2.Diagnostic(
        reason=found.reason,
        layer=found.layer,
        kind=found.kind,
        index=found.index,
        field=found.field,
        message=found.message,
        got=[encode_spec(ref, spec) for ref, spec in found.got.items()],
        expected=[ROLES[role] for role in found.expected],
        fixes=map(_fix, found.fixes),
    )


def _quantity(derived: Derived | None) -> trace_pb2.Quantity | None:
    if derived is None:
        return None
    return trace_pb2.Quantity(value=encode_dim(derived.value), formula=derived.text, substitution=derived.substitution)


def _derivation(row: Derivation) -> trace_pb2.Derivation:
    return trace_pb2.Derivation(
        role=ROLES[row.role],
        axis=row.axis,
        before=_maybe(row.before),
        result=encode_dim(row.derived.value),
        formula=row.derived.text,
        substitution=row.derived.substitution,
        reason=row.reason,
    )


def _elsewhere(found: Elsewhere) -> trace_pb2.CountElsewhere:
    return trace_pb2.CountElsewhere(
        tool=found.tool, quantity=found.quantity, value=encode_dim(found.value), reason=found.reason
    )


def _maybe(size: Size | None) -> tensor_pb2.Dim | None:
    return None if size is None else encode_dim(size)


def _pad(window: Window) -> trace_pb2.AppliedPad:
    return trace_pb2.AppliedPad(
        role=ROLES[window.role], before=encode_dim(window.before), after=encode_dim(window.after)
    )


@lru_cache(maxsize=8192)
def _field(role: Role, field: Field) -> bytes:
    message = trace_pb2.ReceptiveField(role=ROLES[role], size=field.size, jump=field.jump, start=field.start)
    if field.of is not None:
        message.input_role = ROLES[field.of]
    return _FIELD + sized(message.SerializeToString())


def _note(note: Note) -> trace_pb2.Note:
    severity = trace_pb2.NOTE_SEVERITY_WARNING if note.warning else trace_pb2.NOTE_SEVERITY_INFO
    return trace_pb2.Note(severity=severity, reason=note.reason, text=note.text)


def _fix(fix: Fix) -> trace_pb2.Fix:
    return trace_pb2.Fix(
        title=fix.title,
        outcome=fix.outcome,
        stack_edits=map(_stack_edit, fix.stack_steps),
        array_edits=map(_array_edit, fix.array_steps),
    )


def _stack_edit(step: StackStep) -> trace_pb2.StackEdit:
    match step:
        case InsertNode(at, node):
            return trace_pb2.StackEdit(insert_layer={"index": at, "layer": encode_layer(node)})
        case ReplaceNode(at, node):
            return trace_pb2.StackEdit(replace_layer={"index": at, "layer": encode_layer(node)})
        case RemoveNode(at):
            return trace_pb2.StackEdit(remove_layer={"index": at})
        case InBlock(block, inner):
            edit = _stack_edit(inner)
            edit.block = block
            return edit
    return trace_pb2.StackEdit(set_layout={"layout": f"LAYOUT_{step.layout.name}"})


def _array_edit(step: ArrayStep) -> trace_pb2.ArrayEdit:
    match step:
        case ExpandArray(name, axis):
            return trace_pb2.ArrayEdit(name=name, expand_dims={"axis": axis})
        case DropAxis(name, axis):
            return trace_pb2.ArrayEdit(name=name, squeeze={"axis": axis})
        case MoveAxes(name, axes):
            return trace_pb2.ArrayEdit(name=name, transpose={"axes": axes})
        case CastArray(name, dtype):
            return trace_pb2.ArrayEdit(name=name, cast={"data_type": data_type(dtype)})
