"""One ONNX model made ready to run."""

import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime as ort

from lamina_server.errors import (
    InvalidRequestError,
    KernelError,
    LaminaError,
    LimitError,
    MismatchError,
    UnavailableError,
)
from lamina_server.runtime.device import CPU, Device
from lamina_server.runtime.tensors import from_value, to_value

Array = np.ndarray[Any, Any]

_MEMORY = re.compile(r"failed to allocate|bad_?alloc|out of memory|CUDA failure 2\b|cudaErrorMemoryAllocation", re.I)
_STOPPED = "terminate flag"
# ONNX Runtime 1.32 dies of it (a segmentation fault) where a Transpose, a Cast and a MatMul meet in half precision, and
# in loops; no layer may take the server with it.
_FATAL = ["MatmulTransposeFusion"]
# On loading; and, of operators that take a type and only find out later, on running.
_NO_KERNEL = re.compile(
    r"Could not find an implementation for (\w+)\(\d+\) node with name '([^']*)'"
    r"|running (\w+) node\. Name:'([^']*)' .*does not support \w+"
)
_INDEX = re.compile(r"Name:'([^'/]*).* idx=(-?\d+) must be within the inclusive range \[(-?\d+),(-?\d+)\]")
# "/onnxruntime_src/.../bfc_arena.cc:360 void* onnxruntime::BFCArena::Alloc(...) " says nothing to a caller.
_SOURCE_PLACE = re.compile(r"\S*/onnxruntime\S*:\d+ .*?\)\s+|\[ONNXRuntimeError\] : ")


class RunControl:
    """Stops the run it is given to."""

    def __init__(self) -> None:
        self.options = ort.RunOptions()

    def stop(self) -> None:
        """Ends the run before its next node; from any thread."""
        self.options.terminate = True


@dataclass(frozen=True)
class Placement:
    """Nodes of a model that run on one execution provider."""

    provider: str
    nodes: int
    op_types: tuple[str, ...]
    """Operators of those nodes, each once, in alphabetical order."""
    fallback_reason: str
    """Why they are not on the device that was asked for; "" where they are."""


class Session:
    """An ONNX model made ready on a device. Any number of threads may run it at once.

    `model` is a serialised ModelProto. Raises LimitError where memory does not suffice, KernelError where an operator
    has no kernel for the element type it meets, MismatchError where ONNX Runtime refuses the model otherwise: it was
    written by this server, so that is this server's defect.
    """

    def __init__(self, model: bytes, device: Device) -> None:
        self.size_bytes = len(model)
        self.sha256 = hashlib.sha256(model).hexdigest()
        self.device = device
        try:
            self._session = ort.InferenceSession(
                model,
                _options(device),
                providers=list(device.providers),
                enable_fallback=0,
                disabled_optimizers=_FATAL,
            )
        except Exception as error:  # ONNX Runtime's exceptions have no base of their own
            raise _refusal(error, "load the model written for this stack") from error
        self.input_names = [item.name for item in self._session.get_inputs()]
        self.output_names = [item.name for item in self._session.get_outputs()]
        ends = (*self._session.get_inputs(), *self._session.get_outputs())
        self._bfloat16 = any(item.type == "tensor(bfloat16)" for item in ends)
        self.placements = _placements(self._session, device)
        # With one thread on the CPU a run takes as long as this thread computes, however busy the machine is.
        alone = device.name == "cpu" and device.intra_op_threads == 1
        self._clock: Callable[[], float] = time.thread_time if alone else time.perf_counter
        # (seconds, input bytes) of the run that took longest for its size lately; see `expected_seconds`.
        self._pace: tuple[float, int] | None = None

    def run(
        self, inputs: Mapping[str, Array], outputs: Sequence[str], control: RunControl | None = None
    ) -> list[Array]:
        """The named outputs for `inputs`, by name, each in the shape the model declares.

        Raises LimitError where memory does not suffice, UnavailableError (RUN_STOPPED) where `control` stopped
        it, KernelError for an element type that an operator turns out not to take, InvalidRequestError where a row is
        looked up that is not there, MismatchError on anything else that ONNX Runtime refuses: inputs were checked
        before.
        """
        started = self._clock()
        try:
            options = control.options if control else None
            if self._bfloat16:
                fed = {name: to_value(array) for name, array in inputs.items()}
                results = [*map(from_value, self._session.run_with_ort_values(list(outputs), fed, options))]
            else:
                results = self._session.run(list(outputs), dict(inputs), options)
        except Exception as error:  # as above
            raise _refusal(error, "run the model") from error
        self._learn(self._clock() - started, sum(array.nbytes for array in inputs.values()))
        return results

    def expected_seconds(self, inputs: Mapping[str, Array]) -> float:
        """How long a run would take by the runs before it, in seconds; infinite before the first."""
        if self._pace is None:
            return float("inf")
        seconds, size = self._pace
        return seconds * max(1.0, sum(array.nbytes for array in inputs.values()) / max(1, size))

    def _learn(self, seconds: float, size: int) -> None:
        """Follows a slower pace at once and a faster one by half, so that one lucky run does not mislead."""
        if self._pace is not None:
            before = self._pace[0] * max(1.0, size / max(1, self._pace[1]))
            seconds = seconds if seconds > before else before + (seconds - before) / 2
        self._pace = (seconds, size)


