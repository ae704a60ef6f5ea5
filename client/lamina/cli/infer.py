"""`lamina infer`: the outputs a stack computes."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from lamina.cli import inputs, options, outputs
from lamina.cli.console import Out, line
from lamina.cli.fixing import Subject, attempt
from lamina.cli.reporting import reporting, usage
from lamina.cli.session import connected
from lamina.cli.tables import receipt_line, show_arrays

if TYPE_CHECKING:
    from lamina import Result
    from lamina.typing import Array


def infer(
    ctx: typer.Context,
    input: Annotated[
        list[str],
        typer.Option(
            "--input",
            "-i",
            metavar="[NAME=]FILE",
            help="An array, batch axis first: x.npy, name=x.npy, or an .npz with several by name; as often as needed.",
        ),
    ],
    file: options.File = None,
    stack: options.Stored = None,
    weights: options.WeightsFile = None,
    seed: options.Seed = None,
    fetch: options.Fetch = None,
    fix: options.FixNumbers = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Save the arrays: .npz all of them, .npy a single one."),
    ] = None,
    json: options.Json = False,
    address: options.Address = None,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
) -> None:
    """Runs a stack on arrays, and prints or saves its outputs."""
    out = Out(json)
    outputs.check_array_file(output)
    if stack and (weights or seed is not None):
        raise usage("a registered stack has its weights already.", "--stack")
    with reporting(ctx, out):
        source = inputs.source(file, stack, address)
        subject = Subject(source, inputs.arrays(input, source))
        given = inputs.weights(weights)
        with connected(address, timeout, out) as client:
            done = attempt(
                lambda one: client.infer(
                    one.source, one.arrays, fetch=fetch or (), weights=given, seed=seed, trace=False
                ),
                subject,
                fix,
                out,
            )
        result = done.answer
        arrays = {**result.outputs, **result.fetched}
        if output:
            outputs.write(output, outputs.arrays_file(output, arrays))
        if json:
            out.data(_data(result, output))
        elif output:
            out.tell(line(f"written: {output}", "dim"), receipt_line(result.receipt))
        else:
            show_arrays(out, arrays)
            out.tell(receipt_line(result.receipt))


def _data(result: "Result", output: str | None) -> dict[str, object]:
    """{"outputs": {name: {shape, dtype, data}}, "fetched": ..., "receipt": ...}; `data` only where nothing is saved."""
    return {
        "outputs": arrays_data(result.outputs, values=output is None),
        "fetched": arrays_data(result.fetched, values=output is None),
        "receipt": asdict(result.receipt),
        **({"written": output} if output else {}),
    }


def arrays_data(arrays: "Mapping[str, Array]", *, values: bool = True) -> dict[str, object]:
    """Arrays for JSON, with their numbers in nested lists unless told otherwise."""
    return {
        name: {
            "shape": list(array.shape),
            "dtype": array.dtype.name,
            **({"data": _nested(array)} if values else {}),
        }
        for name, array in arrays.items()
    }


def _nested(array: "Array") -> object:
    """The numbers of an array as JSON has them: the shortest that mean the same, and words for what is no number."""
    if array.ndim:
        return [_nested(part) for part in array]
    if array.dtype.kind in "iub":
        return array.item()
    text = str(array)
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text) or float(text)
