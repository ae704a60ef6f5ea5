"""Layers whose input is integers that choose: rows of a table, or places of ones."""

from collections.abc import Sequence
from dataclasses import dataclass

from lamina_server.dims import product
from lamina_server.errors import LayerError
from lamina_server.formula import derive
from lamina_server.layers.base import (
    Derivation,
    Example,
    Inference,
    Kind,
    Sdk,
    Weight,
    option,
    plural,
    require_number,
    require_type,
    single,
)
from lamina_server.layers.core.basics import RETURN_MASK, dense_macs, with_mask
from lamina_server.layers.graph import ELEMENT, Graph, Value
from lamina_server.layers.tensors import FLOATS, INTEGERS, NUMBERS, Axis, DType, Layout, Role, Spec

MASK_ZERO = "whether later layers leave out id 0, as in Keras: those take the mask as an input"


@dataclass(frozen=True)
class Embedding(Kind):
    """Each integer is replaced by its row of a table: (batch, ...) -> (batch, ..., output_dim).

    Table "embeddings" (input_dim, output_dim): input_dim * output_dim parameters. Ids are 0 to input_dim - 1, and -1 to
    -input_dim count from the end, as in Keras and ONNX (PyTorch refuses them); others are refused when they are fed.
    Floating-point ids are refused, as in PyTorch (Keras drops their fraction: put Cast("int32") before). PyTorch's
    padding_idx, max_norm and scale_grad_by_freq change training only. With mask_zero Keras hands a mask on; here
    return_mask=True makes it a second output "mask" of bool, shaped as the ids, which layers take as an input.
    """

    input_dim: int = option("number of rows", minimum=1)
    output_dim: int = option("size of a row", minimum=1)
    mask_zero: bool = option(MASK_ZERO, False)
    dtype: DType = option("element type of the rows, a floating-point type", DType.FLOAT32)
    return_mask: bool = option(RETURN_MASK, False)

    sdk = (Sdk("Embedding"),)
    in_torch = ("nn.Embedding",)
    takes = INTEGERS

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(4, 3), ((7,),), dtypes=(DType.INT32,)),
            Example(cls(5, 2, mask_zero=True), ((2, 3),), dtypes=(DType.INT64,)),
            Example(cls(4, 1, dtype=DType.FLOAT64), ((),), dtypes=(DType.UINT8,)),
            Example(cls(4, 2, mask_zero=True, return_mask=True), ((5,),), dtypes=(DType.INT32,)),
        )

    @property
    def sends_mask(self) -> bool:
        return self.mask_zero

    @property
    def rows(self) -> int | None:
        return self.input_dim

    def roles(self, rank: int, layout: Layout) -> tuple[Role, ...]:
        return _id_roles(rank)

    def computes_in(self, inputs: Sequence[Spec]) -> DType:
        return self.dtype

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        return _looked_up(self, inputs[0])

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        return [rows_of(graph, inputs[0], done), *_mask_of(graph, inputs[0], done)]