def _options(device: Device) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.log_severity_level = 4  # what matters comes as an exception
    options.intra_op_num_threads = device.intra_op_threads
    options.inter_op_num_threads = 1
    if device.name == "cpu":
        # Six models that saw three image sizes each kept 306 MB in their arenas, and 24 MB without; no slower.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
    for key, value in (
        ("session.intra_op.allow_spinning", "0"),
        # A node such as Expand may fold to gigabytes while the model is loaded.
        ("optimization.constant_folding_max_output_size_in_bytes", "1048576"),
        ("session.record_ep_graph_assignment_info", "1"),
    ):
        options.add_session_config_entry(key, value)
    return options


def _placements(session: ort.InferenceSession, device: Device) -> tuple[Placement, ...]:
    """Where the nodes went; empty where this ONNX Runtime cannot say (before 1.24)."""
    ask = getattr(session, "get_provider_graph_assignment_info", None)
    if ask is None:
        return ()
    nodes: dict[str, Counter[str]] = {}
    for part in ask():
        nodes.setdefault(part.ep_name, Counter()).update(node.op_type for node in part.get_nodes())
    wanted = device.provider_names[0]
    return tuple(
        Placement(provider, sum(found.values()), tuple(sorted(found)), _fallback_reason(provider, wanted))
        for provider, found in sorted(nodes.items(), key=lambda item: item[0] != wanted)
    )


def _fallback_reason(provider: str, wanted: str) -> str:
    if provider == wanted:
        return ""
    reason = f"{wanted} has no kernel for these operators with these types"
    return reason + (", or they compute shapes, which ONNX Runtime keeps on the CPU" if provider == CPU else "")


def _refusal(error: Exception, doing: str) -> LaminaError:
    """ONNX Runtime's exception in Lamina's terms."""
    text = str(error)
    if isinstance(error, MemoryError) or _MEMORY.search(text):
        return LimitError(
            f"There is not enough memory to {doing}. Send a smaller batch, or fetch fewer activations.",
            reason="OUT_OF_MEMORY",
        )
    missing = _NO_KERNEL.search(text)
    if missing:
        operator, node = missing[1] or missing[3], missing[2] or missing[4] or ""
        return KernelError(f"ONNX Runtime has no {operator} for this element type.", node, operator)
    if _STOPPED in text:
        return UnavailableError("The run was stopped: its caller left, or the server is leaving.", reason="RUN_STOPPED")
    if index := _INDEX.search(text):  # of a number that a layer made; those that are fed were looked at before
        layer, at, low, high = index.groups()
        return InvalidRequestError(
            f"{layer} is asked for row {at}; it has rows 0 to {high}, and {low} to -1 count from the end.",
            reason="INDEX_OUT_OF_RANGE",
            facts={"layer": layer, "index": at, "minimum": low, "maximum": high},
        )
    detail = " ".join(_SOURCE_PLACE.sub("", text).split())[:500]
    return MismatchError(
        f"ONNX Runtime refused to {doing}, which is a defect of this server: {detail}", reason="RUNTIME_REFUSED"
    )
