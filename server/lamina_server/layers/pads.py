"""How a window's padding is written in ONNX: as numbers wherever they are numbers.

Over a symbolic length, SAME with a stride depends on the length at run time. ONNX's auto_pad says just that, but
ONNX Runtime is right only for a window at least as long as the stride and without dilation; elsewhere the pads are
computed in the graph and added by a Pad node of their own.
"""

from collections.abc import Sequence
from typing import Any

from lamina_server.dims import Size
from lamina_server.layers.base import Window
from lamina_server.layers.graph import ELEMENT, Graph
from lamina_server.layers.tensors import DType
from lamina_server.layers.windows import Padding

_AUTO = {"same": "SAME_UPPER", "same_lower": "SAME_LOWER"}


def padded(
    graph: Graph,
    name: str,
    windows: Sequence[Window],
    padding: Padding,
    dilations: Sequence[int],
    dtype: DType,
    fill: float = 0.0,
    leading: int = 2,
) -> tuple[str, dict[str, Any]]:
    """The tensor (channels first) to slide over, and the attributes that say what is still to be added to it.

    `leading` axes stand before the spatial ones.
    """
    ends = [window.before for window in windows] + [window.after for window in windows]
    if all(isinstance(end, int) for end in ends):
        return name, {"pads": ends}
    if padding in _AUTO and all(window.extent >= window.stride for window in windows) and set(dilations) <= {1}:
        return name, {"auto_pad": _AUTO[str(padding)]}
    return add_ends(graph, name, windows, fill, dtype, leading), {}


def add_ends(graph: Graph, name: str, windows: Sequence[Window], fill: float, dtype: DType, leading: int = 2) -> str:
    """A Pad node that adds what the windows say to the spatial axes of a channels-first tensor."""
    ends = [*([(0, 0)] * leading), *((window.before, window.after) for window in windows)]
    return pad(graph, name, ends, dtype, fill)


def pad(
    graph: Graph,
    name: str,
    ends: Sequence[tuple[Size, Size]],
    dtype: DType,
    fill: float = 0.0,
    mode: str = "constant",
) -> str:
    """A Pad node with a pair for each axis as the tensor lies; by way of int32 for types that ONNX Runtime lacks.

    Not for some `axes` only: where ONNX Runtime moves a Transpose past such a node it takes the wrong ends.
    """
    through = dtype in (DType.INT16, DType.UINT16)
    if through:
        name = graph.node("Cast", [name], to=ELEMENT[DType.INT32])
    value = graph.const(fill, DType.INT32 if through else dtype) if mode == "constant" else ""
    sizes = graph.shape([pair[i] for i in (0, 1) for pair in ends])
    name = graph.node("Pad", [name, sizes, value] if value else [name, sizes], mode=mode)
    return graph.node("Cast", [name], to=ELEMENT[dtype]) if through else name
