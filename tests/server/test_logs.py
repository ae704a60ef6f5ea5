"""Log lines: JSON, one each, never in the way of a call."""

import io
import json
import logging
import platform
import subprocess
import sys
import threading
from datetime import datetime

import pytest

from lamina_server.services import logs
from lamina_server.services.calls import Call
from lamina_server.services.logs import JsonFormatter, LineWriter, call_line


class StuckStream(io.StringIO):
    """A reader that does not read until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.released = threading.Event(), threading.Event()

    def write(self, text: str) -> int:
        self.reached.set()
        assert self.released.wait(20)
        return super().write(text)


def test_lines_are_written_in_order_and_the_last_ones_too() -> None:
    stream = io.StringIO()
    writer = LineWriter(stream)
    for number in range(1000):
        writer.write(str(number))
    writer.close()
    assert stream.getvalue().split() == [str(number) for number in range(1000)]


def test_a_stuck_reader_holds_nobody_up_and_lost_lines_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_PENDING_LINES", 10)
    stream = StuckStream()
    writer = LineWriter(stream)
    writer.write('"first"')
    assert stream.reached.wait(10)
    for number in range(25):
        writer.write(str(number))
    writer.close(timeout=0)  # returns although the reader is stuck
    stream.released.set()
    writer.close()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert lines[0] == "first" and lines[1:11] == list(range(10))
    assert lines[11]["message"] == "15 log lines dropped"


@pytest.mark.parametrize("stack_id", ['a"b\\\n\x00', "é🙂", "x" * 100, ""])
def test_a_calls_line_is_json_whatever_the_stack_is_called(stack_id: str) -> None:
    call = Call("lamina.v1.LaminaService/Infer", "abc")
    call.stack_id = stack_id
    with call.stage("run"), call.stage("encode"):
        pass
    line = call_line(call, "OK", 0.0123456)
    entry = json.loads(line)
    assert "\n" not in line and entry["stack_id"] == stack_id[:64]
    assert entry["milliseconds"] == 12.346 and list(entry["stages"]) == ["run", "encode"] and "reason" not in entry
    assert datetime.fromisoformat(entry["time"]).tzinfo is not None


def test_other_lines_are_json_with_their_traceback() -> None:
    try:
        raise ValueError("one\ntwo")
    except ValueError:
        record = logging.LogRecord("lamina_server", logging.ERROR, "", 0, "failed: %s", ('"x"',), sys.exc_info())
    line = JsonFormatter().format(record)
    entry = json.loads(line)
    assert "\n" not in line and (entry["level"], entry["message"]) == ("error", 'failed: "x"')
    assert "ValueError: one\ntwo" in entry["traceback"]


def test_malloc_is_told_to_keep_memory_where_it_is_glibcs() -> None:
    script = "from lamina_server.allocator import keep_message_memory; print(keep_message_memory())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(platform.libc_ver()[0] == "glibc")
