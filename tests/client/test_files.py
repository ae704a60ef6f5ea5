"""Stacks as files: every spelling, every refusal with its place, and the way out and back."""

import json
from pathlib import Path

import pytest
from google.protobuf import json_format, text_format
from hypothesis import example, given, settings
from hypothesis import strategies as st

import lamina as lm
from lamina import documents, files, layers

HAR = lm.Stack(
    [
        lm.Input((128, 9)),
        lm.Conv1D(100, 10, activation="relu", name="c"),
        lm.GlobalAveragePooling1D(),
        lm.Dense(6, activation="softmax"),
    ]
)
HAR_YAML = """\
# a comment
layers:
  - Input: [128, 9]
  - Conv1D: {filters: 100, kernel_size: 10, activation: relu, name: c}
  - GlobalAveragePooling1D
  - Dense: {units: 6, activation: softmax}
"""
ALL = lm.Stack(
    [
        lm.Input(("T", None, 3), dtype="float32", name="x"),
        lm.ZeroPadding2D(((1, 2), (3, 4))),
        lm.Conv2D(8, (3, 5), strides=2, padding=((1, 1), (0, 2)), data_format="channels_last", dilation_rate=(1, 2)),
        lm.BatchNormalization(axis=-1, epsilon=1e-5, center=False),
        lm.Activation(lm.activations.leaky_relu(0.25), name="no"),
        lm.MaxPooling2D(2, ceil_mode=True, name="null"),
        lm.Permute((2, 1, 3), inputs="null", expect=(None, "T", 8)),
        lm.Reshape((-1, 8), name="1e3"),
        lm.LSTM(4, return_state=True, recurrent_activation="hard_sigmoid", name='say "hi": {\\}'),
        lm.Dense(3, use_bias=False, inputs=['say "hi": {\\}:state_h']),
        lm.Dropout(0.5),
        lm.Concatenate(inputs=["1e3", "no"], axis=1),
    ],
    layout="channels_first",
    outputs=["no", "1e3"],
)


def refused(text: str | bytes, name: str = "net.yaml") -> lm.InvalidArgumentError:
    with pytest.raises(lm.InvalidArgumentError) as caught:
        files.parse(text, name=name)
    return caught.value


def outcome(text: str | bytes) -> str:
    """What became of a text: a stack, or what our error says. Any other exception is a failure."""
    try:
        return repr(files.parse(text))
    except lm.InvalidArgumentError as error:
        return error.message


def test_yaml_reads_as_it_is_written() -> None:
    assert files.load(HAR_YAML) == HAR


@pytest.mark.parametrize("suffix", ["yaml", "yml", "json", "textproto", "pbtxt", "txtpb", "stack"])
def test_formats_by_suffix_or_by_content(tmp_path: Path, suffix: str) -> None:
    written = {
        "json": HAR.to_json(),
        "textproto": text_format.MessageToString(HAR.proto),
        "stack": HAR.to_json(),
    }
    written["pbtxt"] = written["txtpb"] = written["textproto"]
    path = tmp_path / f"net.{suffix}"
    path.write_text(written.get(suffix, HAR_YAML), encoding="utf-8-sig")
    assert files.load(path).proto == HAR.proto
    assert files.load(str(path)).proto == HAR.proto


@pytest.mark.parametrize("text", [HAR_YAML, HAR.to_json(), text_format.MessageToString(HAR.proto)])
def test_formats_by_content(text: str) -> None:
    assert files.load(text).proto == HAR.proto


def test_json_takes_the_constructors_too() -> None:
    text = json.dumps({"layers": [{"Input": [128, 9]}, {"Dense": {"units": 6}}, "Flatten"]})
    assert files.load(text) == lm.Stack([lm.Input((128, 9)), lm.Dense(6), lm.Flatten()])


