"""What goes wrong: exit codes, words on the standard error, JSON on the standard output, never a traceback."""

import json
import socket
import threading
from pathlib import Path

import pytest

import lamina as lm
from lamina.cli import main
from lamina.cli.reporting import CANNOT, EXIT_CODES, LATER, REFUSED, exit_code
from lamina.errors import BY_CODE
from tests.client import samples
from tests.client.cli.conftest import HAR, Q2, Net, Run
from tests.client.fakes import FakeServer, reason, refuse


def test_every_error_has_a_documented_code() -> None:
    codes = {name: exit_code(kind("x", reason="SAID")) for name, kind in BY_CODE.items()}
    assert codes == {
        "INVALID_ARGUMENT": REFUSED, "NOT_FOUND": REFUSED, "ALREADY_EXISTS": REFUSED, "FAILED_PRECONDITION": REFUSED,
        "OUT_OF_RANGE": REFUSED, "RESOURCE_EXHAUSTED": LATER, "UNAVAILABLE": LATER, "ABORTED": LATER,
        "DEADLINE_EXCEEDED": LATER, "CANCELLED": LATER, "DATA_LOSS": CANNOT, "PERMISSION_DENIED": CANNOT,
        "UNAUTHENTICATED": CANNOT, "UNIMPLEMENTED": CANNOT, "INTERNAL": CANNOT,
    }  # fmt: skip
    assert set(codes.values()) <= EXIT_CODES.keys()
    assert exit_code(lm.ServerStartError("x", reason="SERVER_START")) == CANNOT
    assert exit_code(lm.UnavailableError("nobody answers")) == CANNOT


def test_no_server(lamina: Run, net: Net) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        held_port = held.getsockname()[1]
    ran = lamina("trace", net(HAR), "--address", f"127.0.0.1:{held_port}", "--timeout", 20)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"error: No Lamina server answers at 127.0.0.1:{held_port}")
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("code", "expected"), [("RESOURCE_EXHAUSTED", 4), ("UNAVAILABLE", 4), ("INTERNAL", 1), ("NOT_FOUND", 3)]
)
def test_what_a_server_says(lamina: Run, net: Net, fake: FakeServer, code: str, expected: int) -> None:
    fake.answers["Trace"] = lambda _, context: refuse(context, code, "Said by the server.", reason("SAID", number="7"))
    ran = lamina("trace", net(HAR), "-a", fake.address)
    assert (ran.code, ran.out) == (expected, "")
    assert ran.err.startswith("error: Said by the server.\n")
    error = lamina("trace", net(HAR), "-a", fake.address, "--json").data["error"]
    assert (error["code"], error["reason"], error["exit_code"]) == (code, "SAID", expected)
    assert error["details"] == {"number": "7"} and error["request_id"]


def test_out_of_time(lamina: Run, net: Net, fake: FakeServer) -> None:
    over = threading.Event()
    fake.answers["Trace"] = lambda *_: over.wait(20)
    path = net(HAR)
    ran = lamina("trace", path, "-a", fake.address, "--timeout", 0.2)
    over.set()
    assert ran.code == 4
    assert f"try: lamina trace {path} --address {fake.address} --timeout 0.4\n" in ran.err


def test_an_error_in_json(lamina: Run, net: Net) -> None:
    ran = lamina("trace", net(Q2), "--json")
    assert (ran.code, ran.err) == (3, "")
    error = ran.data["error"]
    assert (error["code"], error["reason"], error["layer"]) == ("INVALID_ARGUMENT", "RANK_MISMATCH", "convLayer")
    assert error["field"] == "stack.layers[1].conv" and error["kind"] == "Conv1D"
    assert [fix["number"] for fix in error["fixes"]] == [1, 2, 3]
    assert error["fixes"][0]["stack_edits"][0]["insertLayer"]["index"] == 1
    assert error["fixes"][0]["array_edits"] == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("layers: [\n", "this is no YAML"),
        ("layers:\n  - Conv1d: 3\n", "Did you mean 'Conv1D'"),
        ("a: &a [x]\nlayers: [*a, *a]\n", "aliases"),
        ("layers: !!python/name:os.system\n", "tags"),
        ("layers: []\n", "stack"),
        ("layers:\n  - Input: [4]\n  - Dense: {units: 2, inputs: [nobody]}\n", "nobody"),
    ],
)
def test_broken_files(lamina: Run, net: Net, content: str, says: str) -> None:
    ran = lamina("trace", net(content, "broken.yaml"))
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("error: ") and says in ran.err and "Traceback" not in ran.err
    assert lamina("trace", net(content), "--json").data["error"]["exit_code"] == 3


