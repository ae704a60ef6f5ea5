"""Lamina: describe a network as a stack of layers; get every shape with its reason, the ONNX model, the outputs.

    import lamina as lm

    stack = lm.Stack([lm.Input((128, 9)), lm.Conv1D(100, 10), lm.GlobalAveragePooling1D(), lm.Dense(6)])
    with lm.LocalServer() as server, lm.Client(server.address) as client:
        print(client.trace(stack))

Names are loaded when they are first used: importing this package alone imports neither grpc nor numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from lamina import activations as activations
    from lamina import typing as typing
    from lamina.aio import AsyncClient as AsyncClient
    from lamina.cells import *  # noqa: F403 - generated: the list of cells is in one place
    from lamina.client import Client as Client
    from lamina.diagnostics import Diagnostic as Diagnostic
    from lamina.dims import Dim as Dim
    from lamina.errors import AlreadyExistsError as AlreadyExistsError
    from lamina.errors import CancelledError as CancelledError
    from lamina.errors import DataLossError as DataLossError
    from lamina.errors import DeadlineExceededError as DeadlineExceededError
    from lamina.errors import FailedPreconditionError as FailedPreconditionError
    from lamina.errors import InternalError as InternalError
    from lamina.errors import InvalidArgumentError as InvalidArgumentError
    from lamina.errors import LaminaError as LaminaError
    from lamina.errors import LayerShapeError as LayerShapeError
    from lamina.errors import NotFoundError as NotFoundError
    from lamina.errors import PermissionDeniedError as PermissionDeniedError
    from lamina.errors import ResourceExhaustedError as ResourceExhaustedError
    from lamina.errors import ServerStartError as ServerStartError
    from lamina.errors import UnavailableError as UnavailableError
    from lamina.errors import UnimplementedError as UnimplementedError
    from lamina.errors import UnknownNameError as UnknownNameError
    from lamina.fixes import Fix as Fix
    from lamina.layers import *  # noqa: F403 - generated: the list of constructors is in one place
    from lamina.local_server import LocalServer as LocalServer
    from lamina.model import Model as Model
    from lamina.results import LayerKind as LayerKind
    from lamina.results import LayerOption as LayerOption
    from lamina.results import Limit as Limit
    from lamina.results import Placement as Placement
    from lamina.results import Receipt as Receipt
    from lamina.results import RegisteredStack as RegisteredStack
    from lamina.results import Registration as Registration
    from lamina.results import Result as Result
    from lamina.results import ServerInfo as ServerInfo
    from lamina.results import StackInfo as StackInfo
    from lamina.specs import Axis as Axis
    from lamina.specs import Derivation as Derivation
    from lamina.specs import Note as Note
    from lamina.specs import TensorSpec as TensorSpec
    from lamina.stack import Layer as Layer
    from lamina.stack import Stack as Stack
    from lamina.traces import LayerTrace as LayerTrace
    from lamina.traces import Trace as Trace

    __version__: str

# Where each name lives; the constructors of layers and of cells come from modules that list them themselves.
_HOMES = {
    "aio": ("AsyncClient",),
    "client": ("Client",),
    "diagnostics": ("Diagnostic",),
    "dims": ("Dim",),
    "errors": (
        "AlreadyExistsError",
        "CancelledError",
        "DataLossError",
        "DeadlineExceededError",
        "FailedPreconditionError",
        "InternalError",
        "InvalidArgumentError",
        "LaminaError",
        "LayerShapeError",
        "NotFoundError",
        "PermissionDeniedError",
        "ResourceExhaustedError",
        "ServerStartError",
        "UnavailableError",
        "UnimplementedError",
        "UnknownNameError",
    ),
    "fixes": ("Fix",),
    "local_server": ("LocalServer",),
    "model": ("Model",),
    "results": (
        "LayerKind",
        "LayerOption",
        "Limit",
        "Placement",
        "Receipt",
        "RegisteredStack",
        "Registration",
        "Result",
        "ServerInfo",
        "StackInfo",
    ),
    "specs": ("Axis", "Derivation", "Note", "TensorSpec"),
    "stack": ("Layer", "Stack"),
    "traces": ("LayerTrace", "Trace"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_GENERATED = ("lamina.layers", "lamina.cells")
_MODULES = ("activations", "typing")


def _load(name: str) -> object:
    if name in _HOME_OF:
        value = getattr(import_module(f"lamina.{_HOME_OF[name]}"), name)
    elif name == "__all__":
        made = [name for home in _GENERATED for name in import_module(home).__all__]
        value = sorted([*_HOME_OF, *_MODULES, *made])
    elif name == "__version__":
        value = import_module("importlib.metadata").version("lamina")
    elif name[:1].isupper() and (home := next((h for h in _GENERATED if name in import_module(h).__all__), None)):
        value = getattr(import_module(home), name)
    elif not name.startswith("_") and _is_module(name):
        return import_module(f"lamina.{name}")  # which sets the attribute
    else:
        raise AttributeError(_unknown(name))
    globals()[name] = value
    return value


def _is_module(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(f"lamina.{name}") is not None


def _unknown(name: str) -> str:
    message = f"module 'lamina' has no attribute {name!r}"
    if name.startswith("_"):
        return message
    from lamina.errors import suggest

    hint = suggest(name, _names(), most=0)
    return f"{message}.{hint}" if hint else message


def _names() -> list[str]:
    return [*cast("list[str]", _load("__all__")), "__version__"]


if not TYPE_CHECKING:  # to a type checker, what is not imported above does not exist
    __getattr__, __dir__ = _load, _names
