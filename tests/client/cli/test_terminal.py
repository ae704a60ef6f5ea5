"""On a terminal: colours, and nothing wider than it; without one, or with NO_COLOR: plain."""

import re
from collections.abc import Callable

import pytest

from tests.client.cli.conftest import HAR, Q2, Net, Run

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LONG = """\
layers:
  - Input: [128, 9]
  - Conv1D: {filters: 100, kernel_size: 10, activation: relu, name: a_convolution_with_a_rather_long_name_of_its_own}
  - MaxPooling1D: {pool_size: 2, strides: 2, padding: same, name: and_a_pool_that_has_one_too_so_that_nothing_fits}
"""

OnTerminal = Callable[..., str]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_lines_keep_to_the_width(on_terminal: OnTerminal, net: Net, width: int) -> None:
    seen = on_terminal("trace", net(LONG), "--fix", "1", width=width)
    plain = ESCAPE.sub("", seen)
    assert "\x1b[" in seen
    assert max(map(len, plain.splitlines())) <= width
    joined = re.sub(r"\s+", "", plain)  # folded, never cut
    assert "a_convolution_with_a_rather_long_name_of_its_own" in joined and "128-10+1=119" in joined


def test_one_line_a_layer_where_there_is_room(on_terminal: OnTerminal, net: Net) -> None:
    wide, narrow = (ESCAPE.sub("", on_terminal("trace", net(HAR), width=width)) for width in (140, 80))
    assert re.search(r"conv1d .*Conv1D\(100, 10.*batch, 119 steps, 100 ch +9 100 +steps 128", wide)
    assert "  conv1d  Conv1D(100, 10" in narrow
    assert re.search(r"\n {6}batch, 119 steps, 100 ch +9 100 +steps 128 - 10 \+ 1 = 119\n", narrow)
    for text in (wide, narrow):
        assert "total  9 706 parameters, 1.07 M multiply-adds per sample" in text


def test_an_error_in_colour(on_terminal: OnTerminal, net: Net) -> None:
    seen = on_terminal("trace", net(Q2), width=80)
    assert "\x1b[1m\x1b[31merror: " in seen or "\x1b[1;31merror: " in seen
    lines = [line.rstrip() for line in ESCAPE.sub("", seen).splitlines()]
    first = lines.index("  1  68 moments of one signal: put Reshape((68, 1)) before it")
    assert lines[first + 1] == "     convLayer: batch, 68 steps, 64 channels"


def test_no_color_is_plain(on_terminal: OnTerminal, net: Net) -> None:
    seen = on_terminal("trace", net(Q2), NO_COLOR="1")
    assert ESCAPE.sub("", seen) == seen


def test_markup_is_text(on_terminal: OnTerminal, net: Net) -> None:
    path = net(HAR, "[bold]net[-bold].yaml")
    assert "[bold]net[-bold]  (input" in ESCAPE.sub("", on_terminal("trace", path))


def test_a_server_of_ones_own_is_waited_for(on_terminal: OnTerminal, net: Net) -> None:
    seen = on_terminal("trace", net(HAR), LAMINA_ADDRESS="")
    assert "Starting a server" in seen and "128 - 10 + 1 = 119" in seen


def test_pipes_are_plain_and_never_cut(program: Run, net: Net) -> None:
    ran = program("trace", net(LONG), COLUMNS="40", TERM="xterm-256color")
    assert ran.code == 0 and "\x1b" not in ran.out + ran.err
    row = next(line for line in ran.out.splitlines() if "a_convolution" in line)
    assert row.split()[0] == "a_convolution_with_a_rather_long_name_of_its_own" and row.endswith("= 119")
    kinds = program("kinds", COLUMNS="40").out.splitlines()
    assert all(line == line.rstrip() for line in kinds) and max(map(len, kinds)) > 80


def test_a_terminal_that_knows_ascii_only(program: Run, net: Net) -> None:
    ran = program("trace", net(HAR, "größe.yaml"), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ran.code == 0 and ran.out.startswith("gr\\xf6\\xdfe  (input")
