"""Where models run: found at start-up and tried there, so that "cuda" never quietly means the CPU."""

import contextlib
import ctypes
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort

from lamina_server.config import Settings, StartupError

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"

# y = x + x, float32, one axis of free length: ONNX IR 10, operator set 22. Small enough to be written down.
_PROBE = bytes.fromhex(
    "080a3a310a0e0a01780a017812017922034164641201705a0d0a017812080a06080112020a00620d0a017912080a06080112020a0042040a00"
    "1016"
)


class DeviceError(StartupError):
    """The device that was asked for is not there, or does not work."""


@dataclass(frozen=True)
class Device:
    """A place where models run, and how ONNX Runtime is told so."""

    name: str
    """`cpu` or `cuda`."""
    providers: tuple[tuple[str, dict[str, str]], ...]
    """Execution providers in the order they are tried, each with its options."""
    intra_op_threads: int
    """Threads that share one run."""

    @property
    def provider_names(self) -> list[str]:
        """Execution providers in the order they are tried."""
        return [name for name, _ in self.providers]

    @property
    def onnxruntime_version(self) -> str:
        """Version of ONNX Runtime."""
        return str(ort.__version__)


def open_device(settings: Settings) -> Device:
    """The device that `settings` ask for, tried with a tiny model; raises DeviceError where it does not work."""
    # Lines on stderr would be in a form of their own; what matters comes as an exception.
    ort.set_default_logger_severity(4)
    if settings.device == "cpu":
        return Device("cpu", ((CPU, {}),), settings.intra_op_threads)
    device = Device("cuda", ((CUDA, _cuda_options(settings)), (CPU, {})), settings.intra_op_threads)
    if CUDA not in ort.get_available_providers():
        raise _not_there(
            f"this ONNX Runtime ({ort.__version__}) is a build without CUDA",
            "Replace it with the GPU build: `pip uninstall onnxruntime`, then `pip install 'lamina[server,gpu]'`",
        )
    _need_driver()
    # Loads the CUDA libraries that pip installed, where there are any; it prints about those it does not find.
    with contextlib.redirect_stdout(io.StringIO()):
        ort.preload_dlls()
    _try(device)
    return device


def _cuda_options(settings: Settings) -> dict[str, str]:
    return {
        "device_id": "0",
        "gpu_mem_limit": str(settings.gpu_memory_bytes),
        "arena_extend_strategy": "kSameAsRequested",
        # The exhaustive default tries every algorithm for every new shape: hundreds of times slower on the first run.
        "cudnn_conv_algo_search": "HEURISTIC",
        "cudnn_conv_use_max_workspace": "1",
        "cudnn_conv1d_pad_to_nc1d": "1",
        # TF32 keeps 10 bits of the mantissa; results would differ from the CPU's in the third digit.
        "use_tf32": "0",
    }


def _need_driver() -> None:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        raise _not_there(
            "there is no NVIDIA driver here (libcuda.so.1 cannot be loaded)",
            "Install the driver; in a container run it with the GPU (`--gpus all`, or a limit on nvidia.com/gpu)",
        ) from None


def _try(device: Device) -> None:
    """Runs a tiny model on the GPU alone."""
    try:
        used, doubled = _run_probe(device)
    except Exception as error:  # ONNX Runtime's exceptions have no base of their own
        missing = _missing_library()
        if missing:
            raise _not_there(
                f"the library {missing} cannot be loaded",
                "Install CUDA's libraries (`pip install 'onnxruntime-gpu[cuda,cudnn]'`) or name their folder in"
                " LD_LIBRARY_PATH",
            ) from error
        raise _not_there(
            f"a first model does not run there ({str(error).strip().splitlines()[0][:300]})",
            "Look at `nvidia-smi`: is a GPU visible, is its driver new enough, is memory free",
        ) from error
    if used[:1] != [CUDA] or doubled != [2.0, 2.0]:
        raise _not_there(
            f"ONNX Runtime took {', '.join(used)} and 1 + 1 gave {doubled[0]}",
            "Look at `nvidia-smi`: is the GPU healthy, is its driver new enough",
        )


def _run_probe(device: Device) -> tuple[list[str], list[float]]:
    """(providers that ONNX Runtime took, what 1 + 1 gave, twice)."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    # Without enable_fallback=0 a failure would be printed and the CPU taken.
    session = ort.InferenceSession(_PROBE, options, providers=[device.providers[0]], enable_fallback=0)
    (doubled,) = session.run(None, {"x": np.ones(2, np.float32)})
    return list(session.get_providers()), doubled.tolist()


def _missing_library() -> str:
    """Name of the shared library for want of which the CUDA provider did not load; "" where it did.

    Only to be asked after ONNX Runtime has tried: loaded before it, the provider would never find its host.
    """
    try:
        ctypes.CDLL(str(Path(ort.__file__).parent / "capi" / "libonnxruntime_providers_cuda.so"))
    except OSError as error:
        name = str(error).split(":", 1)[0].rsplit("/", 1)[-1]
        return name if "cannot open shared object" in str(error) else ""
    return ""


def _not_there(what: str, remedy: str) -> DeviceError:
    return DeviceError(f"LAMINA_DEVICE asks for cuda, but {what}. {remedy}; or set LAMINA_DEVICE=cpu.")
