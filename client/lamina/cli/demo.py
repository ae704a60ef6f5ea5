"""`lamina demo`: real questions to a real server, what it answers, and the files to go on with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

import lamina as lm
from lamina.cli import options, outputs
from lamina.cli.console import Out, line
from lamina.cli.export import model_data, show_model
from lamina.cli.infer import arrays_data
from lamina.cli.reporting import CANNOT, error_data, exit_code, fixes_table, reporting
from lamina.cli.session import connected
from lamina.cli.tables import previews, show_arrays, show_layer, show_trace
from lamina.cli.trace import trace_data

if TYPE_CHECKING:
    from lamina import Client, Fix, LaminaError, Result, ServerInfo, Trace
    from lamina.cli.demo_questions import Case, Question
    from lamina.typing import Array

# Sums of a few float32 numbers, in another order.
_TOLERANCE = 1e-4
_FEW = 60


@dataclass(frozen=True)
class Answered:
    """What the server said to one case: the refusal and the fix applied where there was one, the trace, the outputs."""

    case: "Case"
    error: "LaminaError | None"
    fix: "Fix | None"
    trace: "Trace"
    result: "Result"

    @property
    def arrays(self) -> "Mapping[str, Array]":
        """Outputs, or with `fetch` every activation."""
        return self.result.fetched or self.result.outputs

    @property
    def difference(self) -> float | None:
        """Largest difference from what numpy computes; None where it was not asked."""
        import numpy as np

        if self.case.oracle is None:
            return None
        return float(np.abs(self.result.output - self.case.oracle(self.case.x)).max())


def demo(
    ctx: typer.Context,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Where the stacks and the ONNX model go; else a new folder."
        ),
    ] = None,
    json: options.Json = False,
    address: options.Address = None,
    timeout: options.Timeout = options.DEFAULT_TIMEOUT,
) -> None:
    """Seven questions people ask about layer shapes, answered: reasons, outputs, an error with its fix, ONNX."""
    import tempfile

    from lamina.cli import demo_questions

    out = Out(json)
    with reporting(ctx, out):
        folder = Path(output) if output else Path(tempfile.mkdtemp(prefix="lamina-demo-"))
        folder.mkdir(parents=True, exist_ok=True)
        with connected(address, timeout, out) as client:
            if not json:
                _show_server(out, client.info(), client.address)
            answers = [
                (question, [_shown(out, question, case, _ask(client, case)) for case in question.cases])
                for question in demo_questions.QUESTIONS
            ]
            cases = {case.name: case for question in demo_questions.QUESTIONS for case in question.cases}
            model = client.export(cases[demo_questions.EXPORTED].stack)
        path = folder / f"{demo_questions.EXPORTED}.onnx"
        outputs.write(str(path), bytes(model))
        _save_stacks(folder, cases)
        if json:
            data = [{"question": question.asked, "cases": [*map(_data, found)]} for question, found in answers]
            out.data({"questions": data, "model": model_data(model, str(path))})
        else:
            _show_files(out, folder, model, path)
    _check(out, [one for _, found in answers for one in found])


def _ask(client: "Client", case: "Case") -> Answered:
    """Trace, then Infer. Where the stack or the array is refused, with the first fix of the error."""
    stack, x, error, fix = case.stack, case.x, None, None
    try:
        trace = client.trace(stack, shapes=[x])
    except lm.LayerShapeError as refusal:
        error, fix = refusal, refusal.fixes[0]
        stack = fix.apply(stack) if fix.changes_stack else stack
        x = fix.apply_to(x) if fix.changes_array else x
        trace = client.trace(stack, shapes=[x])
    result = client.infer(stack, x, fetch=case.fetch, weights=case.weights, trace=False)
    return Answered(case, error, fix, lm.Trace(trace.proto, case.name), result)


def _shown(out: Out, question: "Question", case: "Case", answer: Answered) -> Answered:
    if not out.json:
        if case is question.cases[0]:
            out.show("", Text.assemble((f"{question.number}  ", "bold cyan"), (question.asked, "bold")))
        _show(out, answer)
    return answer


def _show(out: Out, answer: Answered) -> None:
    case = answer.case
    if case.about:
        out.show("", Text(case.about))
    out.show("")
    if answer.error and answer.fix:
        out.show(Text.assemble(("error: ", "bold red"), line(answer.error.message)))
        out.show(fixes_table(answer.error.fixes, out.width), "")
        out.show(Text.assemble(("With fix 1: ", "bold"), line(answer.fix.title)), "")
    show_trace(out, answer.trace)
    for name in case.explain:
        out.show("")
        show_layer(out, answer.trace[name], notes=False)  # they stand below the table
    out.show("")
    if all(array.size <= _FEW for array in answer.arrays.values()):
        show_arrays(out, answer.arrays)
    else:
        out.show(previews(answer.arrays))
    if answer.difference is not None:
        says = f"numpy: {case.oracle_says}; the largest difference is {answer.difference:.2g}"
        out.show(Text(says, style="dim"))


def _show_server(out: Out, info: "ServerInfo", address: str) -> None:
    out.show(line(f"Lamina {info.version} at {address}: {info.device}, ONNX Runtime {info.onnxruntime_version}", "dim"))


def _save_stacks(folder: Path, cases: "Mapping[str, Case]") -> None:
    from lamina import files

    for name, case in cases.items():
        outputs.write(str(folder / f"{name}.yaml"), files.dump(case.stack).encode())


def _show_files(out: Out, folder: Path, model: Any, path: Path) -> None:
    out.show("", Text("The model of Q4, and the stacks as files to go on with", style="bold"), "")
    show_model(out, model, str(path))
    for command in ("activity.yaml --explain", "min-ndim.yaml --fix 1"):
        name, options = command.split(maxsplit=1)
        out.show(Text.assemble(("try: ", "dim"), line(f"lamina trace {folder / name} {options}", "cyan")))


def _data(answer: Answered) -> dict[str, object]:
    error, fix = answer.error, answer.fix
    small = {name: array for name, array in answer.arrays.items() if array.size <= _FEW}
    large = {name: array for name, array in answer.arrays.items() if array.size > _FEW}
    return {
        "name": answer.case.name,
        **(error_data(error, exit_code(error)) if error else {}),
        **({"fixed": fix.title} if fix else {}),
        "trace": trace_data(answer.trace),
        "outputs": {**arrays_data(small), **arrays_data(large, values=False)},
        "difference_from_numpy": answer.difference,
    }


def _check(out: Out, answers: list[Answered]) -> None:
    """Fails the demonstration where the numbers are not what numpy says."""
    for answer in _wrong(answers):
        out.tell(line(f"error: {answer.case.name} differs from numpy by {answer.difference}", "red"))
        raise typer.Exit(CANNOT)


def _wrong(answers: list[Answered]) -> Iterator[Answered]:
    return (answer for answer in answers if answer.difference is not None and answer.difference > _TOLERANCE)
