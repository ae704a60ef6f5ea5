"""`lamina infer` and `lamina export`: arrays and models, in and out."""

import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

import lamina as lm
from lamina.typing import Array
from tests.client.cli.conftest import HAR, Net, Run

SUM = lm.Stack([lm.Input((4, 5)), lm.Conv1D(3, 1, use_bias=False)])
ROWS = np.arange(5, 25, dtype=np.float32).reshape(1, 4, 5)
ONES = {"conv1d/kernel": np.ones((1, 5, 3), np.float32)}
ROW_SUMS = np.repeat([[[35], [60], [85], [110]]], 3, axis=2)


def saved(folder: Path, name: str, array: "Array | None" = None, **arrays: Array) -> Path:
    path = folder / name
    if array is None:
        np.savez(path, **arrays)  # type: ignore[arg-type]
    else:
        np.save(path, array)
    return path


def test_the_numbers_of_q6(lamina: Run, net: Net, tmp_path: Path) -> None:
    x, weights = saved(tmp_path, "x.npy", ROWS), saved(tmp_path, "w.npz", **ONES)
    ran = lamina("infer", net(SUM), "-i", x, "--weights", weights)
    assert ran.code == 0
    assert ran.out.splitlines()[0] == "conv1d  1 x 4 x 3  float32"
    assert [float(word) for word in ran.out.partition("float32")[2].translate(str.maketrans("[]", "  ")).split()] == [
        *ROW_SUMS.flat
    ]
    assert ran.err.startswith("cpu, ") and "CPUExecutionProvider" in ran.err and "seed" not in ran.err


def test_outputs_are_saved(lamina: Run, net: Net, tmp_path: Path) -> None:
    x, weights = saved(tmp_path, "x.npy", ROWS), saved(tmp_path, "w.npz", **ONES)
    for name in ("out.npy", "out.npz"):
        ran = lamina("infer", net(SUM), "-i", x, "--weights", weights, "-o", tmp_path / name)
        assert (ran.code, ran.out) == (0, "")
        assert f"written: {tmp_path / name}" in ran.err
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), ROW_SUMS)
    with np.load(tmp_path / "out.npz") as arrays:
        assert arrays.files == ["conv1d"]
        np.testing.assert_array_equal(arrays["conv1d"], ROW_SUMS)


def test_json(lamina: Run, net: Net, tmp_path: Path, client: lm.Client) -> None:
    x = np.random.default_rng(0).standard_normal((2, 128, 9)).astype(np.float32)
    words = ("infer", net(HAR), "-i", saved(tmp_path, "x.npy", x), "--seed", 3, "--fetch", "conv1d", "--json")
    ran = lamina(*words)
    expected = client.infer(HAR, x, seed=3, fetch=["conv1d"])
    assert (ran.code, ran.err) == (0, "")
    dense = ran.data["outputs"]["dense"]
    assert (dense["shape"], dense["dtype"]) == ([2, 6], "float32")
    np.testing.assert_array_equal(np.array(dense["data"], np.float32), expected["dense"])
    assert ran.data["fetched"]["conv1d"]["shape"] == [2, 119, 100]
    assert ran.data["receipt"]["seed"] == 3 and ran.data["receipt"]["device"] == "cpu"
    saving = lamina(*words, "-o", tmp_path / "out.npz").data
    assert saving["written"] == str(tmp_path / "out.npz") and "data" not in saving["outputs"]["dense"]


def test_json_has_words_for_what_is_no_number(lamina: Run, net: Net, tmp_path: Path) -> None:
    x = saved(tmp_path, "x.npy", np.array([[np.nan, np.inf, -np.inf, 0.1]], np.float32))
    stack = net(lm.Stack([lm.Input((4,)), lm.Flatten()]))
    text = lamina("infer", stack, "-i", x, "--json").out
    assert json.loads(text)["outputs"]["flatten"]["data"] == [["NaN", "Infinity", "-Infinity", 0.1]]


