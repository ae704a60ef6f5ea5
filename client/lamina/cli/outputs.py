"""What commands write to files: whole or not at all."""

import io
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

from lamina.cli.reporting import usage

if TYPE_CHECKING:
    from lamina.typing import Array


def write(path: str, data: bytes) -> None:
    """Writes a file: through a draft beside it, so that what is there stays until all is written.

    Raises OSError, with the path given.
    """
    try:
        _write(Path(path).resolve(), data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error


def _write(target: Path, data: bytes) -> None:
    mode = target.stat().st_mode if target.exists() else None
    if mode is not None and not stat.S_ISREG(mode):  # a pipe, a terminal: nothing to replace
        target.write_bytes(data)
        return
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            draft.chmod(stat.S_IMODE(mode))
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def check_array_file(path: str | None) -> None:
    """Raises a usage error unless a name ends in .npy or .npz."""
    if path is not None and Path(path).suffix not in (".npy", ".npz"):
        raise usage(f"{path} ends in neither .npy nor .npz.", "--output")


def arrays_file(path: str, arrays: "Mapping[str, Array]") -> bytes:
    """The bytes of an .npz with all arrays, or of an .npy with the only one."""
    import numpy as np

    buffer = io.BytesIO()
    if Path(path).suffix == ".npz":
        with ZipFile(buffer, "w") as archive:  # not np.savez, whose own arguments some names would be
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
    elif len(arrays) == 1:
        np.save(buffer, next(iter(arrays.values())))
    else:
        names = ", ".join(arrays)
        raise usage(f"a .npy holds one array, these are {len(arrays)} ({names}): use .npz.", "--output")
    return buffer.getvalue()
