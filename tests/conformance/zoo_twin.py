"""A network built twice, step by step: in PyTorch or Keras, with numbers, and as a stack of Lamina.

Every step's numbers are expected of the layer that is its counterpart, so that a shape or a value that goes wrong is
named where it goes wrong; parameters are counted on both sides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod, sqrt
from typing import Any

import numpy as np

from lamina_server.layers.core.basics import Input
from tests.conformance import keras_nested, torch_modules, torch_more, torch_walks
from tests.conformance.keras_call import Call, Made
from tests.conformance.keras_call import numpy as numpy_of
from tests.conformance.keras_convert import convert
from tests.conformance.lamina import FIRST, LAST, Array, Check, Net, functions, kinds
from tests.conformance.torch_sample import MAPS, Sample, numpy, torch

assert all(module.__doc__ for module in (keras_nested, torch_modules, torch_more, torch_walks))  # they hold the maps


@dataclass(frozen=True)
class At:
    """A tensor of both networks: the layer's name here, the numbers there."""

    name: str
    value: Any


@dataclass
class Twin:
    """Both networks, as far as they are built. `layout` is what the arrays' channels follow."""

    net: Net = field(default_factory=lambda: Net(FIRST))
    params: int = 0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(11))

    def input(self, *shape: int, below: int = 0) -> At:
        """Random numbers, or ids below a bound."""
        array = self.rng.integers(0, below, shape) if below else self.rng.standard_normal(shape).astype(np.float32)
        return At(self.net.input(array), torch.from_numpy(array))

    def step(self, kind: Any, value: Any, *sources: At, weights: dict[str, Array] | None = None) -> At:
        """A layer here, and what PyTorch made of the same."""
        name = self.net.add(kind, *(at.name for at in sources), weights=weights)
        self.net.expected[name] = numpy(value)
        self.params += sum(array.size for array in (weights or {}).values())
        return At(name, value)

    def module(self, module: Any, *sources: At) -> At:
        """A module of PyTorch with random weights, and its counterpart."""
        module = self.drawn(module.eval())
        value = module(*(at.value for at in sources))
        sample = Sample(module, [numpy(at.value) for at in sources], {}, [numpy(value)])
        name = self.graft(MAPS[type(module).__name__](module, sample), *sources)
        self.net.expected[name] = numpy(value)
        self.params += sum(p.numel() for p in module.parameters())
        self.params += sum(b.numel() for n, b in module.named_buffers() if n in ("running_mean", "running_var"))
        return At(name, value)

    def chain(self, at: At, *modules: Any) -> At:
        """Modules one after the other."""
        for module in modules:
            at = self.function(module, at) if isinstance(module, str) else self.module(module, at)
        return at

    def function(self, name: str, at: At) -> At:
        """An activation function by its name here."""
        there: dict[str, Callable[[Any], Any]] = {
            "Relu": torch.relu,
            "Relu6": torch.nn.functional.relu6,
            "Silu": torch.nn.functional.silu,
            "Gelu": torch.nn.functional.gelu,
            "HardSwish": torch.nn.functional.hardswish,
            "HardSigmoid": torch.nn.functional.hardsigmoid,
            "Sigmoid": torch.sigmoid,
        }
        return self.step(kinds.Activation(getattr(functions, name)()), there[name](at.value), at)

    def add(self, *sources: At) -> At:
        """Their sum."""
        return self.step(kinds.Add(), sum(at.value for at in sources), *sources)

    def times(self, one: At, other: At) -> At:
        """Their product."""
        return self.step(kinds.Multiply(), one.value * other.value, one, other)

    def join(self, *sources: At, axis: int = 1) -> At:
        """Both along an axis."""
        return self.step(kinds.Concatenate(axis), torch.cat([at.value for at in sources], axis), *sources)

    def parameter(self, *shape: int) -> At:
        """Numbers of the network's own, the same for every sample."""
        array = self.rng.standard_normal(shape).astype(np.float32) * np.float32(0.5)
        batch = len(next(iter(self.net.inputs.values())))
        return self.step(
            kinds.Parameter(shape), torch.from_numpy(array).expand(batch, *shape), weights={"value": array}
        )

    def mean(self, at: At, *axes: int) -> At:
        """The mean along axes."""
        return self.step(kinds.Reduce("mean", axes), at.value.mean(axes), at)

    def permute(self, at: At, *dims: int) -> At:
        """Axes in another order, the batch left out."""
        return self.step(kinds.Permute(dims), at.value.permute(0, *dims), at)

    def reshape(self, at: At, *sizes: int) -> At:
        """The same numbers in another shape, the batch left out."""
        return self.step(kinds.Reshape(sizes), at.value.reshape(len(at.value), *sizes), at)

    def layer(self, layer: Any, *sources: At, **named: Any) -> Any:
        """A layer of Keras with random weights, and its counterpart; one At for each output."""
        given = [at.value for at in sources]
        taken = given if len(given) > 1 and type(layer).__name__ in _MERGES else None
        states = {"initial_state": given[1:]} if named.pop("states", False) else {}
        arguments: Sequence[Any] = [taken] if taken else given[:1] if states else given
        layer(*arguments, **states, **named)
        weights = self._drawn_for(layer)
        results = layer(*arguments, **states, **named)
        values = list(results) if isinstance(results, list | tuple) else [results]
        arrays = tuple(map(numpy_of, given[:1] if states else given))
        named = {key: [numpy_of(state) for state in value] for key, value in states.items()} | named
        call = Call(type(layer), layer.get_config(), arrays, named, taken is not None)
        check = convert(Made(layer, call, weights, [numpy_of(value) for value in values], list(arrays)))
        first = self.graft(check, *sources)
        self.params += sum(array.size for array in weights.values())
        refs = [ref.replace("layer", first, 1) for ref in check.expected]
        for ref, value in zip(refs, values, strict=True):
            self.net.expected[ref] = numpy_of(value)
        found = [At(ref, value) for ref, value in zip(refs, values, strict=True)]
        return found[0] if len(found) == 1 else found

    def graft(self, check: Check, *sources: At) -> str:
        """Puts the layers of a check into the net, over these sources; the name of the last."""
        names = dict(zip(check.inputs, (at.name for at in sources), strict=True))
        for array, at in zip(check.inputs.values(), sources, strict=True):
            assert array.shape == tuple(at.value.shape), "this map changes the batch; use step"
        for node in check.stack.nodes:
            if isinstance(node.kind, Input):
                continue
            old, taken = str(node.name), [names[source] for source in node.inputs]
            own = {key.partition("/")[2]: w for key, w in check.weights.items() if key.partition("/")[0] == old}
            names[old] = self.net.add(node.kind, *taken, weights=own)
        return names[str(check.stack.nodes[-1].name)]

    def drawn(self, module: Any) -> Any:
        """Random weights: variances in [0.5, 2], kernels so that numbers stay about as large as they come."""
        with torch.no_grad():
            for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
                if tensor.is_floating_point():
                    tensor.copy_(torch.from_numpy(self._numbers(name, tuple(tensor.shape), prod(tensor.shape[1:]))))
        return module

    def _drawn_for(self, layer: Any) -> dict[str, Array]:
        weights = {}
        for variable in layer.weights:
            fan = prod(variable.shape[:-1])
            drawn = self._numbers("running_var" if "variance" in variable.name else variable.name, variable.shape, fan)
            variable.assign(torch.from_numpy(drawn))
            weights[variable.path.partition("/")[2]] = drawn
        return weights

    def _numbers(self, name: str, shape: Any, fan: int) -> Array:
        size = tuple(shape)
        if name.endswith("running_var"):
            return self.rng.uniform(0.5, 2.0, size).astype(np.float32)
        scale = 1 / sqrt(fan) if len(size) > 1 else 0.5
        return (self.rng.standard_normal(size) * scale).astype(np.float32)

    def check(self) -> Check:
        """Everything built."""
        self.net.params = self.params
        return self.net.check()


_MERGES = ("Add", "Concatenate", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "Dot", "Attention")


def last() -> Twin:
    """A twin whose arrays have their channels last, as Keras."""
    return Twin(Net(LAST))
