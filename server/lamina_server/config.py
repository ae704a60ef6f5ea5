"""What can be set, in one frozen class: `Settings`, read from the environment (`LAMINA_*`) and checked at start-up."""

import difflib
import os
import re
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self, get_args, get_origin

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "LAMINA_"
MIB, GIB = 2**20, 2**30
ONNX_MODEL_BYTES = 2 * GIB  # a protobuf message, hence an ONNX model in one piece, cannot be larger

# Read by the command line, which may run beside a server.
_CLIENT_VARIABLES = ("LAMINA_ADDRESS",)
# Variables that Kubernetes puts into every pod beside a Service called "lamina".
_SERVICE_LINK = r"LAMINA_(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_\w+)"


class StartupError(Exception):
    """The server cannot start; the message is one plain paragraph for whoever started it."""

    exit_code = 1


class SettingsError(StartupError):
    """A setting is nonsense."""

    exit_code = 2


class Described(NamedTuple):
    """One setting, as `--help` and GetServerInfo show it."""

    variable: str
    default: str
    doc: str


def available_cores() -> int:
    """Cores this process may use: those it is bound to, or fewer where a container's CPU quota says so."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return cores
    return cores if quota == "max" else max(1, min(cores, round(int(quota) / int(period))))


def default_store_dir() -> Path:
    """Where stacks are kept unless told: below $XDG_STATE_HOME, or ~/.local/state where that is not set."""
    state = os.environ.get("XDG_STATE_HOME", "")
    # The XDG specification: a relative path is invalid and to be ignored.
    root = Path(state) if os.path.isabs(state) else Path("~/.local/state").expanduser()
    return root / "lamina"


def _number(default: Any, low: float, high: float, unit: str, doc: str) -> Any:
    """A field that holds a number of `unit` from `low` to `high`; `default` is a number or a function giving one."""
    given = {"default_factory": default} if callable(default) else {"default": default}
    return Field(**given, ge=low, le=high, description=doc, json_schema_extra={"unit": unit})


class Settings(BaseSettings):
    """Every setting of the server. Each is the environment variable of its upper-case name after `LAMINA_`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", allow_inf_nan=False)

    # Loopback: nothing is offered to a network that nobody asked for. Images say 0.0.0.0.
    host: str = Field(
        default="127.0.0.1", min_length=1, description="Address to listen on; 0.0.0.0 or :: for every interface"
    )
    port: int = _number(8500, 0, 65535, "", "Port of the gRPC service; 0 takes a free one")
    http_port: int = _number(8502, 0, 65535, "", "Port of /metrics, /healthz and /readyz; 0 takes a free one")
    store_dir: Path = Field(default_factory=default_store_dir, description="Folder that keeps registered stacks")

    device: Literal["cpu", "cuda"] = Field(
        default="cpu", description="Where models run; asked for and not there is an error"
    )
    # As much as a request may take on the CPU; leaves room beside it on the smallest slice of an A100 (10 GiB).
    gpu_memory_bytes: int = _number(8 * GIB, 64 * MIB, 2**43, "bytes", "Most memory a model may take on the GPU")
    # One thread per run: parallelism comes from requests, and results do not depend on how work was split.
    intra_op_threads: int = _number(1, 1, 1024, "threads", "Threads that share one run of a model")
    workers: int = _number(available_cores, 1, 4096, "threads", "Threads that build and run models side by side")

    # A batch of 100 colour images of 224 x 224 is 60 MB; weights travel in chunks and need no more.
    max_message_bytes: int = _number(64 * MIB, MIB, 2 * GIB - 1, "bytes", "Largest request or reply message")
    # The deepest model of the zoo has 1 041 layers.
    max_layers: int = _number(4096, 1, 10**6, "layers", "Most layers in a stack, nested ones included")
    # Convolutions of volumes have five axes, attention over grids six; NumPy's and ONNX Runtime's kernels stop at 8.
    max_rank: int = _number(8, 1, 32, "axes", "Most axes of a tensor, the batch axis included")
    # ONNX Runtime's kernels and protobuf index with 32 bits here and there.
    max_tensor_elements: int = _number(2**31 - 1, 1, 2**48, "elements", "Most elements of a tensor")
    # ONNX holds weights in one 2 GiB message; the rest is for the graph around them.
    max_weight_bytes: int = _number(
        int(1.9 * GIB), 1, ONNX_MODEL_BYTES, "bytes", "Most bytes of weights in a stack; ONNX's own limit is 2 GiB"
    )
    # 20 images through the largest vision transformer of the zoo (1.0e12 each), minutes on one core.
    max_macs: int = _number(
        20 * 10**12, 1, 10**18, "multiply-adds", "Most multiply-adds in a request, its batch included"
    )
    # 300 images of 224 x 224 through the first block of a VGG (two tensors of 12.8 MB alive at once for each).
    max_activation_bytes: int = _number(
        8 * GIB, MIB, 2**43, "bytes", "Most bytes of activations alive at once in a request, its batch included"
    )

    # Enough for every model of a service and its variants; bytes are the limit that counts.
    max_sessions: int = _number(1024, 1, 10**6, "sessions", "Most models kept ready to run")
    # One model of the largest size, or twenty of a ResNet-50's (100 MB).
    session_cache_bytes: int = _number(2 * GIB, 0, 2**43, "bytes", "Most bytes of models kept ready to run")

    # Each waiting call holds its message: 128 x 64 MiB is 8 GiB at the very worst.
    max_concurrent_rpcs: int = _number(128, 1, 10**6, "calls", "Most calls worked on at once; more are sent away")
    # Above what one client multiplexes in practice, and a bound on what one hostile connection holds open.
    max_concurrent_streams: int = _number(256, 1, 10**6, "calls", "Most calls open on one connection")
    # So that clients look their servers up again and find new replicas; also ends calls that never send a message.
    max_connection_age_seconds: float = _number(1800, 1, 10**7, "seconds", "Age at which a connection is replaced")
    # The largest admitted request takes minutes on one core.
    default_deadline_seconds: float = _number(600, 0.1, 10**6, "seconds", "Deadline of calls that come without one")
    stream_idle_seconds: float = _number(60, 0.1, 10**6, "seconds", "Longest wait for the next message of a stream")
    # Below Kubernetes' 30 s between SIGTERM and SIGKILL, with room for a preStop wait.
    drain_seconds: float = _number(
        10, 0, 3600, "seconds", "Time given to running calls when the server is told to stop"
    )

    reflection: bool = Field(default=False, description="Whether the schema can be asked for over gRPC reflection")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe line written; calls are logged at info"
    )
    parent_pid: int | None = Field(default=None, gt=0, description="Process whose end ends the server too")
    announce_fd: int | None = Field(
        default=None, ge=0, description="File descriptor to write the addresses to, as a line of JSON, once serving"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _not_empty(cls, value: object) -> object:
        if value == "":
            raise ValueError("empty")
        return value

    @field_validator("store_dir")
    @classmethod
    def _home_is_meant(cls, value: Path) -> Path:
        return value.expanduser()

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        if self.port and self.port == self.http_port:
            raise ValueError(
                f"LAMINA_PORT and LAMINA_HTTP_PORT are both {self.port}, but gRPC and HTTP each need their own port."
            )
        return self

    @property
    def limits(self) -> list[tuple[str, int, str]]:
        """(variable, value, doc) of every bound on what a request may ask for."""
        names = [name for name in type(self).model_fields if name.startswith("max_") and name.endswith(_REQUEST_LIMITS)]
        return [(variable(name), int(getattr(self, name)), _doc(type(self).model_fields[name])) for name in names]


_REQUEST_LIMITS = ("_message_bytes", "_layers", "_rank", "_elements", "_weight_bytes", "_macs", "_activation_bytes")


def variable(field: str) -> str:
    """The environment variable that sets `field`."""
    return PREFIX + field.upper()


def load_settings() -> Settings:
    """Settings from the environment, defaults elsewhere; raises SettingsError naming every bad value."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(" ".join(_explain(problem) for problem in error.errors())) from None


def unknown_variables() -> list[str]:
    """A sentence for each `LAMINA_*` variable of the environment that sets nothing, with the nearest that would."""
    known = [*map(variable, Settings.model_fields), *_CLIENT_VARIABLES]
    sentences = []
    for name in sorted(os.environ):
        if not name.startswith(PREFIX) or name in known or re.fullmatch(_SERVICE_LINK, name):
            continue
        nearest = difflib.get_close_matches(name.removeprefix(PREFIX).lower(), Settings.model_fields, n=1)
        hint = f"did you mean {variable(nearest[0])}?" if nearest else "`lamina serve --help` lists what can be set."
        sentences.append(f"{name} sets nothing; {hint}")
    return sentences


def describe() -> list[Described]:
    """Every setting, in order: its variable, its default as one would write it, its doc with unit and range."""
    return [Described(variable(name), _default(name), _doc(field)) for name, field in Settings.model_fields.items()]


def version() -> str:
    """Version of the installed distribution."""
    try:
        return metadata.version("lamina")
    except metadata.PackageNotFoundError:
        return "0 (not installed)"


def _default(name: str) -> str:
    """The default as one would write it in the environment; where it depends on the machine, what it is here."""
    field = Settings.model_fields[name]
    if name == "store_dir":
        return "$XDG_STATE_HOME/lamina or ~/.local/state/lamina"
    factory: Any = field.default_factory
    value = factory() if factory else field.default
    if value is None:
        return "none"
    if name == "workers":
        return f"one for each core ({value} here)"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value} ({_size(value)})" if _unit(field) == "bytes" else str(value)


def _doc(field: FieldInfo) -> str:
    """Description with the legal values."""
    return f"{field.description} ({_legal(field)})"


def _unit(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def _size(count: int) -> str:
    """Bytes as people say them: "64 MiB"."""
    for scale, name in ((2**40, "TiB"), (GIB, "GiB"), (MIB, "MiB")):
        if count >= scale:
            return f"{count / scale:.3g} {name}"
    return str(count)


def _legal(field: FieldInfo) -> str:
    """The legal values in words: "a whole number from 0 to 65535"."""
    kind = field.annotation
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(get_args(kind))
    if kind in (bool, str, Path):
        return {bool: "true or false", str: "a name or an address", Path: "a path"}[kind]
    low, high = (next((getattr(m, end) for m in field.metadata if hasattr(m, end)), None) for end in ("ge", "le"))
    unit = _unit(field)
    number = ("a number" if kind is float else "a whole number") + (f" of {unit}" if unit else "")
    if low is None or high is None:
        return number
    return f"{number} from {_size(low)} to {_size(high)}" if unit == "bytes" else f"{number} from {low} to {high}"


def _explain(problem: ErrorDetails) -> str:
    """One sentence: the variable, its value, what would be legal."""
    if not problem["loc"]:
        return str(problem["ctx"]["error"])
    name = str(problem["loc"][0])
    field = Settings.model_fields.get(name)
    if field is None:
        return f"There is no setting {variable(name)}."
    given = problem["input"]
    sentence = f"{variable(name)} is {'empty' if given == '' else repr(given)}, but must be {_legal(field)}"
    about = str(field.description)
    sentence += f" ({about[0].lower()}{about[1:]})."
    if isinstance(given, str) and given.startswith("tcp://"):
        sentence += (
            " Kubernetes puts this value into every pod beside a Service called lamina:"
            " give the pod `enableServiceLinks: false`."
        )
    return sentence
