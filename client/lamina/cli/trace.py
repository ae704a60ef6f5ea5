"""`lamina trace`: the shape of every tensor, and why."""

import json
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Annotated, Any

import typer

import lamina as lm
from lamina.cli import inputs, options, outputs
from lamina.cli.console import Out, line
from lamina.cli.fixing import Attempt, Subject, attempt
from lamina.cli.reporting import reporting, usage
from lamina.cli.session import connected
from lamina.cli.tables import markdown_layer, show_layer, show_trace

if TYPE_CHECKING:
    from lamina import LayerTrace, Trace


def trace(
    ctx: typer.Context,
    file: options.File = None,
    stack: options.Stored = None,
    shape: Annotated[
        list[str] | None,
        typer.Option("--shape", metavar="[NAME=]SIZES", help="Shape of your array, as 2,128,9; again for each Input."),
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option("--at", metavar="SYMBOL=N", help="Trace at this size, as T=128; again for the next symbol."),
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option("--layer", metavar="NAME", help="Explain this layer, in words and numbers; again for more."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Explain every layer.")] = False,
    fix: options.FixNumbers = None,
    write: Annotated[
        str | None, typer.Option("--write", metavar="FILE.yaml", help="Save the stack that --fix made, as YAML.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    html: Annotated[
        str | None, typer.Option("--html", metavar="FILE.html", help="Save the table as a web page as well.")
    ] = None,
    json: options.Json = False,
    address: options.Address = None,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
) -> None:
    """The shape of every tensor of a stack, and why. Nothing is built or run."""
    out = Out(json)
    if json and markdown:
        raise usage("choose one of --json and --markdown.", "--markdown")
    if write and not fix:
        raise usage("saves what --fix made: give a --fix N.", "--write")
    with reporting(ctx, out):
        source = inputs.source(file, stack, address)
        sizes = inputs.symbol_values(at)
        subject = Subject(source, inputs.shapes(shape, source))
        with connected(address, timeout, out) as client:
            done = attempt(lambda one: client.trace(one.source, one.arrays, at=sizes), subject, fix, out)
        traced = _titled(done.answer, inputs.title(file, stack))
        every = [one for one in traced.walk() if one.kind != "Input" or one in traced.layers]
        chosen = [traced[name] for name in layer] if layer else every if explain and not json else []
        _print(out, traced, chosen, done, markdown=markdown)
        _save(out, traced, done, write, html)


def _titled(trace: "Trace", name: str) -> "Trace":
    return lm.Trace(trace.proto, name, trace.stack_id, trace.diagnostics)


def _print(out: Out, trace: "Trace", chosen: "list[LayerTrace]", done: "Attempt[Trace]", *, markdown: bool) -> None:
    if out.json:
        out.data(_data(trace, chosen, done))
    elif markdown:
        out.raw("\n\n".join([*map(markdown_layer, chosen)] or [trace.to_markdown()]))
    elif chosen:
        for number, layer in enumerate(chosen):
            if number:
                out.show("")
            show_layer(out, layer)
    else:
        show_trace(out, trace)


def _data(trace: "Trace", chosen: "list[LayerTrace]", done: "Attempt[Trace]") -> dict[str, object]:
    """{"trace": StackTrace}, cut to the layers chosen; with --fix also the fixes applied and the stack they made."""
    traced = trace_data(trace)
    if chosen:
        names = {layer.name for layer in chosen}
        traced["layers"] = [layer for layer in _every(traced["layers"]) if layer["name"] in names]
    data: dict[str, object] = {"trace": traced}
    if done.fixes:
        data["fixes"] = [{"title": fix.title, "outcome": fix.outcome} for fix in done.fixes]
        if isinstance(done.subject.source, lm.Stack):
            data["stack"] = json.loads(done.subject.source.to_json())
    return data


def _every(layers: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Layers, and those inside them."""
    for layer in layers:
        yield layer
        yield from _every(layer.get("layers", []))


def trace_data(trace: "Trace") -> dict[str, Any]:
    """A trace for JSON: ProtoJSON of lamina.v1.StackTrace."""
    traced: dict[str, Any] = json.loads(trace.to_json())
    return traced


def _save(out: Out, trace: "Trace", done: "Attempt[Trace]", write: str | None, html: str | None) -> None:
    if write:
        from lamina import files

        if not isinstance(done.subject.source, lm.Stack):
            raise usage("a registered stack is not changed by a fix of an array.", "--write")
        outputs.write(write, files.dump(done.subject.source).encode())
        _tell(out, write)
    if html:
        head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(trace.name or "stack")}</title>'
        outputs.write(html, f"{head}<body>{trace.to_html()}</body></html>\n".encode())
        _tell(out, html)


def _tell(out: Out, path: str) -> None:
    if not out.json:
        out.tell(line(f"written: {path}", "dim"))