@pytest.mark.parametrize(
    ("item", "layer"),
    [
        ("Input: [128, 9]", lm.Input((128, 9))),
        ("Input: [[128, 9], float32]", lm.Input((128, 9), "float32")),
        ("Input: {shape: [null, T]}", lm.Input((None, "T"))),
        ("Input: [~, 9]", lm.Input((None, 9))),
        ("Input: []", lm.Input(())),
        ("Permute: [2, 1]", lm.Permute((2, 1))),
        ("Reshape: [-1, 8]", lm.Reshape((-1, 8))),
        ("Conv1D: [100, 10]", lm.Conv1D(100, 10)),
        ("Conv2D: [8, [3, 5]]", lm.Conv2D(8, (3, 5))),
        ("Dense: 6", lm.Dense(6)),
        ("Activation: relu", lm.Activation("relu")),
        ("Dropout: 0.5", lm.Dropout(0.5)),
        ("Flatten", lm.Flatten()),
        ("Flatten:", lm.Flatten()),
        ("Flatten: {}", lm.Flatten()),
        ("Add: {inputs: [a, b], name: sum}", lm.Add(inputs=["a", "b"], name="sum")),
        ("Conv1D: {filters: 2, kernel_size: 3, padding: [[1, 2]]}", lm.Conv1D(2, 3, padding=((1, 2),))),
        ("Dense: {units: 2, activation: {elu: {alpha: 2}}}", lm.Dense(2, lm.activations.elu(2.0))),
        ("Dense: {units: 2, expect: [null, 2]}", lm.Dense(2, expect=(None, 2))),
        ("BatchNormalization: {epsilon: 1e-3}", lm.BatchNormalization(epsilon=1e-3)),
        ("Dense: {units: 2, name: no}", lm.Dense(2, name="no")),
        ("Dense: {units: 2, name: '7'}", lm.Dense(2, name="7")),
        ("{name: c, conv: {filters: 2, kernelSize: [3], useBias: false}}", lm.Conv1D(2, 3, use_bias=False, name="c")),
        ("{name: c, conv: {filters: 2, kernel_size: [3]}, inputs: [a]}", lm.Conv1D(2, 3, name="c", inputs="a")),
        ("{dense: {units: 2, activation: {relu: {}}}}", lm.Dense(2, "relu")),
    ],
)
def test_spellings_of_a_layer(item: str, layer: lm.Layer) -> None:
    assert files.load(f"layers:\n  - {item}\n") == lm.Stack([layer])


def test_layout_and_outputs() -> None:
    text = "layout: channels_first\noutputs: [a]\nlayers:\n  - Input: {shape: [3], name: a}\n"
    assert files.load(text) == lm.Stack([lm.Input((3,), name="a")], layout="channels_first", outputs=["a"])
    assert files.load(text.replace("channels_first", "LAYOUT_CHANNELS_FIRST")).layout == "channels_first"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("layers:\n  - Conv1d: 3\n", ["net.yaml, line 2: layers[0]", "'Conv1d'", "Did you mean 'Conv1D'"]),
        ("layers:\n  - Flaten\n", ["layers[0]", "Did you mean 'Flatten'"]),
        ("layers:\n  - {cnv: {filters: 3}}\n", ["layers[0]", "Did you mean 'conv'"]),
        ("layers:\n  - {conv: {fliters: 3}}\n", ["line 2", "layers[0]", "fliters"]),
        ("layers:\n  - Flatten\n  - Conv1D:\n      kernel_sie: 4\n", ["line 4", "layers[1]", "mean 'kernel_size'?"]),
        ("layers:\n  - Conv1D:\n      filters: 3\n      kernel_size: a\n", ["line 4", "kernel_size takes", "'a'"]),
        ("layers:\n  - Conv1D: {filters: 3}\n", ["layers[0]: Conv1D needs kernel_size."]),
        ("layers:\n  - Conv1D\n", ["Conv1D needs filters and kernel_size."]),
        ("layers:\n  - Dense: [1, relu, true, 3, 4]\n", ["Dense takes 4 options in order", "5 were given"]),
        ("layers:\n  - Add: three\n", ["Add: constant takes a sequence"]),
        ("layers:\n  - Dense: {units: 3, weights: {kernel: [[1]]}}\n", ["weights do not stand in this file"]),
        ("layers:\n  - Dense: {units: 3}\n    name: x\n", ["'name' stands beside Dense"]),
        ("layers:\n  - 5\n", ["layers[0]", "5 was found"]),
        ("layers:\n  - \n", ["layers[0]", "nothing was found"]),
        ("layers:\n  - {}\n", ["layers[0]", "{} was found"]),
        ("layers: 5\n", ["layers takes a list of layers; 5 was found"]),
        ("outputs: [a]\n", ["layers takes a list of layers; nothing was found"]),
        ("- Flatten\n", ["a file begins with `layers:`"]),
        ("\n", ["a file begins with `layers:`", "nothing was found"]),
        ("lyers: []\n", ["line 1", "no key 'lyers'", "Did you mean 'layers'?"]),
        ("layers: []\nlayout: last\n", ["line 2", "layout knows no value 'last'"]),
        ("layers: []\noutputs: 3\n", ["line 2", "outputs takes names of layers"]),
        ("layers:\n  - Dense: {units: 1, units: 2}\n", ["line 2", "'units' comes twice"]),
        ('{"layers": [{"Dense": {"units": 1, "units": 2}}]}', ["'units' comes twice"]),
        ('{"layers": [{"Dense": {"units": NaN}}]}', ["NaN is no number"]),
        ('{"layers": [\n}', ["line 2", "this is no JSON"]),
        ("layers: [\n", ["this is no YAML"]),
        ("a: b: c\n", ["line 1", "this is no YAML"]),
        ("layers: \x07\n", ["this is no YAML"]),
        ("? [a]\n: 3\n", ["line 1", "a key is a name"]),
        ("layers: []\n---\nlayers: []\n", ["line 2", "second document"]),
        ("layers: !!python/object/apply:os.system [ls]\n", ["line 1", "tags"]),
        ("layers: !!set {}\n", ["tags"]),
        ("layers { input { shape { dims { size: a } } } }\n", ["this is no stack in textproto"]),
    ],
)
def test_what_is_refused_and_where(text: str, says: list[str]) -> None:
    error = refused(text)
    for words in says:
        assert words in error.message


