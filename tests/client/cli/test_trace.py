"""`lamina trace`: what it prints, in every form, and fixes applied."""

from pathlib import Path

import pytest

import lamina as lm
from lamina import files
from tests.client.cli.conftest import HAR, Q2, Net, Run

TWO_INPUTS = lm.Stack(
    [lm.Input((4,), name="a"), lm.Input((4,), name="b"), lm.Add(inputs=["a", "b"], name="sum"), lm.Dense(2)]
)


def test_it_prints_what_print_prints(lamina: Run, net: Net, client: lm.Client) -> None:
    ran = lamina("trace", net(HAR, "har.yaml"))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == str(lm.Trace(client.trace(HAR).proto, "har")) + "\n"
    assert "steps 128 - 10 + 1 = 119" in ran.out


def test_the_standard_input(lamina: Run) -> None:
    assert lamina("trace", "-", stdin=HAR.to_json()).out == lamina("trace", "-", stdin=files.dump(HAR)).out


def test_one_layer(lamina: Run, net: Net, client: lm.Client) -> None:
    ran = lamina("trace", net(HAR), "--layer", "conv1d")
    for line in client.trace(HAR)["conv1d"].explanation.splitlines():
        assert f"  {line}\n" in ran.out
    assert "batch, 128 steps, 9 channels -> batch, 119 steps, 100 channels" in ran.out
    assert "weights: conv1d/kernel 10 x 9 x 100, conv1d/bias 100" in ran.out
    assert "receptive field: steps 10 (jump 1)" in ran.out
    assert "dense" not in ran.out


def test_notes_stand_below_a_layer(lamina: Run, net: Net) -> None:
    halved = lm.Stack([lm.Input((128, 1)), lm.Conv1D(32, 5, strides=2, padding="same")])
    assert "\n  note: PyTorch's Conv1d" in lamina("trace", net(halved), "--layer", "conv1d").out


def test_every_layer(lamina: Run, net: Net) -> None:
    ran = lamina("trace", net(HAR), "--explain")
    heads = [line.split()[0] for line in ran.out.splitlines() if line[:1].isalpha()]
    assert heads == ["input", "conv1d", "global_average_pooling1d", "dense"]


def test_layers_inside_others(lamina: Run, net: Net) -> None:
    block = lm.Stack([lm.Input((None, 9)), lm.Conv1D(4, 3)], name="b")
    nested = net(lm.Stack([lm.Input((128, 9)), lm.Block(block)]))
    assert "    conv1d  Conv1D(4, 3)" in lamina("trace", nested).out
    ran = lamina("trace", nested, "--explain")
    heads = [line.split()[0] for line in ran.out.splitlines() if line[:1].isalpha()]
    assert heads == ["input", "block", "block/conv1d"]
    assert "weights: block/conv1d/kernel 3 x 9 x 4" in lamina("trace", nested, "--layer", "block/conv1d").out
    (one,) = lamina("trace", nested, "--json", "--layer", "block/conv1d").data["trace"]["layers"]
    assert one["name"] == "block/conv1d"
    assert len(lamina("trace", nested, "--json", "--explain").data["trace"]["layers"]) == 2


def test_a_layer_that_is_not_there(lamina: Run, net: Net) -> None:
    ran = lamina("trace", net(HAR), "--layer", "conv")
    assert ran.code == 3 and ran.out == ""
    assert "Did you mean 'conv1d'?" in ran.err


def test_json(lamina: Run, net: Net, client: lm.Client) -> None:
    ran = lamina("trace", net(HAR), "--json")
    assert (ran.code, ran.err) == (0, "")
    assert [layer["name"] for layer in ran.data["trace"]["layers"]][1] == "conv1d"
    assert ran.data["trace"]["params"] == "9706"
    one = lamina("trace", net(HAR), "--json", "--layer", "dense").data["trace"]["layers"]
    assert [layer["name"] for layer in one] == ["dense"]


def test_markdown(lamina: Run, net: Net, client: lm.Client) -> None:
    ran = lamina("trace", net(HAR, "har.yaml"), "--markdown")
    assert ran.out == lm.Trace(client.trace(HAR).proto, "har").to_markdown() + "\n"
    one = lamina("trace", net(HAR), "--markdown", "--layer", "dense").out
    assert one.startswith("**dense** Dense(6,") and "\n- " in one and "|" not in one


def test_html_is_a_page_of_its_own(lamina: Run, net: Net, tmp_path: Path) -> None:
    page = tmp_path / "har.html"
    ran = lamina("trace", net(HAR, "<har>.yaml"), "--html", page)
    written = page.read_text()
    assert written.startswith("<!doctype html>") and "<title>&lt;har&gt;</title>" in written
    assert "<table" in written and "<har>" not in written
    assert f"written: {page}" in ran.err and "steps 128 - 10 + 1 = 119" in ran.out


def test_a_shape_that_fits(lamina: Run, net: Net) -> None:
    assert lamina("trace", net(HAR), "--shape", "2,128,9").code == 0
    assert lamina("trace", net(HAR), "--shape", "(2, 128, 9)").code == 0


