"""What a stack may ask for, in exact integers, checked before anything is built."""

from dataclasses import dataclass

from lamina_server.dims import Size
from lamina_server.errors import LimitError

ONNX_BYTES = 2**31  # one protobuf message, hence one ONNX file, holds less than this


@dataclass(frozen=True)
class Limits:
    """Upper bounds; each is a setting LAMINA_<NAME>. Costs are per request, the batch included."""

    max_layers: int = 4096
    max_rank: int = 8
    max_tensor_elements: int = 2**31 - 1
    max_weight_bytes: int = int(1.9 * 2**30)
    max_macs: int = 20 * 10**12
    max_activation_bytes: int = 8 * 2**30

    def check(self, name: str, value: Size, what: str) -> None:
        """Raises LimitError where a number exceeds the limit `name`; sizes that are not numbers yet pass."""
        limit: int = getattr(self, name)
        if isinstance(value, int) and value > limit:
            shown = human_bytes if name.endswith("_bytes") else grouped_count
            raise LimitError(
                f"{what} {shown(value)}; this server admits {shown(limit)} (LAMINA_{name.upper()}).",
                facts={"limit": name, "value": value, "maximum": limit},
            )

    def check_weights(self, total: int, largest: str, largest_bytes: int) -> None:
        """Raises LimitError where the weights of a stack take too many bytes."""
        if total > self.max_weight_bytes:
            raise LimitError(
                f"This stack needs {human_bytes(total)} of weights; one ONNX file holds at most 2 GiB, and this server "
                f"admits {human_bytes(self.max_weight_bytes)} (LAMINA_MAX_WEIGHT_BYTES). "
                f"Largest: {largest}, {human_bytes(largest_bytes)}.",
                facts={
                    "limit": "max_weight_bytes",
                    "value": total,
                    "maximum": self.max_weight_bytes,
                    "largest": largest,
                },
            )


def human_bytes(count: int) -> str:
    """`1.9 GiB`, `64 MiB`, `512 bytes`."""
    for power, unit in ((6, "EiB"), (5, "PiB"), (4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if count >= 1024**power:
            tenths = (count * 20 // 1024**power + 1) // 2  # rounded, not cut: a limit of 1.9 GiB reads 1.9 GiB
            return f"{tenths / 10:g} {unit}" if count < 10**24 else f"{count:.3g} bytes"
    return f"{count} byte{'' if count == 1 else 's'}"


def grouped_count(count: int) -> str:
    """Thousands apart, and powers of ten where that would be unreadable."""
    return f"{count:,}".replace(",", " ") if count < 10**18 else f"about 10^{len(str(count)) - 1}"
