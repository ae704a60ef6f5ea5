"""Traces as text, Markdown and HTML."""

from html.parser import HTMLParser

import pytest

import lamina as lm
from lamina.diagnostics import Diagnostic
from lamina.render import words
from lamina.v1 import trace_pb2
from tests.client import samples

HOSTILE = "</td><script>alert(1)</script>|`*x*`\n\x1b[31m[a](b)"


def har() -> lm.Trace:
    return lm.Trace(samples.har(), "har")


def hostile() -> lm.Trace:
    message = samples.har()
    message.layers[1].name = message.layers[1].explanation = message.layers[1].how = HOSTILE
    message.layers[1].notes[0].text = HOSTILE
    return lm.Trace(message, HOSTILE)


def test_text() -> None:
    assert str(har()).splitlines() == [
        "har  (input: batch, 128 steps, 9 channels; channels last)",
        "  layer                             output                    params  how",
        "  conv1d  Conv1D(100, 10)           batch, 119 steps, 100 ch   9 100  steps 128 - 10 + 1 = 119",
        "  pool    GlobalAveragePooling1D()  batch, 100                     0  mean over 119 steps",
        "  dense   Dense(6)                  batch, 6                     606",
        "  total                                                        9 706  1.07 M multiply-adds per sample",
        "T is 10 or more",
        "warning on conv1d: 1 step only",
    ]


def test_a_stack_without_a_name_and_with_two_inputs() -> None:
    message = samples.har()
    message.inputs.append(samples.spec("other", height=4, width=1, channels=1))
    assert str(lm.Trace(message)).startswith(
        "stack  (input: batch, 128 steps, 9 channels; other: batch, height 4, width 1, 1 channel; channels last)\n"
    )


def test_further_outputs_have_their_line() -> None:
    message = samples.har()
    message.layers[3].outputs.append(samples.spec("dense:extra", features=7))
    assert "\n  dense:extra                            batch, 7\n" in str(lm.Trace(message))


def test_a_partial_trace_ends_with_the_fault_and_its_fixes() -> None:
    fault = Diagnostic.from_proto(samples.rank_mismatch())
    text = str(lm.Trace(samples.har(), "har", "", (fault,)))
    assert text.endswith(
        "convLayer (Conv1D) needs batch, steps, channels. It gets batch, 68: one axis is missing.\n"
        "  1  68 moments of one signal: put Reshape((68, 1)) before it  convLayer: batch, 68, 64\n"
        "  2  68 features, no order: use Dense(64) instead              convLayer: batch, 64"
    )


def test_text_is_one_line_a_layer_and_moves_no_cursor() -> None:
    text = str(hostile())
    assert "\x1b" not in text
    assert len(text.splitlines()) == len(str(har()).splitlines()) + 1  # the note keeps its two lines


def test_markdown() -> None:
    lines = har().to_markdown().splitlines()
    assert lines[0] == "**har** (input: batch, 128 steps, 9 channels; channels last)"
    assert lines[2:5] == [
        "| layer | | output | params | how |",
        "| --- | --- | --- | ---: | --- |",
        "| conv1d | Conv1D(100, 10) | batch, 119 steps, 100 ch | 9 100 | steps 128 - 10 + 1 = 119 |",
    ]
    assert lines[-1] == "- warning on conv1d: 1 step only"
    assert har()._repr_markdown_() == har().to_markdown()


def test_nothing_in_a_name_is_markdown() -> None:
    rows = [line for line in hostile().to_markdown().splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") == 6 for line in rows)
    assert "<script" not in hostile().to_markdown().replace("\\<", "")


class Tags(HTMLParser):
    """The tags of a document, opened and closed, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append(tag)
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("trace", [har(), hostile()])
def test_html_is_a_whole_fragment_of_known_tags(trace: lm.Trace) -> None:
    page = Tags()
    page.feed(trace.to_html())
    page.close()
    assert not page.opened
    assert page.tags == {"div", "strong", "span", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "ul", "li"}
    assert page.attributes == {"style", "title"}
    assert "Conv1D(100, 10)" in page.text
    assert trace._repr_html_() == trace.to_html()


def test_html_takes_its_colours_from_the_page() -> None:
    html = har().to_html()
    assert "color:inherit" in html
    assert "#" not in html
    assert "rgb(" not in html


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1_000, "1.00 k"), (9_994, "9.99 k"), (9_995, "10.0 k"), (12_345, "12.3 k"),
     (99_950, "100 k"), (999_499, "999 k"), (999_500, "1.00 M"), (1_071_600, "1.07 M"), (4_100_000_000, "4.10 G")],
)  # fmt: skip
def test_scaled(number: int, text: str) -> None:
    assert words.scaled(number) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "1 byte"), (512, "512 bytes"), (1024, "1 KiB"), (1536, "1.5 KiB"), (67_108_864, "64 MiB"), (2**31, "2 GiB")],
)
def test_bytes(count: int, text: str) -> None:
    assert words.bytes_(count) == text


def test_singular_and_plural() -> None:
    one = lm.TensorSpec.from_proto(samples.spec("a", steps=1, channels=1))
    two = lm.TensorSpec.from_proto(samples.spec("a", steps=2, channels="2 * T"))
    assert words.tensor(one, full=True) == "batch, 1 step, 1 channel"
    assert words.tensor(two, full=True) == "batch, 2 steps, 2 * T channels"
    assert words.tensor(two) == "batch, 2 steps, 2 * T ch"
    image = lm.TensorSpec.from_proto(samples.spec("a", height=28, width=30_000, features=1))
    assert words.tensor(image) == "batch, height 28, width 30 000, 1"
    assert words.multiply_adds(1) == "1 multiply-add per sample"
    assert words.multiply_adds(lm.Dim("6 * T")) == "6 * T multiply-adds per sample"
    assert words.multiply_adds(0) == ""
    assert words.tensor(lm.TensorSpec.from_proto(trace_pb2.TensorSpec())) == "one number"
