"""Kinds that hold other layers: a named stack, a layer for every step, a layer whose kernel was normalised.

A holder says what the layers in it are given and what it makes of what they give; the tracer traces them in between,
and the exporter emits them. Their names follow the holder's: "res1/conv2d".
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, NewType

from lamina_server.dims import Size, symbol
from lamina_server.errors import LayerError
from lamina_server.formula import Derived, derive
from lamina_server.layers.activations.functions import Relu
from lamina_server.layers.base import (
    Derivation,
    Example,
    Inference,
    Kind,
    Node,
    Output,
    Sdk,
    Weight,
    grouped,
    option,
    plural,
)
from lamina_server.layers.convolution.conv import Conv
from lamina_server.layers.core.basics import Dense, Input
from lamina_server.layers.graph import Graph, Value
from lamina_server.layers.merging.joining import Add
from lamina_server.layers.tensors import ANY, Axis, Layout, Role, Spec, usual_roles

Fields = dict[Role, Any]  # receptive fields by axis
RolesInside = Callable[[int], tuple[Role, ...]]  # for a rank, what the layer inside takes the axes to be
BlockName = NewType("BlockName", str)  # of a stack among the stack's blocks; in the SDK also the stack itself


class Held(NamedTuple):
    """What the layers inside a holder give: outputs, one inference a layer with its name, and their costs."""

    outputs: tuple[Output, ...]
    layers: tuple[tuple[str, Inference], ...]
    params: int
    macs: Size
    bias_adds: Size


class Holder(Kind):
    """A kind that holds other layers."""

    layer: Node  # the layer inside, where it is one alone
    takes = ANY  # the layers inside say what they take

    def check_types(self, inputs: Sequence[Spec]) -> None:
        """The layers inside check."""

    def bound(self, values: Mapping[str, Size]) -> "Holder":
        """The layer inside is bound too."""
        return replace(self, layer=self.layer.bound(values))

    def around(self, rank: int, inside: RolesInside) -> tuple[Role, ...]:
        """As `roles`, from what the layer inside takes the axes of its input of a rank to be."""
        return inside(rank)

    def roles(self, rank: int, layout: Layout) -> tuple[Role, ...]:
        """What the layer inside says."""
        return self.around(rank, lambda inner: self.layer.kind.roles(inner, layout))

    def given(self, inputs: Sequence[Spec], inside: RolesInside) -> tuple[Spec, ...]:
        """What the Inputs inside are. Raises LayerError for tensors that do not fit."""
        return tuple(inputs)

    def made(self, inputs: Sequence[Spec], held: Held) -> Inference:
        """What the holder makes of it."""
        raise NotImplementedError

    def seen_by(self, x: Spec, given: Spec, fields: Fields) -> Fields:
        """What an Input inside sees of the stack's inputs, from what its tensor `x` sees."""
        return fields

    def seen_behind(self, x: Spec, outer: Fields, out: Spec, inner: Fields) -> Fields:
        """What an output sees of the stack's inputs, from what the first input and what the output inside see."""
        return inner

    def ahead(self, kind: Kind) -> Kind:
        """A layer in front of this one that is in front of the layer inside."""
        return kind

    def enter(self, graph: Graph, inputs: Sequence[Value], given: Sequence[Spec]) -> Sequence[Value]:
        """The tensors that the Inputs inside are."""
        return inputs

    def leave(self, graph: Graph, inner: Sequence[Value], done: Inference) -> Sequence[Value]:
        """The outputs, from those of the layers inside."""
        return [value._replace(spec=output.spec) for value, output in zip(inner, done.outputs, strict=True)]