def test_the_field_is_the_whole_path() -> None:
    assert (
        refused("layers:\n  - Flatten\n  - Conv1D: {filters: x, kernel_size: 3}\n").field == "layers[1].Conv1D.filters"
    )


def test_an_alias_bomb_costs_nothing() -> None:
    bomb = "a: &a [x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    error = refused(bomb)
    assert error.reason == "ALIAS" and "line 1" in error.message


@pytest.mark.parametrize(
    "text",
    [
        "layers: " + "[" * 5_000 + "]" * 5_000 + "\n",
        "layers:\n" + "\n".join("  " * n + "- - a" for n in range(1, 70)),
        '{"layers": ' + "[" * 200 + "]" * 200 + "}",
        '{"layers": ' + "[" * 100_000 + "]" * 100_000 + "}",
        "layers { activation { activation { relu " * 2_000,
    ],
)
def test_nesting_is_bounded(text: str) -> None:
    assert refused(text).code == "INVALID_ARGUMENT"


def test_length_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a hole: reading all of it would take hours
    with pytest.raises(lm.InvalidArgumentError, match="longer than 8 MiB"):
        files.load(path)


@pytest.mark.parametrize("digits", [20, 25, 5_000, 1_000_000])
def test_numbers_without_end_are_refused_as_options_are(digits: int) -> None:
    for text in (f"layers:\n  - Dense: {'9' * digits}\n", f'{{"layers": [{{"Dense": {"9" * digits}}}]}}'):
        assert "Dense: units takes" in refused(text).message


def test_text_that_is_not_unicode() -> None:
    assert "no text in UTF-8" in refused("layers:\n  - \ud800\n").message
    assert "no text in UTF-8" in refused('{"layers": ["\ud800"]}').message


def test_text_that_is_not_utf_8() -> None:
    assert "position 12" in refused(b"layers:\n  - \xff\n").message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.load(tmp_path / "none.yaml")


def test_dump_is_one_line_a_layer() -> None:
    assert files.dump(HAR) == (
        "layers:\n"
        "  - Input: {shape: [128, 9]}\n"
        "  - Conv1D: {filters: 100, kernel_size: 10, activation: relu, name: c}\n"
        "  - GlobalAveragePooling1D\n"
        "  - Dense: {units: 6, activation: softmax}\n"
    )


def test_dump_reads_back_equal() -> None:
    written = files.dump(ALL)
    assert files.load(written) == ALL
    assert "conv:" not in written  # constructors say all of it


def test_what_constructors_cannot_say_is_written_as_its_message() -> None:
    stack = lm.Stack.from_json(
        '{"layers": [{"conv": {"filters": 3, "kernelSize": [1, 2, 3, 4]}}, {"name": "nothing"}]}'
    )
    assert files.load(files.dump(stack)) == stack


def test_an_empty_stack() -> None:
    assert files.load(files.dump(lm.Stack([]))) == lm.Stack([])


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
KEYS = st.sampled_from([
    *layers.__all__, "units", "filters", "kernel_size", "activation", "relu", "conv", "name", "inputs", "expect",
    "shape", "dims", "padding", "explicit", "layers",
])  # fmt: skip
WORDS = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | KEYS
ITEMS = st.recursive(
    WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=4), SCALARS | st.lists(SCALARS, max_size=3), max_size=3))
@example({"no": "1e3", "a": ".5", "~": "0x1", "x": "-", "": "&a *b #c", "\u2028": "\U0001f600\x85\ufeff"})
def test_plain_data_reads_back(data: dict[str, object]) -> None:
    def readable(value: object) -> object:  # longer numbers are text on purpose
        if isinstance(value, list):
            return [readable(one) for one in value]
        return str(value) if isinstance(value, int) and len(str(value)) > 25 else value

    assert documents.read_yaml(documents.flow(data) + "\n", "x").data == {
        key: readable(value) for key, value in data.items()
    }


@settings(deadline=None)
@given(ITEMS)
def test_any_data_is_a_stack_or_an_error_of_ours(item: object) -> None:
    assert outcome(f"layers: [{documents.flow(item)}]\n")


@settings(deadline=None)
@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_text_is_a_stack_or_an_error_of_ours(text: str | bytes) -> None:
    assert outcome(text)


def test_the_file_is_the_message_too() -> None:
    data = json_format.MessageToDict(ALL.proto)
    assert files.load(json.dumps(data)).proto == ALL.proto
    assert files.load(documents.flow(data) + "\n").proto == ALL.proto