@dataclass(frozen=True)
class ReversibleEmbedding(Kind):
    """An Embedding, or with reverse its way back, x times the transposed table.

    Back is (batch, ..., output_dim) -> (batch, ..., input_dim). The table "embeddings" (input_dim, output_dim), or
    on the way back without tie_weights "reverse_embeddings" (output_dim, input_dim): input_dim * output_dim
    parameters, those that are used. A stack that goes both ways has two layers, each with its own weights: give
    both the same table where they are tied.
    """

    input_dim: int = option("number of rows", minimum=1)
    output_dim: int = option("size of a row", minimum=1)
    tie_weights: bool = option("whether the way back uses the table itself, not a matrix of its own", True)
    mask_zero: bool = option("as of Embedding; no effect on the way back", False)
    reverse_dtype: DType | None = option("type that the way back computes in and gives; the input's if not given", None)
    logit_soft_cap: float | None = option(
        "on the way back, x becomes c * tanh(x / c) for this c", None, minimum=2**-126
    )
    reverse: bool = option("whether this is the way back", False)
    dtype: DType = option("element type of the rows; no effect on the way back", DType.FLOAT32)
    return_mask: bool = option(RETURN_MASK, False)

    sdk = (Sdk("ReversibleEmbedding"),)
    in_torch = ("nn.Embedding",)

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example(cls(4, 3), ((7,),), dtypes=(DType.INT32,)),
            Example(cls(4, 3, reverse=True), ((7, 3),)),
            Example(cls(4, 3, False, logit_soft_cap=0.5, reverse=True), ((7, 3),)),
            Example(cls(4, 3, reverse_dtype=DType.FLOAT64, reverse=True), ((3,),)),
        )

    @property
    def sends_mask(self) -> bool:
        return self.mask_zero and not self.reverse

    @property
    def rows(self) -> int | None:
        return None if self.reverse else self.input_dim

    def check_types(self, inputs: Sequence[Spec]) -> None:
        require_type(inputs[0], FLOATS if self.reverse else INTEGERS, 1)

    def roles(self, rank: int, layout: Layout) -> tuple[Role, ...]:
        return super().roles(rank, layout) if self.reverse else _id_roles(rank)

    def computes_in(self, inputs: Sequence[Spec]) -> DType:
        return inputs[0].dtype if self.reverse else self.dtype

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        (x,) = inputs
        if not self.reverse:
            return _looked_up(self, x)
        if self.return_mask:
            raise LayerError(
                "UNSUPPORTED", "has return_mask=True, but there is no mask on the way back", field="return_mask"
            )
        if self.reverse_dtype is not None and self.reverse_dtype not in FLOATS:
            raise LayerError(
                "DTYPE_MISMATCH",
                f"computes in {self.reverse_dtype.value} on the way back; that is done in floating-point numbers",
                field="reverse_dtype",
            )
        last = "its last axis", "because its table has a column for each"
        if x.rank < 2 or require_number(x.axes[-1].size, *last) != self.output_dim:
            raise LayerError(
                "SIZE_MISMATCH",
                f"has rows of {self.output_dim}, so the way back needs a last axis of {self.output_dim}. It gets {x}",
                field="output_dim",
                have=self.output_dim,
            )
        out = x.resized(x.rank - 1, self.input_dim, Role.FEATURES)
        reason = f"A number for each of the {plural(self.input_dim, 'row')}: how well it matches the vector."
        row = Derivation(
            x.rank - 1, Role.FEATURES, self.output_dim, derive("input_dim", input_dim=self.input_dim), reason
        )
        name, shape = "embeddings", (self.input_dim, self.output_dim)
        if not self.tie_weights:
            name, shape = "reverse_embeddings", shape[::-1]
        sizes = {"rows": self.input_dim, "size": self.output_dim}
        return Inference(
            single(out._replace(dtype=self.reverse_dtype or x.dtype)),
            self.title,
            (row,),
            weights=(Weight(name, shape, "glorot", *shape),),
            params=derive("rows * size", **sizes),
            params_reason=f"Each row has {plural(self.output_dim, 'weight')}",
            macs=dense_macs(product(x.shape[1:-1]), self.output_dim, self.input_dim),
            how=f"back from {self.output_dim} to {plural(self.input_dim, 'row')}",
            sees_all=x.rank == 2,
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        (x,) = inputs
        if not self.reverse:
            return [rows_of(graph, x, done), *_mask_of(graph, x, done)]
        table = graph.weight("embeddings", lambda w: w.T) if self.tie_weights else graph.weight("reverse_embeddings")
        operands = [graph.arrange(x), table]
        if done.spec.dtype is not x.spec.dtype:
            operands = [graph.node("Cast", [name], to=ELEMENT[done.spec.dtype]) for name in operands]
        name = graph.node("MatMul", operands)
        if self.logit_soft_cap is not None:
            cap = graph.const(self.logit_soft_cap, done.spec.dtype)
            name = graph.node("Mul", [graph.node("Tanh", [graph.node("Div", [name, cap])]), cap])
        return [graph.logical(name, done.spec)]


@dataclass(frozen=True)
class CategoryEncoding(Kind):
    """Integers as zeros and ones, or as counts, over num_tokens places.

    one_hot: (batch, ...) -> (batch, ..., num_tokens), a last axis of size 1 being replaced. multi_hot and count:
    (batch, n) -> (batch, num_tokens), 1 or the number of times that an integer occurs; with a second input of the same
    shape, count adds its numbers instead of ones. An integer outside 0 to num_tokens - 1 counts nowhere.
    """

    num_tokens: int = option("number of categories", minimum=1)
    output_mode: str = option("what is written: one_hot, multi_hot or count", "multi_hot")
    dtype: DType = option("element type of the result", DType.FLOAT32)

    sdk = (Sdk("CategoryEncoding"),)
    in_torch = ("nn.functional.one_hot",)
    takes = INTEGERS
    inputs = (1, 2)
    masking = "drops"

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        ids = (DType.INT64,)
        return (
            Example(cls(4), ((5,),), dtypes=ids),
            Example(cls(4, "one_hot"), ((5,),), dtypes=ids),
            Example(cls(3, "one_hot", DType.INT32), ((1,),), dtypes=ids),
            Example(cls(3, "count"), ((5,),), dtypes=(DType.UINT8,)),
            Example(cls(3, "count"), ((5,), (5,)), dtypes=(DType.INT32, DType.FLOAT32)),
        )

    def check_types(self, inputs: Sequence[Spec]) -> None:
        require_type(inputs[0], INTEGERS, 1)
        if len(inputs) > 1:
            require_type(inputs[1], FLOATS, 2)

    def infer(self, inputs: Sequence[Spec], layout: Layout) -> Inference:
        x = inputs[0]
        self._check(inputs)
        one_hot = self.output_mode == "one_hot"
        single_id = one_hot and x.rank > 1 and require_number(x.shape[-1], "its last axis", "as 1 is replaced") == 1
        kept = x.axes[:-1] if single_id or not one_hot else x.axes
        dtype = inputs[1].dtype if len(inputs) > 1 else self.dtype
        out = Spec((*kept, Axis(Role.FEATURES, self.num_tokens)), dtype)
        what = {
            "one_hot": "a 1 at the place of the integer",
            "multi_hot": "a 1 at the place of every integer of the sample",
            "count": "how often the sample holds each integer",
        }[self.output_mode]
        places = derive("num_tokens", num_tokens=self.num_tokens)
        row = Derivation(out.rank - 1, Role.FEATURES, None, places, f"{what[0].upper()}{what[1:]}.")
        return Inference(
            single(out),
            "CategoryEncoding",
            (row,),
            how=f"{plural(self.num_tokens, 'place')}: {what}",
            sees_all=not one_hot,
            scratch=0 if one_hot else x.elements * self.num_tokens * 2,
        )

    def emit(self, graph: Graph, inputs: Sequence[Value], done: Inference) -> Sequence[Value]:
        x, spec = inputs[0], done.spec
        ids = graph.node("Cast", [graph.arrange(x)], to=ELEMENT[DType.INT64])
        if spec.rank == x.spec.rank + 1 or self.output_mode != "one_hot":
            ids = graph.node("Unsqueeze", [ids, graph.ints([-1])])
        ends = [graph.const(n, DType.INT64) for n in (0, self.num_tokens, 1)]
        found = graph.node("Equal", [ids, graph.node("Range", ends)])
        if self.output_mode == "one_hot":
            return [graph.logical(graph.node("Cast", [found], to=ELEMENT[spec.dtype]), spec)]
        inner = spec.dtype if len(inputs) > 1 else DType.INT32  # ONNX Runtime reduces few types
        name = graph.node("Cast", [found], to=ELEMENT[inner])
        if len(inputs) > 1:
            name = graph.node("Mul", [name, graph.node("Unsqueeze", [graph.arrange(inputs[1]), graph.ints([-1])])])
        reduce = "ReduceSum" if self.output_mode == "count" else "ReduceMax"
        name = graph.node(reduce, [name, graph.ints([1])], keepdims=0)
        return [graph.logical(graph.node("Cast", [name], to=ELEMENT[spec.dtype]), spec)]

    def _check(self, inputs: Sequence[Spec]) -> None:
        x = inputs[0]
        if self.dtype not in NUMBERS:
            raise LayerError("DTYPE_MISMATCH", "gives numbers, so its dtype is not bool", field="dtype")
        if self.output_mode != "one_hot" and x.rank != 2:
            raise LayerError(
                "RANK_MISMATCH",
                f'has output_mode="{self.output_mode}", which needs batch, integers. It gets {x}; only "one_hot" takes '
                "any number of axes",
                expected_rank=2,
                got_rank=x.rank,
            )
        if len(inputs) == 1:
            return
        if self.output_mode != "count":
            raise LayerError(
                "INPUT_COUNT",
                f'has output_mode="{self.output_mode}", which takes no weights; only "count" has a second input',
                field="inputs",
            )
        if inputs[1].shape != x.shape:
            raise LayerError(
                "SIZE_MISMATCH",
                f"needs a weight for each integer: {{input_1}} is {x}, {{input_2}} is {inputs[1]}",
                field="inputs",
            )


def looked_up(x: Spec, count: int, width: int, dtype: DType, label: str) -> Inference:
    """What replacing integers by rows of a table (count, width) infers."""
    if dtype not in FLOATS:
        raise LayerError(
            "DTYPE_MISMATCH", f"has rows of {dtype.value}; they are of a floating-point type", field="dtype", got=dtype
        )
    axes = tuple(Axis(Role.STEPS, axis.size) if axis.role is Role.FEATURES else axis for axis in x.axes)
    each = f"Each id is replaced by its row, {plural(width, 'number')}; there are {plural(count, 'row')}."
    row = Derivation(x.rank, Role.FEATURES, None, derive("output_dim", output_dim=width), each)
    return Inference(
        single(Spec((*axes, Axis(Role.FEATURES, width)), dtype)),
        label,
        (row,),
        weights=(Weight("embeddings", (count, width), "glorot", count, width),),
        params=derive("rows * size", rows=count, size=width),
        params_reason=f"Each row has {plural(width, 'weight')}",
        how=f"each id -> its row of {width}, out of {count}",
    )


def _looked_up(kind: Embedding | ReversibleEmbedding, x: Spec) -> Inference:
    done = looked_up(x, kind.input_dim, kind.output_dim, kind.dtype, kind.title)
    if not kind.return_mask:
        return done
    if not kind.mask_zero:
        text = "has return_mask=True, but only mask_zero=True makes a mask"
        raise LayerError("UNSUPPORTED", text, field="return_mask")
    return with_mask(done, Spec(done.spec.axes[:-1], DType.BOOL))


def _mask_of(graph: Graph, x: Value, done: Inference) -> list[Value]:
    """The mask, where it is an output: which ids are not 0."""
    if len(done.outputs) == 1:
        return []
    ids = graph.cast(graph.arrange(x), DType.INT64)
    zero = graph.node("Equal", [ids, graph.const(0, DType.INT64)])
    return [graph.logical(graph.node("Not", [zero]), done.outputs[1].spec)]


def _id_roles(rank: int) -> tuple[Role, ...]:
    """Ids stand one after the other; those with more axes are of no known kind."""
    return (Role.BATCH, Role.STEPS) if rank == 2 else (Role.BATCH,) + (Role.NONE,) * (rank - 1)


def rows_of(graph: Graph, x: Value, done: Inference) -> Value:
    """The nodes that replace integers by rows of the weight "embeddings"."""
    ids = graph.arrange(x)
    if x.spec.dtype not in (DType.INT32, DType.INT64):
        ids = graph.node("Cast", [ids], to=ELEMENT[DType.INT64])
    return graph.logical(graph.node("Gather", [graph.weight("embeddings"), ids]), done.spec)
