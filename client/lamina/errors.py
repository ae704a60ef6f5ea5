"""Everything that goes wrong, in one tree.

    LaminaError                      .code (the gRPC code's name), .reason, .field, .details, .fixes, .request_id
     ├─ InvalidArgumentError         a stack, an array or an argument is wrong; also a ValueError
     │   ├─ LayerShapeError          ... because of one layer: .layer, .kind, .diagnostic
     │   └─ UnknownNameError         no layer, output or axis of that name here; also a KeyError
     ├─ NotFoundError                the server holds no stack of that name
     ├─ AlreadyExistsError           the name stands for other content
     ├─ ResourceExhaustedError       more than a limit admits; both numbers are in the message
     ├─ FailedPreconditionError      legal, but not in the state the server is in
     ├─ DataLossError                what the server stored is damaged
     ├─ UnavailableError             no server answers, or it is shutting down
     │   └─ ServerStartError         a LocalServer did not start; what it said is in the message
     ├─ DeadlineExceededError        no answer in time; also a TimeoutError
     ├─ CancelledError               the call was cancelled
     ├─ PermissionDeniedError        the server does not let this caller in
     ├─ UnimplementedError           the server does not know this call
     └─ InternalError                a defect, of the server or of the way to it

This module knows no transport; `rpc_errors` turns gRPC's errors into these.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from lamina.diagnostics import Diagnostic
    from lamina.fixes import Fix


class LaminaError(Exception):
    """Something went wrong. `str()` gives the message, then the fixes, numbered.

    `code` is the name of the gRPC code, the same for errors found before any call. `reason` is stable,
    UPPER_SNAKE. `field` is the path of the field at fault, or "". `details` holds the numbers of the message by
    name. `fixes` are changes that were tried and make the request legal. `request_id` is what the server's log
    calls the request; "" where nothing was sent. `retry_after` is after how many seconds trying again can help, None
    where the server did not say.
    """

    default_code: ClassVar[str] = "UNKNOWN"

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        reason: str = "",
        field: str = "",
        details: Mapping[str, str] | None = None,
        diagnostic: "Diagnostic | None" = None,
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.reason = reason or self.code
        self.field = field
        self.details = dict(details or {})
        self.diagnostic = diagnostic
        self.request_id = request_id
        self.retry_after = retry_after

    @property
    def fixes(self) -> "tuple[Fix, ...]":
        """Changes that make the request legal, the likeliest first; often none."""
        return self.diagnostic.fixes if self.diagnostic else ()

    def __str__(self) -> str:
        named = not self.field or self.field in self.message
        where = "" if named else f"at {self.field}"
        request = f"request {self.request_id}" if self.request_id else ""
        ending = ", ".join(part for part in (where, request) if part)
        return "\n".join(part for part in (self.message, *numbered(self.fixes), ending) if part)


class InvalidArgumentError(LaminaError, ValueError):
    """A stack, an array or an argument is wrong; the same again cannot help."""

    default_code = "INVALID_ARGUMENT"


class LayerShapeError(InvalidArgumentError):
    """One layer refuses its input, its options or the shape that came out."""

    @property
    def layer(self) -> str:
        """Name of the layer, given or default."""
        return self.diagnostic.layer if self.diagnostic else ""

    @property
    def kind(self) -> str:
        """Its Keras class name: "Conv1D"."""
        return self.diagnostic.kind if self.diagnostic else ""


class UnknownNameError(InvalidArgumentError, KeyError):
    """Nothing of that name is here; the message says what is."""


class NotFoundError(LaminaError):
    """The server holds no stack of that name or id."""

    default_code = "NOT_FOUND"


class AlreadyExistsError(LaminaError):
    """The name stands for other content; `replace=True` moves it."""

    default_code = "ALREADY_EXISTS"


class ResourceExhaustedError(LaminaError):
    """Legal, but more than a limit admits."""

    default_code = "RESOURCE_EXHAUSTED"


class FailedPreconditionError(LaminaError):
    """Legal, but not in the state the server is in."""

    default_code = "FAILED_PRECONDITION"


class DataLossError(LaminaError):
    """What the server stored is damaged."""

    default_code = "DATA_LOSS"


class UnavailableError(LaminaError):
    """No server answers, or it is shutting down. Trying again later can help."""

    default_code = "UNAVAILABLE"


class ServerStartError(UnavailableError):
    """A LocalServer did not start."""


class DeadlineExceededError(LaminaError, TimeoutError):
    """No answer in time."""

    default_code = "DEADLINE_EXCEEDED"


class CancelledError(LaminaError):
    """The call was cancelled."""

    default_code = "CANCELLED"


class PermissionDeniedError(LaminaError):
    """The server does not let this caller in."""

    default_code = "PERMISSION_DENIED"


class UnimplementedError(LaminaError):
    """The server does not know this call: another service, or an older version."""

    default_code = "UNIMPLEMENTED"


class InternalError(LaminaError):
    """A defect, of the server or of the way to it."""

    default_code = "INTERNAL"


BY_CODE: Mapping[str, type[LaminaError]] = {
    **{
        error.default_code: error
        for error in (
            InvalidArgumentError,
            NotFoundError,
            AlreadyExistsError,
            ResourceExhaustedError,
            FailedPreconditionError,
            DataLossError,
            UnavailableError,
            DeadlineExceededError,
            CancelledError,
            PermissionDeniedError,
            UnimplementedError,
            InternalError,
        )
    },
    "OUT_OF_RANGE": InvalidArgumentError,
    "ABORTED": UnavailableError,
    "UNAUTHENTICATED": PermissionDeniedError,
}


def numbered(fixes: "Sequence[Fix]") -> list[str]:
    """A line for each fix: number, what to do, and in a column of its own the shape that results."""
    width = max((len(fix.title) for fix in fixes), default=0)
    return [f"  {i}  {fix.title:<{width}}  {fix.outcome}".rstrip() for i, fix in enumerate(fixes, 1)]


def suggest(name: str, known: Iterable[str], *, what: str = "", most: int = 12) -> str:
    """A sentence that helps after a name nobody knows: the nearest names, else the first `most` of the known."""
    names = list(dict.fromkeys(known))
    near = get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        return f" Did you mean {listed([repr(one) for one in near], 'or')}?"
    if not most:
        return ""
    if not names:
        return f" There is no {what or 'name'} to choose from."
    shown = names if len(names) <= most else [*names[:most], f"{len(names) - most} more"]
    return f" {what.capitalize() + 's' if what else 'Known'}: {', '.join(shown)}."


def listed(names: Sequence[str], word: str = "and") -> str:
    """Names as in a sentence: 'a', 'a and b', 'a, b and c'."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
