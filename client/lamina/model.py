"""An exported ONNX model."""

import os
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from lamina.errors import InternalError
from lamina.render.words import bytes_
from lamina.specs import TensorSpec
from lamina.v1 import service_pb2


@dataclass(frozen=True, repr=False)
class Model:
    """An ONNX model: `bytes(model)`, or `model.save(path)`.

    `sha256` is of those bytes, in hex; `opset` the version of ONNX's default operator set, `ir_version` of its file
    format; `inputs` and `outputs` are what it takes and returns.
    """

    data: bytes
    sha256: str
    opset: int
    ir_version: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    @classmethod
    def from_parts(cls, info: service_pb2.ModelInfo, data: bytes) -> "Model":
        """From what the server sent. Raises InternalError where the bytes are not those that were announced."""
        if len(data) != info.size_bytes or sha256(data).hexdigest() != info.sha256:
            raise InternalError(
                f"The model came damaged: {len(data)} bytes of {info.size_bytes}, or another SHA-256 than announced.",
                reason="MODEL_DAMAGED",
            )
        return cls(
            data=data,
            sha256=info.sha256,
            opset=info.opset,
            ir_version=info.ir_version,
            inputs=tuple(map(TensorSpec.from_proto, info.inputs)),
            outputs=tuple(map(TensorSpec.from_proto, info.outputs)),
        )

    def save(self, path: "str | os.PathLike[str]") -> Path:
        """Writes the model to a file, whole or not at all, and returns its path. Raises OSError as files do."""
        target = Path(path)
        if target.exists() and not target.is_file():  # a pipe or a device is written to, never replaced
            target.write_bytes(self.data)
            return target
        draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
        try:
            with draft.open("xb") as file:
                file.write(self.data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        return target

    def __bytes__(self) -> bytes:
        return self.data

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return f"Model({bytes_(len(self.data))}, opset {self.opset}, sha256 {self.sha256[:12]}...)"