def test_all_layers(lamina: Run, net: Net, tmp_path: Path) -> None:
    x = saved(tmp_path, "x.npy", np.ones((1, 128, 9)))
    ran = lamina("infer", net(HAR), "-i", x, "--fetch", "*")
    heads = [line.split()[0] for line in ran.out.splitlines() if line[:1].isalpha()]
    assert heads == ["dense", "input", "conv1d", "global_average_pooling1d"]
    assert "weights drawn from seed 0" in ran.err


@pytest.mark.parametrize("form", ["named", "ordered", "npz", "npz each"])
def test_several_inputs(lamina: Run, net: Net, tmp_path: Path, form: str) -> None:
    stack = net(lm.Stack([lm.Input((2,), name="a"), lm.Input((2,), name="b"), lm.Concatenate(inputs=["a", "b"])]))
    a, b = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])
    one, two = saved(tmp_path, "1.npy", a), saved(tmp_path, "2.npy", b)
    words = {
        "named": ("-i", f"b={two}", "-i", f"a={one}"),
        "ordered": ("-i", one, "-i", two),
        "npz": ("-i", saved(tmp_path, "both.npz", b=b, a=a)),
        "npz each": ("-i", saved(tmp_path, "a.npz", a=a), "-i", f"b={saved(tmp_path, 'c.npz', c=b)}"),
    }[form]
    data = lamina("infer", stack, *words, "--json").data
    assert data["outputs"]["concatenate"]["data"] == [[1.0, 2.0, 3.0, 4.0]]


def test_a_layer_may_have_the_name_of_an_argument_of_numpys(lamina: Run, net: Net, tmp_path: Path) -> None:
    stack = net(lm.Stack([lm.Input((2,), name="allow_pickle"), lm.Flatten(name="file")]))
    x = saved(tmp_path, "x=1.npy", np.ones((1, 2)))
    ran = lamina("infer", stack, "-i", x, "--fetch", "allow_pickle", "-o", tmp_path / "out.npz")
    assert ran.code == 0, ran.err
    with np.load(tmp_path / "out.npz") as arrays:
        assert sorted(arrays.files) == ["allow_pickle", "file"]


def test_the_callers_array_is_fixed(lamina: Run, net: Net, tmp_path: Path) -> None:
    x, stack = saved(tmp_path, "x.npy", np.ones((128, 9))), net(HAR)
    ran = lamina("infer", stack, "--input", x)
    assert ran.code == 3
    assert "the batch axis is missing" in ran.err
    assert f"try: lamina infer {stack} --input {x} --fix 1\n" in ran.err
    fixed = lamina("infer", stack, "--input", x, "--fix", 1, "--json")
    assert fixed.data["outputs"]["dense"]["shape"] == [1, 6]


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"not an array", 3, "it begins like neither"),
        (b"", 3, "it begins like neither"),
        (b"\x93NUMPY\x01\x00\x05\x00{1}\n\n", 3, "no .npy or .npz file that can be read"),
        (b"PK\x03\x04 but no archive", 3, "no .npy or .npz file that can be read"),
        (None, 2, "No such file"),
    ],
)
def test_files_that_are_no_arrays(
    lamina: Run, net: Net, tmp_path: Path, content: bytes | None, code: int, says: str
) -> None:
    path = tmp_path / "x.npy"
    if content is not None:
        path.write_bytes(content)
    ran = lamina("infer", net(HAR), "-i", path)
    assert ran.code == code
    assert says in " ".join(ran.err.replace("│", " ").split())


def test_a_header_that_lies_takes_no_memory(lamina: Run, net: Net, tmp_path: Path) -> None:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 1000), }\n"
    path = tmp_path / "x.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    ran = lamina("infer", net(HAR), "-i", path)
    assert ran.code == 3 and "no .npy or .npz file that can be read" in ran.err


