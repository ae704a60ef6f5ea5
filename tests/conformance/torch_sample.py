"""PyTorch's own samples for its modules (torch.testing._internal.common_modules), and the helpers that map them.

A sample without a batch gets one of size 1: Lamina's layers have a batch axis, always. Modules run in eval mode, with
random numbers in place of the zeros and ones that norms and biases begin with.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np

from tests.conformance.lamina import FIRST, Array, Check, Net, Unmapped
from tests.conformance.suite import Case
from tests.support import require

torch = require("torch")
DTYPES = ("float32", "float64")


@dataclass
class Sample:
    """A module in eval mode, the arrays it takes by position and by name, and those it gives."""

    module: Any
    arrays: list[Array | None]
    options: dict[str, Any] = field(default_factory=dict)
    outputs: list[Array] = field(default_factory=list)

    @property
    def x(self) -> Array:
        """The first array."""
        (x,) = self.arrays[:1]
        assert x is not None
        return x

    @property
    def y(self) -> Array:
        """The first output."""
        return self.outputs[0]

    def batched(self, rank: int) -> None:
        """Puts a batch of one before arrays of one axis less than `rank`."""
        if self.x.ndim == rank - 1:
            self.lift()

    def lift(self) -> None:
        """Puts a batch of one before everything."""
        self.arrays = [None if array is None else array[None] for array in self.arrays]
        self.outputs = [array[None] for array in self.outputs]


Map = Callable[[Any, Sample], Check]
MAPS: dict[str, Map] = {}


def maps(*modules: str) -> Callable[[Map], Map]:
    """Registers the function that maps these modules, by class name."""

    def register(function: Map) -> Map:
        MAPS.update(dict.fromkeys(modules, function))
        return function

    return register


def numpy(tensor: Any) -> Array:
    """A tensor as an array."""
    array: Array = tensor.detach().numpy().copy()
    return array


def weights_of(module: Any, **names: str) -> dict[str, Array]:
    """Parameters and buffers by our names, from pairs ours=theirs; what the module has not is left out."""
    found = {ours: getattr(module, theirs, None) for ours, theirs in names.items()}
    return {ours: numpy(tensor) for ours, tensor in found.items() if tensor is not None}


def several(value: Any, count: int) -> tuple[int, ...]:
    """One number for each axis, from one for all or from a tuple."""
    return tuple(value) if isinstance(value, list | tuple) else (value,) * count


def one(kind: Any, sample: Sample, weights: dict[str, Array] | None = None, extra: Sequence[Any] = ()) -> Check:
    """A sample through one layer, or through several of which the weights are the first one's."""
    net = Net(FIRST)
    sources = [net.input(array) for array in sample.arrays if array is not None]
    net.add(kind, *sources, weights=weights)
    for layer in extra:
        net.add(layer)
    net.expect(*sample.outputs)
    return net.check()


@cache
def database() -> tuple[Any, ...]:
    """PyTorch's list of modules with samples."""
    require("expecttest")
    from torch.testing._internal.common_modules import module_db

    return tuple(module_db)


def cases(names: Sequence[str] = (), dtypes: Sequence[str] = DTYPES) -> Iterator[Case]:
    """The samples of these modules, by default of all."""
    for info in database():
        name = info.module_cls.__name__
        if names and name not in names:
            continue
        loss = name.endswith("Loss")
        for dtype in dtypes[:1] if loss else dtypes:
            kind = getattr(torch, dtype)
            if kind not in info.dtypes and name != "Embedding":
                continue
            torch.manual_seed(zlib.crc32(name.encode()))
            made = info.module_inputs_func(info, device="cpu", dtype=kind, requires_grad=False, training=False)
            if loss:
                yield Case("losses", name, _loss, len(list(made)))
                continue
            for i, given in enumerate(made):
                yield Case(name, f"{name} {i} {dtype}", partial(_mapped, info.module_cls, given, kind))


def _loss() -> Check:
    raise Unmapped("Lamina answers for inference, where there are no losses")


def _mapped(cls: Any, given: Any, dtype: Any) -> Check:
    made, taken = given.constructor_input, given.forward_input
    torch.manual_seed(0)
    module = cls(*made.args, **made.kwargs).to(dtype)
    return mapped(module, taken.args, taken.kwargs)


def mapped(module: Any, args: Sequence[Any], options: dict[str, Any]) -> Check:
    """The check for a module and what it is called with."""
    module.eval()
    named = dict(options)
    args, options = [*args, *([named.pop("input")] if "input" in named else [])], named
    with torch.enable_grad():  # off the fast paths of transformers, which put zeros where a mask is
        if any(isinstance(p, torch.nn.parameter.UninitializedParameter) for p in module.parameters()):
            module(*args, **options)
        _randomize(module)
        result = module(*args, **options)
    arrays = [None if tensor is None else _flat(tensor) for tensor in args]
    outputs = [numpy(tensor) for tensor in _leaves(result)]
    mapping = MAPS.get(type(module).__name__)
    if mapping is None:
        raise Unmapped(f"Lamina has no {type(module).__name__}")
    sample = Sample(module, [], options, outputs)
    sample.arrays = [array for item in arrays for array in (item if isinstance(item, list) else [item])]
    return mapping(module, sample)


def _flat(value: Any) -> Any:
    return [numpy(item) for item in value] if isinstance(value, tuple | list) else numpy(value)


def _leaves(result: Any) -> Iterator[Any]:
    for item in result if isinstance(result, tuple | list) else (result,):
        if isinstance(item, tuple | list):
            yield from item
        elif item is not None:
            yield item


def _randomize(module: Any) -> None:
    """Numbers around 0 in every parameter, so that no bias or scale is forgotten unseen; variances in [0.5, 2]."""
    rng = np.random.default_rng(7)
    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if tensor is None or not tensor.is_floating_point():
                continue
            drawn = rng.uniform(0.5, 2, tensor.shape) if "running_var" in name else rng.normal(0, 0.5, tensor.shape)
            tensor.copy_(torch.as_tensor(drawn, dtype=tensor.dtype))
