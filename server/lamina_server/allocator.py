"""Memory: glibc's malloc told to keep that of messages, Python's collector to leave alone what stays anyway."""

import ctypes
import gc

from .config import MIB

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # <malloc.h>

# By default a block of more than 32 MiB at most is mapped anew and unmapped after use, page by page: decoding a
# message of 16 MiB then takes several times as long. Both are needed: with the first alone memory is trimmed after
# every message. Above them, activations of a large run for one, memory still goes back to the system.
_MMAP_BYTES = 128 * MIB
_TRIM_BYTES = 256 * MIB


def keep_message_memory() -> bool:
    """Raises malloc's thresholds for this process; False where the C library is not glibc, which is left as it is."""
    try:
        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version  # noqa: B018  (only glibc has it)
        mallopt = libc.mallopt
    except (OSError, AttributeError, TypeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)) and bool(mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES))


def leave_modules_alone() -> None:
    """What is there by now, modules above all, stays as long as the process: the collector no longer walks it.

    A large trace makes enough objects for a full collection, which otherwise costs as much as the trace itself.
    """
    gc.freeze()
