"""ONNX operators that act on every number alike, or on two tensors element by element."""

from typing import Any

import onnx

from lamina_server.layers.tensors import DType
from tests.conformance.lamina import Check, Net, Unmapped, constant, functions, ints, kinds
from tests.conformance.onnx_node import MAPS, OnnxNode, axis_of, lifted, maps, through, together

# Operator -> the operation of Elementwise.
OPERATIONS = {
    **{op: op.lower() for op in ("Abs", "Sign", "Sqrt", "Reciprocal", "Exp", "Log", "Sin", "Cos", "Tan", "Floor")},
    **{op: op.lower() for op in ("Ceil", "Round", "Erf")},
    "Neg": "negative",
}
# Operator -> the function and the attributes it has, with ONNX's defaults.
FUNCTIONS: dict[str, tuple[str, dict[str, tuple[str, float]]]] = {
    **{op: (op, {}) for op in ("Relu", "Sigmoid", "Tanh", "Softplus", "Softsign", "Mish", "HardSwish")},
    "LeakyRelu": ("LeakyRelu", {"negative_slope": ("alpha", 0.01)}),
    "Elu": ("Elu", {"alpha": ("alpha", 1.0)}),
    "Celu": ("Celu", {"alpha": ("alpha", 1.0)}),
    "Swish": ("Silu", {}),
}


@maps(*OPERATIONS)
def elementwise(node: OnnxNode) -> Check:
    return through(node, kinds.Elementwise(OPERATIONS[node.op]))


@maps(*FUNCTIONS)
def function(node: OnnxNode) -> Check:
    if node.get("alpha", 1.0) != 1.0 and node.op == "Swish":
        raise Unmapped("Lamina has no swish with a factor inside")
    name, attributes = FUNCTIONS[node.op]
    options = {ours: node.get(theirs, default) for ours, (theirs, default) in attributes.items()}
    return through(node, activation(getattr(functions, name)(**options)))


def activation(chosen: Any) -> Any:
    return kinds.Activation(chosen)


@maps("Identity")
def identity(node: OnnxNode) -> Check:
    return through(node, kinds.Identity())


@maps("Gelu")
def gelu(node: OnnxNode) -> Check:
    return through(node, activation(functions.Gelu(node.get("approximate", "none") == "tanh")))


@maps("Selu")
def selu(node: OnnxNode) -> Check:
    alpha, gamma = node.get("alpha"), node.get("gamma")
    if alpha is None and gamma is None:
        return through(node, activation(functions.Selu()))
    return through(node, activation(functions.Elu(alpha)), times(gamma))


@maps("HardSigmoid")
def hard_sigmoid(node: OnnxNode) -> Check:
    """Lamina's is Keras' and PyTorch's, x / 6 + 1/2; any other is a product, a sum and a clip."""
    alpha, beta = node.get("alpha", 0.2), node.get("beta", 0.5)
    return through(node, times(alpha), kinds.Add(constant=constant(beta)), kinds.Clip(0.0, 1.0))


@maps("ThresholdedRelu")
def thresholded(node: OnnxNode) -> Check:
    return through(node, activation(functions.Threshold(node.get("alpha", 1.0), 0.0)))


@maps("Shrink")
def shrink(node: OnnxNode) -> Check:
    bias, bound = node.get("bias", 0.0), node.get("lambd", 0.5)
    if bias not in (0.0, bound):
        raise Unmapped("Lamina shrinks by nothing or by the bound itself, as PyTorch")
    return through(node, activation((functions.SoftShrink if bias else functions.HardShrink)(bound)))


@maps("Softmax", "LogSoftmax")
def softmax(node: OnnxNode) -> Check:
    return through(node, activation(getattr(functions, node.op)(axis_of(node.get("axis", -1)))))


@maps("PRelu")
def prelu(node: OnnxNode) -> Check:
    slope, rank = node.need(1), node.x.ndim
    alpha = slope.reshape((1,) * (rank - slope.ndim) + slope.shape)
    shared = tuple(i + 1 for i, size in enumerate(alpha.shape) if size == 1)
    return through(node, kinds.PReLU(shared), weights={"alpha": alpha})


def times(value: float) -> Any:
    """A product with a number."""
    return kinds.Multiply(constant=constant(value))


# ---- several tensors ----