def test_a_shape_that_does_not_fit_and_its_fix(lamina: Run, net: Net) -> None:
    path = net(HAR)
    ran = lamina("trace", path, "--shape", "128,9")
    assert ran.code == 3 and ran.out == ""
    assert "the batch axis is missing" in ran.err
    assert f"try: lamina trace {path} --shape 128,9 --fix 1\n" in ran.err
    fixed = lamina("trace", path, "--shape", "128,9", "--fix", "1")
    assert fixed.code == 0 and fixed.err.startswith("fix 1: ")


@pytest.mark.parametrize(
    "words",
    [
        ("--shape", "a=2,4", "--shape", "b=2,4"),
        ("--shape", "b=2,4", "--shape", "a=2,4"),
        ("--shape", "2,4", "--shape", "2,4"),
    ],
)
def test_shapes_of_several_inputs(lamina: Run, net: Net, words: tuple[str, ...]) -> None:
    assert lamina("trace", net(TWO_INPUTS), *words).code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--shape", "2,4"), "the stack has 2 inputs (a, b), and 1 given without a name"),
        (("--shape", "2,4", "--shape", "a=2,4"), "each has a name"),
        (("--shape", "a=2,4", "--shape", "a=2,4"), "given twice"),
        (("--shape", "two"), "is no shape"),
        (("--shape", "2,-4"), "is no shape"),
        (("--shape", ""), "is no shape"),
        (("--shape", f"{10**30},{10**30}"), "is no shape"),
        (("--markdown", "--json"), "choose one of"),
        (("--write", "x.yaml"), "give a --fix N"),
        (("--fix", "0"), "--fix"),
        (("--stack", "har"), "either a file or"),
    ],
)
def test_wrong_commands(lamina: Run, net: Net, words: tuple[str, ...], says: str) -> None:
    ran = lamina("trace", net(TWO_INPUTS), *words)
    assert ran.code == 2
    assert says in " ".join(ran.err.replace("│", " ").split())


def test_the_error_of_q2_reads_like_an_answer(lamina: Run, net: Net) -> None:
    path = net(Q2, "q2.yaml")
    ran = lamina("trace", path)
    assert ran.code == 3 and ran.out == ""
    lines = ran.err.splitlines()
    assert lines[0] == (
        "error: convLayer (Conv1D) needs batch, steps, channels. It gets batch, 68: one axis is missing."
    )
    assert lines[1].startswith("  1  68 moments of one signal: put Reshape((68, 1)) before it")
    assert lines[1].endswith("  convLayer: batch, 68 steps, 64 channels")
    assert lines[-3] == "at stack.layers[1].conv" and lines[-2].startswith("request ")
    assert lines[-1] == f"try: lamina trace {path} --fix 1"


def test_a_fix_is_applied_and_saved(lamina: Run, net: Net, tmp_path: Path) -> None:
    fixed = tmp_path / "fixed.yaml"
    ran = lamina("trace", net(Q2), "--fix", 1, "--write", fixed)
    assert ran.code == 0
    assert "fix 1: 68 moments of one signal" in ran.err and "Reshape((68, 1))" in ran.out
    assert files.load(fixed) == lm.Stack([Q2[0], lm.Reshape((68, 1)), Q2[1]])
    assert lamina("trace", fixed).code == 0


def test_a_file_is_overwritten_whole_with_its_rights(lamina: Run, net: Net) -> None:
    path = net(Q2)
    path.chmod(0o640)
    assert lamina("trace", path, "--fix", 1, "--write", path).code == 0
    assert path.stat().st_mode & 0o777 == 0o640
    assert len(files.load(path)) == 3
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_fix_in_json(lamina: Run, net: Net) -> None:
    data = lamina("trace", net(Q2), "--fix", 2, "--json").data
    assert data["fixes"] == [
        {
            "title": '68 features in no order: use Dense(64, activation="relu") instead',
            "outcome": "convLayer: batch, 64",
        }
    ]
    assert data["stack"]["layers"][1]["dense"]["units"] == "64"
    assert data["trace"]["layers"][1]["kind"] == "Dense"


def test_a_fix_for_each_fault(lamina: Run, net: Net) -> None:
    twice = lm.Stack([lm.Input((68,)), lm.Conv1D(64, 2), lm.Flatten(), lm.Conv1D(3, 2, name="second")])
    once = lamina("trace", net(twice), "--fix", 1)
    assert once.code == 3
    assert "error: second (Conv1D)" in once.err and "--fix 1 --fix 1" in once.err
    assert lamina("trace", net(twice), "--fix", 1, "--fix", 1).code == 0


def test_a_fix_that_is_not_offered(lamina: Run, net: Net) -> None:
    ran = lamina("trace", net(Q2), "--fix", 9)
    assert ran.code == 2
    assert "there are 3 fixes" in " ".join(ran.err.split())


def test_nothing_to_fix(lamina: Run, net: Net) -> None:
    ran = lamina("trace", net(HAR), "--fix", 1)
    assert ran.code == 0
    assert "nothing to fix" in ran.err and "total" in ran.out


def test_a_registered_stack(lamina: Run, client: lm.Client) -> None:
    client.register("cli-har", HAR, seed=0)
    assert lamina("trace", "--stack", "cli-har").out.startswith("cli-har  (input: batch, 128 steps")
    unknown = lamina("trace", "--stack", "cli-nobody")
    assert unknown.code == 3 and "cli-nobody" in unknown.err
    nowhere = lamina("trace", "--stack", "cli-har", env={"LAMINA_ADDRESS": None})
    assert nowhere.code == 2 and "--address" in nowhere.err
