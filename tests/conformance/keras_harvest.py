"""The calls that Keras' own tests make of its layers: the tests that its wheel brings are run, and the calls kept.

Nothing is asserted by them here: what counts is which options and which inputs Keras' own authors found worth a test.
`run_layer_test`, which trains and saves besides, only calls; training and saving are skipped.
"""

import contextlib
import importlib
import inspect
import io
import re
import unittest
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import MethodType
from typing import Any
from unittest import mock

import numpy as np

from tests.conformance.keras_call import LAYERS, Call, keras, numpy, torch, tree

FOLDERS: tuple[str, ...] = ("activations", "attention", "convolutional", "core", "merging", "normalization", "pooling")
FOLDERS += ("regularization", "reshaping", "rnn")
_MOST = 64  # calls kept of one test
_NOT_OURS = re.compile("quanti|int4|int8|float8|lora|gptq|awq|legacy|saving|serializ", re.I)  # and the slowest of all


def files() -> list[str]:
    """Names of the test modules, such as "reshaping.permute_test"."""
    root = Path(str(keras.__file__)).parent / "src" / "layers"
    return [f"{folder}.{path.stem}" for folder in FOLDERS for path in sorted((root / folder).glob("*_test.py"))]


def calls(module: str) -> Iterator[tuple[str, Call]]:
    """What the tests of one module call, with the test's name."""
    kept: list[tuple[str, Call]] = []
    with _recording(kept):
        keras.utils.set_random_seed(1)
        try:
            loaded = importlib.import_module(f"{LAYERS}.{module}")
        except ImportError:  # it wants TensorFlow, or pytest's own modules: keras_grid.py has these classes
            return
        for test in _tests(unittest.defaultTestLoader.loadTestsFromModule(loaded)):
            if not _NOT_OURS.search(test.id().rpartition(".")[2]):
                test.run(_Result(kept))
    yield from kept


def _tests(suite: Any) -> Iterator[unittest.TestCase]:
    for item in suite:
        yield from _tests(item) if isinstance(item, unittest.TestSuite) else (item,)


class _Result(unittest.TestResult):
    """Notes which test is running."""

    def __init__(self, kept: list[tuple[str, Call]]) -> None:
        super().__init__()
        self.kept = kept

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802 - unittest's name
        super().startTest(test)
        _Recorder.test, _Recorder.left = test.id().rpartition(".")[2], _MOST


class _Recorder:
    """Keeps the outermost calls of Keras' own layers with numbers."""

    test, left = "", 0

    def __init__(self, kept: list[tuple[str, Call]], original: Any) -> None:
        self.kept, self.original, self.depth = kept, original, 0

    def __call__(self, layer: Any, *args: Any, **named: Any) -> Any:
        if self.depth == 0:
            self._keep(layer, args, named)
        self.depth += 1
        try:
            return self.original(layer, *args, **named)
        finally:
            self.depth -= 1

    def __get__(self, layer: Any, _: Any = None) -> Any:
        return self if layer is None else MethodType(self, layer)

    def _keep(self, layer: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        module, cls = type(layer).__module__, type(layer)
        if not module.startswith(LAYERS) or module.endswith("_test") or _Recorder.left <= 0:
            return
        with contextlib.suppress(Exception):  # what cannot be written down cannot be made again
            call = _written(cls, layer, args, named)
            _Recorder.left -= 1
            self.kept.append((_Recorder.test, call))


def _written(cls: Any, layer: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Call:
    first = next(iter(inspect.signature(layer.call).parameters), "")
    if not args and first in named:
        args, named = (named[first],), {key: value for key, value in named.items() if key != first}
    listed = bool(args) and isinstance(args[0], list | tuple)
    given = [_array(item) for item in (args[0] if listed else args)]
    rest = list(args[1:]) if listed else []
    if rest:
        raise ValueError("more than a list")
    kept = {}
    for name, value in named.items():
        if name == "training" or value is None:
            continue
        kept[name] = value if isinstance(value, bool | int | float | str) else tree.map_structure(_array, value)
    return Call(cls, layer.get_config(), tuple(given), kept, listed)


def _array(value: Any) -> Any:
    if isinstance(value, keras.KerasTensor):
        raise TypeError("no numbers")
    array = np.asarray(numpy(value) if torch.is_tensor(value) else value)
    if array.dtype == object:
        raise TypeError("no tensor")
    if array.dtype.kind == "f" and array.size > 1 and np.ptp(array.astype(np.float64)) == 0:  # all alike hides errors
        drawn: Any = np.random.default_rng(array.size).standard_normal(array.shape).astype(array.dtype)
        return drawn
    return array.astype(np.float32) if array.dtype == np.float64 else array


@contextlib.contextmanager
def _recording(kept: list[tuple[str, Call]]) -> Iterator[None]:
    cases = importlib.import_module("keras.src.testing").TestCase
    base = importlib.import_module(f"{LAYERS}.layer").Layer
    skipped = mock.Mock(side_effect=unittest.SkipTest("no training, no files"))
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(base, "__call__", _Recorder(kept, base.__call__)))
        stack.enter_context(mock.patch.object(cases, "run_layer_test", _only_called))
        stack.enter_context(mock.patch("pytest.mark", _Marks()))
        for name in ("fit", "train_on_batch", "save", "save_weights", "export"):
            stack.enter_context(mock.patch.object(keras.Model, name, skipped))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        yield


class _Marks:
    """Stands in for pytest's marks, which are Keras' own and unknown here."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **named: (
            args[0] if len(args) == 1 and not named and callable(args[0]) else lambda test: test
        )


def _only_called(
    self: Any,
    layer_cls: Any,
    init_kwargs: Any = None,
    input_shape: Any = None,
    input_dtype: Any = None,
    input_sparse: bool = False,
    input_ragged: bool = False,
    input_data: Any = None,
    call_kwargs: Any = None,
    **expected: Any,
) -> None:
    """Stands in for Keras' run_layer_test: makes the layer and the inputs, and calls it once."""
    if input_sparse or input_ragged or (input_shape is None and input_data is None):
        return
    if input_data is None:
        tests = importlib.import_module("keras.src.testing.test_case")
        types = input_dtype or tree.map_shape_structure(lambda _: "float32", input_shape)
        input_data = tests.create_eager_tensors(input_shape, types, False, False)
    layer = layer_cls(**(init_kwargs or {}))
    if isinstance(input_data, dict):
        layer(**input_data, **(call_kwargs or {}))
    else:
        layer(input_data, **(call_kwargs or {}))
