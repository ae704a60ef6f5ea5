"""`lamina export`: the ONNX model of a stack."""

from typing import TYPE_CHECKING, Annotated

import typer

from lamina.cli import inputs, options, outputs
from lamina.cli.console import Out, line
from lamina.cli.fixing import Subject, attempt
from lamina.cli.reporting import reporting, usage
from lamina.cli.session import connected

if TYPE_CHECKING:
    from lamina import Model, TensorSpec


def export(
    ctx: typer.Context,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE.onnx", help="Where the model goes.", show_default=False)
    ],
    file: options.File = None,
    stack: options.Stored = None,
    weights: options.WeightsFile = None,
    seed: options.Seed = None,
    fetch: options.Fetch = None,
    fix: options.FixNumbers = None,
    json: options.Json = False,
    address: options.Address = None,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
) -> None:
    """Writes the ONNX model of a stack, checked, with its weights in it."""
    out = Out(json)
    if stack and (weights or seed is not None):
        raise usage("a registered stack has its weights already.", "--stack")
    with reporting(ctx, out):
        source = inputs.source(file, stack, address)
        given = inputs.weights(weights)
        with connected(address, timeout, out) as client:
            done = attempt(
                lambda one: client.export(one.source, fetch=fetch or (), weights=given, seed=seed),
                Subject(source),
                fix,
                out,
            )
        outputs.write(output, bytes(done.answer))
        if json:
            out.data({"model": model_data(done.answer, output)})
        else:
            show_model(out, done.answer, output)


def show_model(out: Out, model: "Model", path: str) -> None:
    """Where a model was written, and what it takes and returns."""
    from lamina.render.words import bytes_, tensor

    out.show(line(path, "bold"))
    out.show(line(f"  {bytes_(len(model))}, opset {model.opset}"), line(f"  SHA-256 {model.sha256}"))
    for way, specs in (("takes", model.inputs), ("returns", model.outputs)):
        for spec in specs:
            out.show(line(f"  {way} {spec.name}: {tensor(spec, full=True)}, {spec.dtype}"))


def model_data(model: "Model", path: str) -> dict[str, object]:
    """What is known of a model, for JSON."""
    return {
        "path": path,
        "bytes": len(model),
        "sha256": model.sha256,
        "opset": model.opset,
        "ir_version": model.ir_version,
        "inputs": [_spec(spec) for spec in model.inputs],
        "outputs": [_spec(spec) for spec in model.outputs],
    }


def _spec(spec: "TensorSpec") -> dict[str, object]:
    axes = [
        {"role": axis.role, "size": axis.size if isinstance(axis.size, int) else str(axis.size)} for axis in spec.axes
    ]
    return {"name": spec.name, "dtype": spec.dtype, "axes": axes}
