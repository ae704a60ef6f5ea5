"""Stacks that cannot be: names, references, loops, nothing to start from, and names that mean harm."""

import pytest

from lamina.v1 import service_pb2
from tests.acceptance.raw import Raw
from tests.acceptance.requests import INPUT, ORDINARY, TAKING_STACKS, asking, stack
from tests.acceptance.words import says

pytestmark = pytest.mark.usefixtures("harmless")

FLATTEN = 'layers { name: "f" flatten {} '
# What each would do where it got through: to a log, a terminal, a C string, a reader, a folder, a page, a format.
HOSTILE = {
    "line": 'a\n{"level": "info"}',
    "return": "a\rb",
    "escape": "\x1b[2Jgone",
    "nul": "a\0b",
    "right to left": "\u202eevil",
    "separator": "a\u2028b",
    "traversal": "../../etc/passwd",
    "absolute": "/etc/passwd",
    "long": "a" * 10_000,
    "a little long": "a" * 129,
    "markup": "<script>alert(1)</script>",
    "format": "%s%n{0}{input_1}",
    "shell": "$(reboot) `reboot`",
    "empty": "",
    "space": "a b",
    "colon": "x:y",
    "dash": "-rf",
    "quote": '"',
    "emoji": "\U0001f600",
    "astral": "\U000e0001" * 400,
}


@pytest.mark.parametrize("rpc", TAKING_STACKS)
@pytest.mark.parametrize(
    ("text", "reason", "field", "words"),
    [
        ("", "EMPTY_STACK", "layers", ["no layers", "Input"]),
        ("layers { dense { units: 2 } }", "NO_INPUT", "layers", ["no Input"]),
        (FLATTEN + '} layers { name: "x" input { shape { dims { size: 3 } } } }', "NO_INPUT", "layers[0].flatten",
         [r"f \(Flatten\)", r"Input\(shape\) before it"]),
        ("layers { input {} }", "MISSING_FIELD", "layers[0].input.shape", ["no shape"]),
        (INPUT + "layers { conv { kernel_size: 3 } }", "MISSING_FIELD", "layers[1].conv.filters", ["no filters"]),
        (INPUT + 'layers { name: "x" flatten {} }', "DUPLICATE_NAME", "layers[1].name", [r"layers\[0\]", '"x"']),
        (INPUT + FLATTEN + 'inputs: "f" }', "UNKNOWN_INPUT", "layers[1].inputs", [r"f \(Flatten\)", "its own output"]),
        (INPUT + FLATTEN + 'inputs: "g" } layers { name: "g" inputs: "f" flatten {} }', "UNKNOWN_INPUT",
         "layers[1].inputs", ['"g"', "after it", "no loops"]),
        (INPUT + FLATTEN + 'inputs: "g" } layers { name: "g" inputs: "x" flatten {} }', "UNKNOWN_INPUT",
         "layers[1].inputs", ['"g"', "after it"]),
        (INPUT + FLATTEN + 'inputs: "y" }', "UNKNOWN_INPUT", "layers[1].inputs", ['"y"', '"x"']),
        (INPUT + FLATTEN + 'inputs: "x:state_h" }', "UNKNOWN_INPUT", "layers[1].inputs", ["state_h", "does not have"]),
        (INPUT + FLATTEN + 'inputs: "x" inputs: "x" }', "INPUT_COUNT", "layers[1].inputs", ["1 input", r"\b2 are"]),
        (INPUT + 'layers { inputs: "x" input { shape { dims { size: 3 } } } }', "INPUT_COUNT", "layers[1].inputs",
         ["no inputs", "1 is given"]),
        (INPUT + 'layers { name: "s" add {} inputs: "x" }', "INPUT_COUNT", "layers[1].inputs", ["2 inputs or more"]),
        (INPUT + 'layers { name: "s" concatenate {} ' + 'inputs: "x" ' * 1000 + "}", "INPUT_COUNT", "layers[1].inputs",
         [r"s \(Concatenate\)", r"\b1000\b", r"\b256\b"]),
        (ORDINARY + 'outputs: "d"', "UNKNOWN_OUTPUT", "outputs[0]", ['"d"', '"c"']),
        (ORDINARY + 'outputs: "c" outputs: "c"', "DUPLICATE_OUTPUT", "outputs[1]", ['"c"', "twice"]),
        (INPUT + FLATTEN + "expect { dims { size: 23 } } }", "EXPECTATION_NOT_MET", "layers[1].expect",
         [r"\b23\b", r"\b24\b"]),
    ],
)  # fmt: skip
def test_a_stack_that_cannot_be(raw: Raw, rpc: str, text: str, reason: str, field: str, words: list[str]) -> None:
    refusal = raw.refusal(rpc, asking(rpc, stack(text)))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", reason)
    assert refusal.field.endswith(f"stack.{field}")
    says(refusal.message, *words)
    assert refusal.diagnostic is not None


def test_the_diagnostic_names_the_layer(raw: Raw) -> None:
    refusal = raw.refusal("Trace", asking("Trace", stack(INPUT + FLATTEN + 'inputs: "y" }')))
    found = refusal.diagnostic
    assert found is not None
    assert (found.layer, found.kind, found.index) == ("f", "Flatten", 1)
    says(refusal.message, r"did you mean|there is")


def hostile_requests(name: str) -> dict[str, service_pb2.TraceRequest]:
    """A name that means harm, wherever a request can hold one, by the field that must be at fault."""

    whole = service_pb2.TraceRequest(stack=stack(INPUT + "layers { flatten {} }")).SerializeToString()
    named, taking, giving, symbol, expecting, shaped = (service_pb2.TraceRequest.FromString(whole) for _ in range(6))
    named.stack.layers[1].name = name
    taking.stack.layers[1].inputs.append(name)
    giving.stack.outputs.append(name)
    symbol.stack.layers[0].input.shape.dims[1].expression = name
    expecting.stack.layers[1].expect.dims.add(expression=name)
    shaped.shapes.add(name=name, shape=[1, 8, 3])
    requests = {
        "stack.layers[1].name": named,
        "stack.layers[1].inputs": taking,
        "stack.outputs[0]": giving,
        "stack.layers[0].input.shape.dims[1]": symbol,
        "stack.layers[1].expect.dims[0]": expecting,
    }
    return requests | ({"shapes[0].name": shaped} if name else {})  # no name at all means the only Input


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_that_means_harm_comes_back_escaped_and_cut(raw: Raw, name: str) -> None:
    for field, request in hostile_requests(name).items():
        refusal = raw.refusal("Trace", request)
        assert (refusal.code, refusal.field) == ("INVALID_ARGUMENT", field)
        assert f'"{ascii(name[:60])[1:-1]}' in refusal.message
        assert refusal.message.isascii()
        assert len(refusal.message) < 800


def test_a_symbol_that_stands_for_the_batch_axis_already(raw: Raw) -> None:
    refusal = raw.refusal("Trace", hostile_requests("batch")["stack.layers[0].input.shape.dims[1]"])
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "BAD_SYMBOL")
    says(refusal.message, '"batch"', "batch axis")


def test_a_name_that_looks_like_a_placeholder_brings_no_other_name_in(raw: Raw) -> None:
    sent = stack(INPUT + "layers { add {} }")
    sent.layers[1].inputs.extend(["{input_2}", "a\n\u202eb" * 2_000])
    message = raw.refusal("Trace", asking("Trace", sent)).message
    assert message.isascii()
    says(message, r"\{input_2\}")
