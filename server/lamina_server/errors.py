"""Everything that Lamina refuses, in one tree.

    LaminaError                  a request cannot be served; `reason` is stable, the message is for people
     ├─ InvalidRequestError      the request itself is wrong
     │   └─ StackError           ... because of a stack, a layer or an array; carries a Diagnosis
     ├─ LimitError               it is legal, but more than this server admits
     ├─ NotFoundError            it names something that is not here
     ├─ ConflictError            it would take a name that stands for something else
     ├─ UnavailableError         it is legal, but cannot be served now
     ├─ CorruptDataError         what was stored is damaged
     └─ MismatchError            what ran is not what was traced: a defect of this server

    LayerError                   a layer's bare reason, before the tracer adds index, name, kind and axes

No transport knows these classes and they know no transport: services map them to gRPC codes.
"""

from collections.abc import Mapping
from typing import Any


class LaminaError(Exception):
    """A request that cannot be served.

    `reason` is UPPER_SNAKE and stable; `field` is the path of the field at fault in the request, or "";
    `facts` holds every number of the message, by name.
    """

    default_reason = "UNKNOWN"

    def __init__(
        self, message: str, *, reason: str = "", field: str = "", facts: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.field = field
        self.facts = {name: str(value) for name, value in (facts or {}).items()}


class InvalidRequestError(LaminaError):
    """The request itself is wrong; sending it again cannot help."""

    default_reason = "INVALID_REQUEST"


class KernelError(InvalidRequestError):
    """ONNX Runtime has no kernel for an operator in the element type of a layer; `node` is the operator's name."""

    default_reason = "UNSUPPORTED_DTYPE"

    def __init__(self, message: str, node: str, operator: str) -> None:
        super().__init__(message)
        self.node, self.operator = node, operator


class StackError(InvalidRequestError):
    """A stack, a layer or an array is at fault; `diagnosis` is a `lamina_server.trace.Diagnosis`."""

    default_reason = "INVALID_STACK"

    def __init__(self, diagnosis: Any) -> None:
        super().__init__(diagnosis.message, reason=diagnosis.reason, field=diagnosis.field, facts=diagnosis.facts)
        self.diagnosis = diagnosis


class LimitError(LaminaError):
    """Legal, but more than this server admits; the message names the limit, its setting and both numbers."""

    default_reason = "LIMIT_EXCEEDED"


class NotFoundError(LaminaError):
    """Names something that is not here."""

    default_reason = "STACK_NOT_FOUND"


class ConflictError(LaminaError):
    """Would take a name that stands for something else."""

    default_reason = "NAME_TAKEN"


class UnavailableError(LaminaError):
    """Legal, but cannot be served now."""

    default_reason = "UNAVAILABLE"


class CorruptDataError(LaminaError):
    """What was stored is damaged."""

    default_reason = "CORRUPT_DATA"


class MismatchError(LaminaError):
    """What ran is not what was traced: a defect of this server."""

    default_reason = "TRACE_MISMATCH"


class LayerError(Exception):
    """A layer's bare reason for refusing its inputs or its own fields.

    Raised inside a layer kind; the tracer turns it into a `StackError` with index, name, kind and axes, once.
    `field` names the dataclass field at fault, or "" where the input is. The tracer puts the names of the layer's
    inputs in the place of {input_1}, {input_2}, ... in the message, and for {input_1_how} how that input came about.
    """

    def __init__(self, reason: str, message: str, *, field: str = "", **facts: object) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.field = field
        self.facts = facts