MERGES = {"Add": "Add", "Sum": "Add", "Sub": "Subtract", "Mul": "Multiply", "Div": "Divide", "Pow": "Power"}
MERGES |= {"Max": "Maximum", "Min": "Minimum", "Mean": "Average"}
COMPARES = {"Equal": "equal", "Greater": "greater", "GreaterOrEqual": "greater_equal"}
COMPARES |= {"Less": "less", "LessOrEqual": "less_equal"}


@maps(*MERGES)
def merge(node: OnnxNode) -> Check:
    if len(node.given) == 1:
        raise Unmapped("Lamina merges two tensors or more; of one alone nothing is to be made")
    return together(node, getattr(kinds, MERGES[node.op])())


@maps(*COMPARES)
def compare(node: OnnxNode) -> Check:
    return together(node, kinds.Compare(COMPARES[node.op]))


@maps("And", "Or", "Xor", "Not")
def logical(node: OnnxNode) -> Check:
    return together(node, kinds.Logical(f"logical_{node.op.lower()}"))


@maps("Where")
def where(node: OnnxNode) -> Check:
    return together(node, kinds.Where())


@maps("Clip")
def clip(node: OnnxNode) -> Check:
    low, high = (None if bound is None else bound.item() for bound in (node.maybe(1), node.maybe(2)))
    return through(node, kinds.Clip(low, high))


@maps("Cast")
def cast(node: OnnxNode) -> Check:
    name = onnx.TensorProto.DataType.Name(node.get("to"))
    wanted = {"FLOAT": "float32", "DOUBLE": "float64"}.get(name, name.lower())
    if wanted not in {dtype.value for dtype in DType}:
        raise Unmapped(f"Lamina has no element type {wanted}")
    return through(node, kinds.Cast(DType(wanted)))


# ---- along axes ----

REDUCTIONS = {"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "max", "ReduceMin": "min", "ReduceProd": "prod"}
REDUCTIONS |= {"ReduceL1": "l1_norm", "ReduceL2": "l2_norm", "ReduceLogSumExp": "log_sum_exp"}


@maps(*REDUCTIONS, "ReduceSumSquare", "ReduceLogSum")
def reduction(node: OnnxNode) -> Check:
    given, x = node.maybe(1), node.x
    axes = ints(node.get("axes") if given is None else given) if given is not None or node.get("axes") else ()
    if not axes and node.get("noop_with_empty_axes", 0):
        raise Unmapped("Lamina has no reduction along no axis")
    over = tuple(map(axis_of, axes)) or tuple(range(1, x.ndim + 1))
    if node.op == "ReduceSumSquare":
        return through(node, kinds.Elementwise("square"), kinds.Reduce("sum", over, bool(node.get("keepdims", 1))))
    if node.op == "ReduceLogSum":
        return through(node, kinds.Reduce("sum", over, bool(node.get("keepdims", 1))), kinds.Elementwise("log"))
    return through(node, kinds.Reduce(REDUCTIONS[node.op], over, bool(node.get("keepdims", 1))))


@maps("ArgMax", "ArgMin")
def place(node: OnnxNode) -> Check:
    if node.get("select_last_index", 0):
        raise Unmapped("Lamina takes the first of equal numbers")
    return through(node, getattr(kinds, node.op)(axis_of(node.get("axis", 0)), bool(node.get("keepdims", 1))))


@maps("TopK")
def top(node: OnnxNode) -> Check:
    if not node.get("sorted", 1):
        raise Unmapped("Lamina gives what it takes in order")
    net = Net()
    net.input(lifted(node.x))
    net.add(kinds.TopK(int(node.need(1).item()), axis_of(node.get("axis", -1)), bool(node.get("largest", 1))))
    net.expect(*(lifted(out) for out in node.outputs if out is not None))
    return net.check()


@maps("CumSum")
def running_sum(node: OnnxNode) -> Check:
    axis = axis_of(int(node.need(1).item()))
    return through(node, kinds.CumSum(axis, bool(node.get("exclusive", 0)), bool(node.get("reverse", 0))))


@maps("LpNormalization")
def normalized(node: OnnxNode) -> Check:
    return through(node, kinds.Normalize(axis_of(node.get("axis", -1)), float(node.get("p", 2))))


def _no_layer(reason: str) -> Any:
    def refuse(node: OnnxNode) -> Check:
        raise Unmapped(reason)

    return refuse


INSIDE = "Lamina writes it inside other layers; it has no layer that is only this"
MAPS.update(dict.fromkeys(("Mod", "Range", "Shape", "Scan", "ScatterElements"), _no_layer(INSIDE)))