def test_pickles_are_never_loaded(lamina: Run, net: Net, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    objects = np.array([Trap()], dtype=object)
    np.save(tmp_path / "x.npy", objects)
    np.savez(tmp_path / "x.npz", x=objects)
    for name in ("x.npy", "x.npz"):
        assert lamina("infer", net(HAR), "-i", tmp_path / name).code == 3
    assert not (tmp_path / "sprung").exists()


def test_wrong_commands(lamina: Run, net: Net, tmp_path: Path, client: lm.Client) -> None:
    x, w = saved(tmp_path, "x.npy", np.ones((1, 128, 9))), saved(tmp_path, "w.npz", **ONES)
    client.register("cli-infer", HAR, seed=0)
    for words in (
        ("infer", net(HAR)),
        ("infer", net(HAR), "-i", x, "-o", tmp_path / "out.txt"),
        ("infer", net(HAR), "-i", x, "--fetch", "conv1d", "-o", tmp_path / "out.npy"),
        ("infer", net(HAR), "-i", x, "--weights", x),
        ("infer", net(HAR), "-i", x, "--seed", "-1"),
        ("infer", net(HAR), "-i", f"a={saved(tmp_path, 'two.npz', a=np.ones(1), b=np.ones(1))}"),
        ("infer", "--stack", "cli-infer", "-i", x, "--weights", w),
        ("infer", "--stack", "cli-infer", "-i", x, "--seed", 3),
        ("export", "--stack", "cli-infer", "--seed", 3, "-o", tmp_path / "m.onnx"),
        ("export", net(HAR)),
    ):
        ran = lamina(*words)
        assert (ran.code, ran.out) == (2, ""), words
    assert lamina("infer", "--stack", "cli-infer", "-i", x).code == 0


def test_a_model_is_written(lamina: Run, net: Net, tmp_path: Path, client: lm.Client) -> None:
    path = tmp_path / "m.onnx"
    ran = lamina("export", net(HAR), "-o", path)
    assert (ran.code, ran.err) == (0, "")
    assert path.read_bytes() == bytes(client.export(HAR))
    assert ran.out.startswith(f"{path}\n") and "takes input: batch, 128 steps, 9 channels, float32" in ran.out
    model = lamina("export", net(HAR), "-o", path, "--fetch", "conv1d", "--json").data["model"]
    assert model["bytes"] == path.stat().st_size and model["path"] == str(path)
    assert [spec["name"] for spec in model["outputs"]] == ["dense", "conv1d"]
    assert model["inputs"][0]["axes"][0] == {"role": "batch", "size": "batch"}


def test_a_model_takes_weights_and_fixes(lamina: Run, net: Net, tmp_path: Path, client: lm.Client) -> None:
    path = tmp_path / "m.onnx"
    assert lamina("export", net(SUM), "-o", path, "--weights", saved(tmp_path, "w.npz", **ONES)).code == 0
    assert path.read_bytes() == bytes(client.export(SUM, weights=ONES))
    vector = net(lm.Stack([lm.Input((68,)), lm.Conv1D(2, 3)]))
    assert lamina("export", vector, "-o", path).code == 3
    assert lamina("export", vector, "-o", path, "--fix", 1).code == 0


def test_what_cannot_be_written(lamina: Run, net: Net, tmp_path: Path) -> None:
    ran = lamina("export", net(HAR), "-o", tmp_path / "none" / "m.onnx")
    assert ran.code == 1
    assert ran.err == f"error: {tmp_path / 'none' / 'm.onnx'}: No such file or directory\n"
    error = lamina("export", net(HAR), "-o", tmp_path, "--json").data["error"]
    assert error["exit_code"] == 1 and "Is a directory" in error["message"]


def test_a_pipe_stays_a_pipe(lamina: Run, net: Net, tmp_path: Path, client: lm.Client) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert lamina("export", net(SUM), "-o", pipe).code == 0
    assert os.read(reader, 65_536) == bytes(client.export(SUM))
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
