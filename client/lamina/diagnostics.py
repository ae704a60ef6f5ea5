"""Why a stack or an array is refused, as fields."""

from dataclasses import dataclass

from lamina.fixes import Fix
from lamina.specs import TensorSpec, role_of
from lamina.typing import Role
from lamina.v1 import trace_pb2


@dataclass(frozen=True)
class Diagnostic:
    """A fault: its stable `reason`, the layer, the `field` of the request, what came, what was expected, the fixes.

    `index` is the layer's index in the stack, None where the fault lies outside the layers. `str()` gives the message.
    """

    reason: str
    layer: str
    kind: str
    index: int | None
    field: str
    message: str
    got: tuple[TensorSpec, ...]
    expected: tuple[Role, ...]
    fixes: tuple[Fix, ...]

    def __str__(self) -> str:
        return self.message

    @classmethod
    def from_proto(cls, message: trace_pb2.Diagnostic) -> "Diagnostic":
        """From the message of that name."""
        return cls(
            reason=message.reason,
            layer=message.layer,
            kind=message.kind,
            index=message.index if message.index >= 0 else None,
            field=message.field,
            message=message.message,
            got=tuple(map(TensorSpec.from_proto, message.got)),
            expected=tuple(role_of(role) for role in message.expected),
            fixes=tuple(map(Fix, message.fixes)),
        )
