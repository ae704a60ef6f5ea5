"""Every kind in float16, bfloat16 and float64: the values of the reference, or a refusal that names the operator.

The reference computes in float64 from the numbers as the type holds them, so what differs is what the type rounds.
"""

from collections.abc import Sequence

import numpy as np
import onnx
import pytest

from lamina_server import runtime
from lamina_server.errors import KernelError, StackError
from lamina_server.export import export, output_name
from lamina_server.layers.tensors import DType
from lamina_server.records import Trace
from lamina_server.stack import Stack
from lamina_server.trace import trace
from lamina_server.weights import weights_of
from lamina_server.widen import widened
from tests.contract import references
from tests.contract.running import DEVICE, Array, around, random_inputs, random_weights
from tests.contract.test_promises import CASES, Case

# Relative to the largest value: some tens of roundings, each half of the type's epsilon (4.9e-4, 3.9e-3). In float64
# what ONNX keeps in float32, its attributes (an epsilon, a slope), counts most; arithmetic in float32 is off by 1e-7.
TOLERANCE = {DType.FLOAT16: 1e-2, DType.BFLOAT16: 8e-2, DType.FLOAT64: 3e-8}
# Operators of which ONNX Runtime's CPU has no float64 kernel (1.32).
NO_FLOAT64 = {
    *(
        "AveragePool",
        "Conv",
        "ConvTranspose",
        "Elu",
        "Erf",
        "HardSigmoid",
        "InstanceNormalization",
        "LeakyRelu",
        "LSTM",
    ),
    *("PRelu", "Selu", "Softplus", "Softsign"),
}

every_type = pytest.mark.parametrize("dtype", sorted(TOLERANCE), ids=str)
every_case = pytest.mark.parametrize(
    "case", [case for case in CASES if case.example.shapes and not case.example.dtypes], ids=str
)


@every_type
@every_case
def test_values_in_every_type(case: Case, dtype: DType) -> None:
    layer, shapes, layout, _, blocks = case.example
    stack = around(layer, *shapes, layout=layout, dtypes=[dtype] * len(shapes), blocks=blocks)
    traced = _traced(stack, dtype)
    if traced is None:
        return
    found = traced.layers[-1]
    rng = np.random.default_rng(3)
    weights = {name: array.astype(_numpy(traced, name)) for name, array in random_weights(traced, rng).items()}
    arrays = random_inputs(traced, rng)
    model = export(traced, weights, found.refs)
    onnx.checker.check_model(onnx.ModelProto.FromString(model), full_check=True)
    ran = _run(widened(model) if dtype is DType.BFLOAT16 else model, found.refs, arrays, dtype)
    if ran is None:
        return
    own = {name.removeprefix("layer/"): _wide(array) for name, array in weights.items()}
    wanted = references.expected(layer, [_wide(arrays[f"x{i}"]) for i in range(len(shapes))], own, layout)
    for ref, array, right in zip(found.refs, ran, wanted, strict=True):
        assert array.dtype == traced.specs[ref].dtype.numpy
        with np.errstate(over="ignore"):  # what exceeds the type is infinite there
            right = right.astype(array.dtype)
        scale = max(1.0, float(np.abs(_wide(right)).max(initial=0, where=np.isfinite(_wide(right)))))
        np.testing.assert_allclose(_wide(array), _wide(right), rtol=0, atol=TOLERANCE[dtype] * scale)


def _traced(stack: Stack, dtype: DType) -> Trace | None:
    """The trace; None for a layer that says that it does not take the type."""
    try:
        return trace(stack)
    except StackError as error:
        refused = error.diagnosis.reason in ("DTYPE_MISMATCH", "UNSUPPORTED") and dtype.value in str(error)
        if refused:
            return None
        raise


def _run(model: bytes, refs: Sequence[str], arrays: dict[str, Array], dtype: DType) -> list[Array] | None:
    """What comes back; None where ONNX Runtime is known to have no kernel."""
    try:
        session = runtime.Session(model, DEVICE)
        return session.run(arrays, [output_name(ref, session.input_names) for ref in refs])
    except KernelError as error:
        if dtype is DType.FLOAT64 and error.operator in NO_FLOAT64:
            return None
        raise


def _numpy(traced: Trace, name: str) -> "np.dtype[np.generic]":
    return dict(weights_of(traced))[name].dtype.numpy


def _wide(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype.kind in "fV" else array
