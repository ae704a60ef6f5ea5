"""The server: shapes with reasons, ONNX, outputs. README.md is the map."""
