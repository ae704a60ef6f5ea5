"""What layers ask for against what the server admits: counted over a whole stack, the layers inside others too."""

from collections.abc import Sequence
from dataclasses import dataclass

from lamina_server.dims import Size, product
from lamina_server.layers.base import Inference
from lamina_server.layers.tensors import Spec
from lamina_server.limits import Limits
from lamina_server.totals import padded_elements, scratch_elements


@dataclass
class Budget:
    """Runs up what a stack asks for. Every method raises LimitError above a limit."""

    limits: Limits
    layers: int = 0
    weight_bytes: int = 0
    largest: tuple[str, int] = ("", 0)

    def take_layers(self, count: int) -> None:
        """Layers of a stack, or of a stack inside one."""
        self.layers += count
        self.limits.check("max_layers", self.layers, "The number of layers is")

    def take_peak(self, peak: Size | None) -> None:
        """Most bytes alive at once for a sample; None where they depend on symbols."""
        if peak is not None:
            self.limits.check("max_activation_bytes", peak, "The activations alive at once take, per sample,")

    def take(self, name: str, inputs: Sequence[Spec], done: Inference, macs: Size, *, owns: bool) -> None:
        """One layer; `macs` are those up to and with it, `owns` says whether its weights are its own."""
        if done.kept.get("within") is not self.limits:  # what is alike is alike within the limits
            self._check_tensors(name, inputs, done)
            done.kept["within"] = self.limits
        if owns and done.weights:
            self._take_weights(name, done)
        if done.macs is not None:
            self.limits.check("max_macs", macs, f'Up to "{name}" the multiply-adds per sample are')

    def _check_tensors(self, name: str, inputs: Sequence[Spec], done: Inference) -> None:
        limits = self.limits
        for output in done.outputs:
            limits.check("max_rank", output.spec.rank, f'The number of axes of "{name}" is')
            known = product(size for size in output.spec.shape[1:] if isinstance(size, int))  # symbols are 1 or more
            folded = output.spec.folded
            known *= folded if isinstance(folded, int) else 1
            limits.check("max_tensor_elements", known, f'The number of elements that "{name}" gives per sample is')
        limits.check(
            "max_tensor_elements",
            padded_elements(inputs, done),
            f'The number of elements that "{name}" reads per sample, its padding included, is',
        )
        if (scratch := scratch_elements(done)) != 0:
            what = f'The number of elements that "{name}" makes on the way per sample is'
            limits.check("max_tensor_elements", scratch, what)
        if done.macs is None:  # a pool: no products, but as much to walk through
            read = product(window.read for window in done.windows) * done.spec.elements * done.spec.folded
            limits.check("max_macs", read, f'The number of elements that the windows of "{name}" read per sample is')

    def _take_weights(self, name: str, done: Inference) -> None:
        if "weight_bytes" not in done.kept:
            nbytes = [weight.size * weight.dtype.nbytes for weight in done.weights]
            done.kept["weight_bytes"] = sum(nbytes), max(nbytes)
        total, largest = done.kept["weight_bytes"]
        self.weight_bytes += total
        if largest > self.largest[1]:
            self.largest = (name, largest)
        self.limits.check_weights(self.weight_bytes, *self.largest)