@dataclass(frozen=True)
class Block(Holder):
    """A stack used as one layer: written once in the stack's `blocks`, used as often as wanted.

    Each use has weights of its own ("name/layer/kernel"), or those of an earlier use where `weights_of` names it. Its
    Inputs take the tensors of `inputs` in order; a symbol in their shapes stands for whatever size comes.
    """

    stack: BlockName = option("name of one of the stack's blocks")

    sdk = (Sdk("Block"),)
    in_keras = ()
    inputs = (1, None)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        length = symbol("L")
        residual = (
            Node(Input((length, 4)), "x"),
            Node(Conv(4, (3,), padding="same", activation=Relu()), "conv"),
            Node(Add(), "sum", ("x", "conv")),
        )
        return (Example(cls(BlockName("residual")), ((9, 4),), blocks=(("residual", residual),)),)

    def bound(self, values: Mapping[str, Size]) -> "Block":
        return self

    def roles(self, rank: int, layout: Layout) -> tuple[Role, ...]:
        return usual_roles(rank, layout)  # the tracer knows the block, and asks it

    def made(self, inputs: Sequence[Spec], held: Held) -> Inference:
        rows = tuple(_as_inside(i, axis) for i, axis in enumerate(held.outputs[0].spec.axes) if i)
        names = [name for name, _ in held.layers]
        return Inference(
            held.outputs,
            "Block",
            rows,
            params=_summed(held, "params"),
            params_reason="Its layers' parameters together",
            macs=_summed(held, "macs"),
            bias_adds=_summed(held, "bias_adds"),
            how=": ".join(filter(None, (plural(len(names), "layer"), _listed(names)))),
        )


@dataclass(frozen=True)
class TimeDistributed(Holder):
    """One layer applied to every step alike: (batch, steps, ...) -> (batch, steps, ...), the same weights at each.

    The steps are folded into the batch axis, the layer sees (batch * steps, ...), and they are unfolded again.
    """

    layer: Node = option("the layer applied at every step")

    sdk = (Sdk("TimeDistributed"),)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(Node(Conv(4, (3, 3), padding="same"))), ((5, 8, 6, 3),)),
            Example(cls(Node(Dense(3))), ((5, 4),)),
            Example(cls(Node(Conv(2, (3,)))), ((5, 3, 7),), Layout.CHANNELS_FIRST),
        )

    def around(self, rank: int, inside: RolesInside) -> tuple[Role, ...]:
        taken = inside(rank - 1) if rank > 1 else (Role.BATCH,)
        return (Role.BATCH, _beside(Role.STEPS, taken), *taken[1:])[:rank]

    def given(self, inputs: Sequence[Spec], inside: RolesInside) -> tuple[Spec, ...]:
        (x,) = inputs
        if x.rank < 3:
            text = f"needs batch, steps and at least one axis more. It gets {x}: the layer would have nothing to act on"
            raise LayerError("RANK_MISMATCH", text, expected=(Role.BATCH, Role.STEPS, Role.FEATURES))
        axes = (Axis(role, axis.size) for role, axis in zip(inside(x.rank - 1)[1:], x.axes[2:], strict=True))
        return (Spec((Axis(Role.BATCH, x.axes[0].size * x.axes[1].size), *axes), x.dtype),)

    def made(self, inputs: Sequence[Spec], held: Held) -> Inference:
        (x,), (name, inside) = inputs, held.layers[-1]
        entries = x.axes[0].size * x.axes[1].size
        for output in held.outputs:
            if output.spec.shape[0] != entries:
                text = (
                    f"holds {inside.label}, which makes {output.spec.shape[0]} entries along the batch axis of the "
                    f"{entries} that come; the layer inside must keep them apart, since each is a step of a sample"
                )
                raise LayerError("UNSUPPORTED", text, field="layer")
        role = _beside(x.axes[1].role, [axis.role for o in held.outputs for axis in o.spec.axes])
        steps = Axis(role, x.axes[1].size)
        outputs = tuple(Output(o.name, Spec((x.axes[0], steps, *o.spec.axes[1:]), o.spec.dtype)) for o in held.outputs)
        several = f"The same {inside.label} acts on each of them; nothing is mixed between steps."
        every = f"{inside.label} acts on it." if steps.size == 1 else several
        row = Derivation(1, steps.role, steps.size, derive("T", T=steps.size), every)
        moved = (r._replace(axis=r.axis + 1) for r in inside.derivations if r.axis)
        macs = _each_step(steps.size, held.macs)
        return Inference(
            outputs,
            "TimeDistributed",
            (row, *moved),
            params=_summed(held, "params"),
            params_reason=f"{name} has them once, however many steps there are",
            macs=macs,
            bias_adds=_each_step(steps.size, held.bias_adds),
            how=f"{inside.label} at each of {plural(steps.size, 'step')}",
            sees_along=tuple(axis + 1 for axis in inside.sees_along),
        )

    def seen_by(self, x: Spec, given: Spec, fields: Fields) -> Fields:
        pairs = zip(x.axes[2:], given.axes[1:], strict=True)
        return {new.role: fields[old.role].renamed(old.role, new.role) for old, new in pairs if old.role in fields}

    def seen_behind(self, x: Spec, outer: Fields, out: Spec, inner: Fields) -> Fields:
        steps = out.axes[1].role  # none where an axis inside has theirs
        return {**{role: field for role, field in outer.items() if role is steps is x.axes[1].role}, **inner}

    def ahead(self, kind: Kind) -> Kind:
        return replace(self, layer=Node(kind))

    def enter(self, graph: Graph, inputs: Sequence[Value], given: Sequence[Spec]) -> Sequence[Value]:
        sizes = graph.shape([-1, *given[0].shape[1:]])
        return [graph.logical(graph.node("Reshape", [graph.arrange(inputs[0]), sizes]), given[0])]

    def leave(self, graph: Graph, inner: Sequence[Value], done: Inference) -> Sequence[Value]:
        return [
            graph.logical(graph.node("Reshape", [graph.arrange(value), graph.shape(_unfolded(o.spec))]), o.spec)
            for value, o in zip(inner, done.outputs, strict=True)
        ]


