"""The command as a program: start-up, a server of its own, serving, interruption, completion."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lamina as lm
from lamina import files
from lamina_server.config import describe, version
from tests.client.cli.conftest import HAR, Q2, Net, Run, environment
from tests.support import ROOT

COMMAND = [sys.executable, "-m", "lamina.cli"]
# What a shell starts in the background ignores SIGINT, and so does all that it starts: this does not.
HEEDING_SIGINT = [
    sys.executable,
    "-c",
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])",
]


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from lamina.cli import main; code = main(['--help']);"
        "print(code, [name for name in ('grpc', 'numpy', 'google.protobuf', 'yaml') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(None), capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "0 []", done.stderr
    for word in ("serve", "trace", "infer", "export", "demo", "kinds", "Exit codes", "130"):
        assert word in done.stdout


def test_without_its_packages() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'client')!r}); from lamina.cli import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "The command line needs typer, rich, yaml: pip install 'lamina[cli]'\n"


def test_version(program: Run) -> None:
    ran = program("--version")
    assert ran.code == 0 and ran.out == f"lamina {version()}\n"


def test_a_server_of_its_own_ends_with_it(program: Run, net: Net, tmp_path: Path) -> None:
    ran = program("trace", net(HAR), address=None, TMPDIR=str(tmp_path))
    assert (ran.code, ran.err) == (0, "")
    assert "steps 128 - 10 + 1 = 119" in ran.out
    assert [path for path in tmp_path.iterdir() if path.name.startswith("lamina-")] == []


def test_serve_help_lists_every_setting(program: Run) -> None:
    ran = program("serve", "--help")
    assert (ran.code, ran.err) == (0, "")
    lines = [line.strip() for line in ran.out.splitlines()]
    for setting in describe():
        at = lines.index(f"{setting.variable}  {setting.default}")
        assert lines[at + 1] == setting.doc


def test_serve_until_told_to_stop(net: Net, tmp_path: Path) -> None:
    settings = {"LAMINA_PORT": "0", "LAMINA_HTTP_PORT": "0", "LAMINA_STORE_DIR": str(tmp_path / "store")}
    process = subprocess.Popen(
        [*COMMAND, "serve", "--json"],
        env=environment("127.0.0.1:1", **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    try:
        assert select.select([process.stdout], [], [], 30)[0]
        addresses = json.loads(process.stdout.readline())
        with lm.Client(addresses["grpc"]) as client:
            assert client.trace(HAR)["conv1d"].params == 9100
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert b"Traceback" not in said and b"LAMINA_ADDRESS" not in said


def test_serve_with_a_bad_setting(program: Run) -> None:
    ran = program("serve", LAMINA_PORT="many")
    assert ran.code == 2 and ran.out == ""
    assert "LAMINA_PORT is 'many'" in ran.err and "Traceback" not in ran.err


def test_serve_where_the_server_is_not_installed() -> None:
    hidden = (
        "import sys, importlib.abc\n"
        "class Hidden(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'pydantic_settings': raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
        "from lamina.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    for words, code in ((["serve"], 1), (["serve", "--help"], 0)):
        done = subprocess.run(
            [sys.executable, "-c", hidden, *words], env=environment(None), capture_output=True, text=True, timeout=60
        )
        assert done.returncode == code
        assert "there is no pydantic_settings" in done.stdout + done.stderr
        assert "pip install 'lamina[server,cpu]'" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_interrupted(tmp_path: Path, server: lm.LocalServer, words: tuple[str, ...]) -> None:
    pipe = tmp_path / "stack.yaml"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [*HEEDING_SIGINT, *COMMAND, "trace", str(pipe), *words],
        env=environment(server.address),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with pipe.open("w"):  # returns when the command has opened the other end, and waits there
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err


def test_a_reader_that_goes_away(net: Net, server: lm.LocalServer) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*COMMAND, "kinds"], env=environment(server.address), stdout=write, stderr=subprocess.PIPE, timeout=60
    )
    os.close(write)
    assert done.returncode == 1 and b"Traceback" not in done.stderr


def test_completion(program: Run) -> None:
    def completed(*words: str) -> list[str]:
        ran = program(
            _LAMINA_COMPLETE="complete_bash", COMP_WORDS=" ".join(["lamina", *words]), COMP_CWORD=str(len(words))
        )
        return ran.out.split()

    assert completed("tr") == ["trace"]
    assert completed("trace", "--ma") == ["--markdown"]
    assert completed("kinds", "Depth") == ["DepthwiseConv1D", "DepthwiseConv2D", "DepthwiseConv3D"]


def test_demo(program: Run, tmp_path: Path) -> None:
    ran = program("demo", "--output", tmp_path / "demo", address=None, TMPDIR=str(tmp_path))
    assert (ran.code, ran.err) == (0, "")
    for words in (
        'Q1  Why did padding="same" halve my sequence?', "ceil(128 / 2) = 64", "With fix 1: 68 moments of one signal",
        "receptive field: steps 17 (jump 1)", "128 - 10 + 1 = 119", "batch, 119 steps, 900 ch", "819 200", "51 200",
        "warning on conv1d: there is 1 step", "[ 35.  35.  35.]", "[110. 110. 110.]", "activity.onnx",
        "global_average_pooling1d  2 x 16",
    ):  # fmt: skip
        assert words in ran.out, words
    assert [f"Q{n}" for n in range(1, 8)] == [line[:2] for line in ran.out.splitlines() if line[:1] == "Q"]
    assert {path.name for path in (tmp_path / "demo").iterdir()} >= {"activity.onnx", "activity.yaml", "min-ndim.yaml"}
    assert [path for path in tmp_path.iterdir() if path.name.startswith("lamina-")] == []
    address = ran.out.split()[3].rstrip(":")
    with lm.Client(address, timeout=20) as client, pytest.raises(lm.UnavailableError):
        client.info()


def test_demo_in_json_and_its_model_runs(lamina: Run, net: Net, tmp_path: Path) -> None:
    data = lamina("demo", "-o", tmp_path, "--json").data
    assert [len(question["cases"]) for question in data["questions"]] == [1, 1, 1, 3, 2, 4, 1]
    refused = data["questions"][1]["cases"][0]
    assert refused["error"]["layer"] == "convLayer" and refused["fixed"].startswith("68 moments")
    checked = [case["difference_from_numpy"] for question in data["questions"] for case in question["cases"]]
    assert len([one for one in checked if one is not None and one < 1e-4]) == 3
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(data["model"]["path"], providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {"input": np.zeros((2, 128, 9), np.float32)})
    assert output.shape == (2, 119, 100)


def test_the_files_of_the_demo_are_what_it_asked(lamina: Run, tmp_path: Path) -> None:
    assert lamina("demo", "-o", tmp_path).code == 0
    assert lamina("trace", tmp_path / "min-ndim.yaml").code == 3
    assert lamina("trace", tmp_path / "min-ndim.yaml", "--fix", 1).code == 0
    assert files.load(tmp_path / "min-ndim.yaml") == Q2
