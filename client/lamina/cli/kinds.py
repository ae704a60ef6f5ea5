"""`lamina kinds`: the layers there are."""

import json as encoding
import re
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

import lamina as lm
from lamina.cli import options
from lamina.cli.console import Out, line
from lamina.cli.reporting import reporting, usage
from lamina.cli.session import connected
from lamina.cli.tables import show_trace

if TYPE_CHECKING:
    from lamina import LayerKind


def complete_kind(incomplete: str) -> list[str]:
    """Names for the shell to complete."""
    from lamina import layers

    return [name for name in layers.__all__ if name.startswith(incomplete)]


def kinds(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A layer, such as Conv1D.", autocompletion=complete_kind),
    ] = None,
    json: options.Json = False,
    address: options.Address = None,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
) -> None:
    """Lists the layers the server knows, or explains one."""
    out = Out(json)
    with reporting(ctx, out):
        with connected(address, timeout, out) as client:
            known = client.kinds()
        found = _find(known, name) if name else list(known)
        if json:
            out.data({"kinds": [_data(kind) for kind in found]})
        elif name:
            for kind in found:
                _show(out, kind)
        else:
            _list(out, found)


def _find(known: "tuple[LayerKind, ...]", name: str) -> "list[LayerKind]":
    """The kind of a name; those that Keras or PyTorch call so where Lamina does not."""
    from lamina.errors import suggest

    wanted = name.lower().rpartition(".")[2]
    for names in (lambda kind: (kind.name, kind.field, *kind.constructors), lambda kind: kind.keras + kind.torch):
        found = [kind for kind in known if wanted in (called.lower().rpartition(".")[2] for called in names(kind))]
        if found:
            return found
    constructors = [called for kind in known for called in kind.constructors]
    raise usage(f"there is no layer {name!r}.{suggest(name, constructors, what='layer')}", "NAME")


def _list(out: Out, kinds: "list[LayerKind]") -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    for kind in kinds:
        table.add_row(line(_called(kind), "bold"), line(kind.doc.splitlines()[0]))
    out.show(table)


def _called(kind: "LayerKind") -> str:
    """Constructors that differ in their rank only, as one: Conv1D/2D/3D."""
    names = kind.constructors or (kind.name,)
    ranks = [found[0] for name in names if (found := re.search(r"\dD", name))]
    return names[0].replace(ranks[0], "/".join(ranks)) if ranks else "/".join(names)


def _show(out: Out, kind: "LayerKind") -> None:
    out.show(line(_called(kind), "bold"), "", Padding(line(kind.doc), (0, 0, 0, 2)))
    if kind.options:
        table = Table.grid(padding=(0, 2, 0, 0))
        for option in kind.options:
            default = option.default or "required"
            table.add_row(line(f"  {option.name}", "cyan"), line(default, "dim"), line(option.doc))
        out.show("", Text("Options", style="bold"), table)
    out.show("", Text("Example", style="bold"))
    show_trace(out, lm.Trace(kind.example_trace.proto, _called(kind)))
    there = {"Formulas": kind.formulas, "Keras": kind.keras, "PyTorch": kind.torch, "ONNX": kind.onnx_operators}
    out.show("", *(line(f"{name}: {', '.join(names)}", "dim") for name, names in there.items() if names))


def _data(kind: "LayerKind") -> dict[str, object]:
    return {
        "name": kind.name,
        "field": kind.field,
        "constructors": list(kind.constructors),
        "doc": kind.doc,
        "options": [{"name": one.name, "default": one.default, "doc": one.doc} for one in kind.options],
        "example": encoding.loads(kind.example.to_json()),
        "example_trace": encoding.loads(kind.example_trace.to_json()),
        "onnx_operators": list(kind.onnx_operators),
        "keras": list(kind.keras),
        "torch": list(kind.torch),
        "formulas": list(kind.formulas),
    }