@dataclass(frozen=True)
class SpectralNormalization(Holder):
    """A layer whose kernel was divided by its largest singular value in training; at inference, that layer.

    Keras stores the divided kernel, so nothing is left to compute. `power_iterations` matters in training alone.
    """

    layer: Node = option("the layer whose kernel is normalised")
    power_iterations: int = option("steps of the power method in training; no effect at inference", 1, minimum=1)

    masking = "drops"
    sdk = (Sdk("SpectralNormalization"),)
    in_torch = ("nn.utils.parametrizations.spectral_norm",)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example(cls(Node(Conv(4, (3, 3)))), ((6, 5, 2),)), Example(cls(Node(Dense(3))), ((4,),)))

    def made(self, inputs: Sequence[Spec], held: Held) -> Inference:
        name, inside = held.layers[-1]
        there = {weight.name: weight for weight in inside.weights}
        kernel = there.get("kernel") or there.get("embeddings")
        if kernel is None or "recurrent_kernel" in there:  # Keras finds none in a recurrent layer either
            text = f"normalises the one kernel of a layer, but {inside.label} has not one; leave it out"
            raise LayerError("UNSUPPORTED", text, field="layer")
        width = kernel.shape[-1]
        return Inference(
            held.outputs,
            "SpectralNormalization",
            inside.derivations,
            inside.windows,
            weights=(Weight("vector_u", (1, width), "ones", trainable=False),),
            params=derive("layer + width", layer=held.params, width=width),
            params_reason=f"{name} has {plural(held.params, 'parameter')}, and the vector of the power method {width}",
            macs=_summed(held, "macs"),
            bias_adds=_summed(held, "bias_adds"),
            how=f"{inside.label} with a normalised kernel",
            sees_all=inside.sees_all,
            sees_along=inside.sees_along,
        )


def _beside(role: Role, others: Collection[Role]) -> Role:
    """The role of the steps: none where an axis inside has it too, as the steps of a Conv1D."""
    return Role.NONE if role in others else role


def _unfolded(spec: Spec) -> list[Size]:
    """Sizes for a Reshape: one that is not a number is left to ONNX."""
    sizes = list(spec.shape)
    if all(isinstance(size, int) for size in sizes[1:]):
        sizes[0] = -1
    return sizes


def _as_inside(i: int, axis: Axis) -> Derivation:
    return Derivation(i, axis.role, None, derive("size", size=axis.size), "That is what its layers give.")


def _summed(held: Held, what: str) -> Derived | None:
    """A total with its terms, as far as they can be read."""
    parts: dict[str, Size] = {}
    for i, (_, done) in enumerate(held.layers):
        cost = getattr(done, what)
        if cost is not None and cost.value != 0:
            parts[chr(ord("a") + i % 26) + (str(i // 26) if i > 25 else "")] = cost.value
    total: Size = getattr(held, what)
    if not parts:
        return None
    if len(parts) > 12 or sum(1 for _ in parts) == 1 or derive(" + ".join(parts), **parts).value != total:
        return derive("total", total=total)
    return derive(" + ".join(parts), **parts)


def _each_step(steps: Size, each: Size) -> Derived | None:
    return derive("steps * each", steps=steps, each=each) if each != 0 else None


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:6])
    return ", ".join(shown) + (f" and {grouped(len(names) - 6)} more" if len(names) > 6 else "")
