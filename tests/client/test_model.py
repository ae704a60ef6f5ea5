"""Exported models, read and saved."""

from hashlib import sha256
from typing import Any

import pytest

import lamina as lm
from lamina.v1 import service_pb2
from tests.client import samples
from tests.client.clients import AnyClient
from tests.client.fakes import FakeServer

STACK = lm.Stack([lm.Input((4,)), lm.Dense(2)])


def test_export_reads_a_whole_model_and_checks_it(client: AnyClient, fake: FakeServer, tmp_path: Any) -> None:
    data = bytes(range(256)) * 10
    info = service_pb2.ModelInfo(
        size_bytes=len(data), sha256=sha256(data).hexdigest(), opset=22, ir_version=10,
        inputs=[samples.spec("input", features=4)], outputs=[samples.spec("dense", features=2)],
    )  # fmt: skip
    parts = [
        service_pb2.ExportResponse(info=info),
        *(service_pb2.ExportResponse(chunk=data[i : i + 1000]) for i in range(0, len(data), 1000)),
    ]
    fake.answers["Export"] = lambda *_: iter(parts)
    model = client.call("export", STACK, fetch=["dense"], seed=1)
    assert bytes(model) == data
    assert (model.opset, model.ir_version, len(model)) == (22, 10, len(data))
    assert model.outputs[0].shape == (None, 2)
    assert repr(model).startswith("Model(2.5 KiB, opset 22, sha256 ")
    assert model.save(tmp_path / "m.onnx").read_bytes() == data
    fake.answers["Export"] = lambda *_: iter(parts[:-1])
    with pytest.raises(lm.InternalError, match="came damaged: 2000 bytes of 2560"):
        client.call("export", STACK)


def test_saving_is_all_or_nothing(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = lm.Model(b"new", "", 22, 10, (), ())
    target = tmp_path / "m.onnx"
    target.write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            model.save(target)
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]
    assert target.read_bytes() == b"old"
    model.save(str(target))
    assert target.read_bytes() == b"new"
    with pytest.raises(FileNotFoundError):
        model.save(tmp_path / "no" / "m.onnx")
