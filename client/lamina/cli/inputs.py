"""What commands read: stacks, arrays, weights and shapes."""

import sys
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar
from zipfile import BadZipFile

import lamina as lm
from lamina.cli.reporting import usage

if TYPE_CHECKING:
    from lamina import Stack
    from lamina.typing import Array

    # What a command is about: a stack, or the name of a registered one.
    Source: TypeAlias = Stack | str

Value = TypeVar("Value")
# How files begin: an .npy, an .npz, an empty .npz.
_NPY, _NPZ = b"\x93NUM", (b"PK\x03\x04", b"PK\x05\x06")


def source(file: str | None, stored: str | None, address: str | None) -> "Source":
    """The stack of FILE, or the name given with --stack. Raises a usage error unless there is one of the two."""
    if (file is None) == (stored is None):
        raise usage("give either a file or --stack NAME.", "FILE")
    if file is not None:
        return _stack(file)
    if not address:
        raise usage("registered stacks are at a server: give its --address.", "--stack")
    return str(stored)


def title(file: str | None, stored: str | None) -> str:
    """What to call the stack: the file's name without its ending."""
    return stored or (Path(file).stem if file and file != "-" else "")


def _stack(file: str) -> "Stack":
    from lamina import documents, files

    if file == "-":
        return files.parse(sys.stdin.buffer.read(documents.MAX_BYTES + 1), name="standard input")
    try:
        return files.load(Path(file))
    except OSError as error:
        raise usage(f"{file}: {error.strerror}.", "FILE") from error


def arrays(texts: Sequence[str], source: "Source", option: str = "--input") -> "Array | dict[str, Array]":
    """The arrays of files: one as it is, several by the names of the Inputs. A text is x.npy, name=x.npy or xs.npz."""
    found: list[tuple[str, Array]] = []
    for text in texts:
        name, path = _named_path(text)
        read = _read(path, option)
        found += [(name, read)] if not isinstance(read, dict) else _chosen(read, name, path, option)
    return by_input(found, source, option)


def _chosen(read: "dict[str, Array]", name: str, path: Path, option: str) -> "list[tuple[str, Array]]":
    """The arrays of an .npz by their names; one array may be renamed, or be for the only input."""
    if len(read) == 1:
        member, array = next(iter(read.items()))
        return [(name or ("" if member == "arr_0" else member), array)]
    if name:
        raise usage(f"{path} has {len(read)} arrays, {name!r} is one input.", option)
    return list(read.items())


def weights(path: str | None) -> "dict[str, Array] | None":
    """Weights by name from an .npz."""
    if path is None:
        return None
    read = _read(Path(path), "--weights")
    if not isinstance(read, dict):
        raise usage(f"{path} is one array; weights have names, as in an .npz.", "--weights")
    return read


def shapes(texts: "Iterable[str] | None", source: "Source") -> "Array | dict[str, Array] | None":
    """Arrays of the shapes given, such as 2,128,9 or name=2,128,9, that take no memory; None where none is given."""
    pairs = [_stand_in(text) for text in texts or ()]
    return by_input(pairs, source, "--shape") if pairs else None


def symbol_values(texts: "Iterable[str] | None") -> dict[str, int]:
    """Numbers for symbols, from T=128."""
    pairs = [text.partition("=") for text in texts or ()]
    try:
        return {name.strip(): int(number) for name, _, number in pairs}
    except ValueError as error:
        raise usage("takes a symbol and its size: T=128.", "--at") from error


def by_input(pairs: "list[tuple[str, Value]]", source: "Source", option: str) -> "Value | dict[str, Value]":
    """Values by the names of the Inputs: those without a name in their order, a single one without any as it is."""
    if len(pairs) == 1 and not pairs[0][0] and (isinstance(source, str) or len(source.inputs) < 2):
        return pairs[0][1]
    nameless = [value for name, value in pairs if not name]
    named = {name: value for name, value in pairs if name}
    if len(named) + len(nameless) < len(pairs):
        raise usage("an input is given twice.", option)
    if not nameless:
        return named
    if named or isinstance(source, str):
        raise usage("with several inputs each has a name: name=...", option)
    names = [name for name, _ in source.inputs]
    if len(names) != len(nameless):
        wanted = f"{len(names)} {'input' if len(names) == 1 else 'inputs'} ({', '.join(names) or 'none'})"
        raise usage(f"the stack has {wanted}, and {len(nameless)} given without a name.", option)
    return dict(zip(names, nameless, strict=True))


def _stand_in(text: str) -> "tuple[str, Array]":
    import numpy as np

    name, _, sizes = text.rpartition("=")
    try:
        shape = tuple(int(size) for size in sizes.strip("()[] ").rstrip(",").split(","))
        return name, np.broadcast_to(np.float32(0), shape)
    except (ValueError, OverflowError) as error:  # no numbers, or more than numpy can count
        raise usage(f"{text!r} is no shape: write 2,128,9 or name=2,128,9.", "--shape") from error


def _named_path(text: str) -> tuple[str, Path]:
    """Name and path of name=path; a file that has an equals sign in its name is a path all the same."""
    name, equals, path = text.partition("=")
    return ("", Path(text)) if not equals or Path(text).exists() else (name, Path(path))


def _read(path: Path, option: str) -> "Array | dict[str, Array]":
    """What a .npy or .npz file holds. Raises InvalidArgumentError where that is nothing numpy can read safely."""
    import numpy as np

    try:
        with path.open("rb") as file:
            begins = file.read(4)
            if begins in _NPZ:
                file.seek(0)
                with np.load(file, allow_pickle=False) as archive:
                    return {name: archive[name] for name in archive.files}
        if begins != _NPY:
            raise ValueError("it begins like neither")
        # Mapped, not read: a header that lies about its size takes no memory. Objects (pickles) are never loaded.
        array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
        return array
    except OSError as error:
        if error.strerror:
            raise usage(f"{path}: {error.strerror}.", option) from error
        reason = str(error)
    except (ValueError, EOFError, BadZipFile, zlib.error, MemoryError, NotImplementedError) as error:
        reason = str(error) or type(error).__name__
    raise lm.InvalidArgumentError(f"{path} is no .npy or .npz file that can be read: {reason}", reason="MALFORMED_FILE")
