"""`lamina kinds`: the catalogue."""

import lamina as lm
from tests.client.cli.conftest import Run


def test_the_list_names_every_constructor(lamina: Run, client: lm.Client) -> None:
    ran = lamina("kinds")
    assert (ran.code, ran.err) == (0, "")
    rows = dict(line.split(maxsplit=1) for line in ran.out.splitlines())
    assert len(rows) == len(client.kinds())
    assert rows["Conv1D/2D/3DTranspose"].startswith("Transposed")
    assert rows["Conv1D/2D/3D"].startswith("Convolution over 1, 2 or 3 axes")
    assert "LSTM" in rows and "Flatten" in rows


def test_one_kind_by_any_of_its_names(lamina: Run) -> None:
    ran = lamina("kinds", "Conv1D")
    for name in ("Conv1D", "conv2d", "conv", "Conv"):
        assert lamina("kinds", name) == ran
    assert ran.code == 0
    assert ran.out.startswith("Conv1D/2D/3D\n")
    assert "  kernel_size    required  window length" in ran.out
    assert "steps 128 - 10 + 1 = 119" in ran.out  # its example, traced
    assert "\nONNX: " in ran.out


def test_a_kind_that_is_not_there(lamina: Run) -> None:
    ran = lamina("kinds", "Conf1D")
    assert ran.code == 2
    assert "Did you mean 'Conv1D'" in " ".join(ran.err.replace("│", " ").split())


def test_json(lamina: Run, client: lm.Client) -> None:
    data = lamina("kinds", "--json").data["kinds"]
    assert [kind["name"] for kind in data] == [kind.name for kind in client.kinds()]
    (dense,) = lamina("kinds", "Dense", "--json").data["kinds"]
    assert dense["constructors"] == ["Dense"] and dense["options"][0]["name"] == "units"
    assert dense["example"]["layers"] and dense["example_trace"]["params"] == "606"