def test_files_that_are_not_there(lamina: Run, tmp_path: Path) -> None:
    ran = lamina("trace", tmp_path / "none.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert "No such file or directory" in " ".join(ran.err.replace("│", " ").split())
    assert lamina("trace", tmp_path).code == 2  # a folder
    assert lamina("trace").code == 2


def test_an_address_that_is_none(lamina: Run, net: Net) -> None:
    ran = lamina("trace", net(HAR), "--address", "http://localhost:8500")
    assert ran.code == 2 and "host:port" in " ".join(ran.err.replace("│", " ").split())


def test_wrong_commands_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["trace", "--json", "--nonsense"], ["infer", "x.yaml", "--json"], ["nonsense", "--json"]):
        assert main(words) == 2
        said = capsys.readouterr()
        error = json.loads(said.out)["error"]
        assert (error["reason"], error["exit_code"], said.err) == ("USAGE", 2, "")
        assert error["message"]


def test_codes_come_out_of_main(capsys: pytest.CaptureFixture[str], net: Net, server: lm.LocalServer) -> None:
    assert main(["trace", str(net(HAR)), "-a", server.address]) == 0
    assert main(["trace", str(net(HAR)), "-a", server.address, "--json"]) == 0
    assert main(["trace", str(net(Q2)), "-a", server.address]) == 3
    assert main(["trace", str(net(Q2)), "-a", server.address, "--json"]) == 3
    assert main(["trace"]) == 2
    assert main(["--help"]) == 0
    assert "Traceback" not in capsys.readouterr().err


HOSTILE = "[bold red]x[-]\x1b[31m\x07\u202e"


def test_hostile_names_are_shown_as_text(lamina: Run, net: Net, tmp_path: Path) -> None:
    stack = net(
        lm.Stack([lm.Input((4,), name=HOSTILE), lm.Dense(2, name="[link=http://x]d[/link]")]), f"{HOSTILE}.yaml"
    )
    for words in (("trace", stack), ("trace", stack, "--layer", HOSTILE), ("export", stack, "-o", tmp_path / "m")):
        ran = lamina(*words)
        assert ran.code == 3
        assert "\x1b" not in ran.err and "\x07" not in ran.err and "\u202e" not in ran.err
        assert "[bold red]x[-]" in ran.err


def test_a_hostile_server_is_shown_as_text(lamina: Run, net: Net, fake: FakeServer) -> None:
    trace = samples.har()
    trace.layers[1].name = HOSTILE
    trace.layers[1].explanation = f"{HOSTILE}\n{HOSTILE}"
    trace.layers[1].notes[0].text = HOSTILE
    answer = fake.answers["Trace"]
    fake.answers["Trace"] = lambda *_: type(answer(None, None))(trace=trace)  # type: ignore[arg-type]
    for words in ((), ("--explain",), ("--markdown",), ("--layer", HOSTILE)):
        ran = lamina("trace", net(HAR), "-a", fake.address, *words)
        assert ran.code == 0
        assert not {"\x1b", "\x07", "\u202e"} & {*ran.out}
        assert "bold red" in ran.out


def test_a_hostile_file_name_in_a_usage_error(lamina: Run, tmp_path: Path) -> None:
    ran = lamina("trace", tmp_path / f"{HOSTILE}.yaml")
    assert ran.code == 2
    assert not {"\x1b", "\x07", "\u202e"} & {*ran.err}
