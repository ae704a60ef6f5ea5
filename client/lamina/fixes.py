"""A change that makes a refused request legal, to be applied as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from lamina.edits import edit_array, edit_stack
from lamina.errors import InvalidArgumentError, UnknownNameError, suggest
from lamina.stack import Stack
from lamina.v1 import trace_pb2

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from lamina.typing import Array


@dataclass(frozen=True, eq=False, repr=False)
class Fix:
    """A change that the server tried before it was offered: of the stack, of the caller's array, or of both."""

    proto: trace_pb2.Fix

    @property
    def title(self) -> str:
        """What it means and what to do."""
        return self.proto.title

    @property
    def outcome(self) -> str:
        """Shape that results: "convLayer: batch, 68, 64"."""
        return self.proto.outcome

    @property
    def stack_edits(self) -> tuple[trace_pb2.StackEdit, ...]:
        """Changes of the stack, in order."""
        return tuple(self.proto.stack_edits)

    @property
    def array_edits(self) -> tuple[trace_pb2.ArrayEdit, ...]:
        """Changes of the caller's arrays, in order."""
        return tuple(self.proto.array_edits)

    @property
    def changes_stack(self) -> bool:
        """Whether `apply` has something to do."""
        return len(self.proto.stack_edits) > 0

    @property
    def changes_array(self) -> bool:
        """Whether `apply_to` has something to do."""
        return len(self.proto.array_edits) > 0

    def apply(self, stack: Stack) -> Stack:
        """The stack with this fix; the one given stays as it is, and layers keep their weights.

        Raises InvalidArgumentError where the fix changes the array, or was made for another stack.
        """
        if not self.changes_stack:
            raise InvalidArgumentError(
                f"This fix changes the array, not the stack ({self.title}): use fix.apply_to(x).", reason="ARRAY_FIX"
            )
        return edit_stack(stack, self.proto.stack_edits)

    @overload
    def apply_to(self, x: "Mapping[str, ArrayLike]") -> "dict[str, Array]": ...
    @overload
    def apply_to(self, x: "ArrayLike") -> "Array": ...
    def apply_to(self, x: "ArrayLike | Mapping[str, ArrayLike]") -> "Array | dict[str, Array]":
        """The caller's array with this fix, or its arrays where they are given by the Inputs' names.

        Raises InvalidArgumentError where the fix changes the stack, or does not fit the array.
        """
        import numpy as np

        if not self.changes_array:
            raise InvalidArgumentError(
                f"This fix changes the stack, not the array ({self.title}): use fix.apply(stack).", reason="STACK_FIX"
            )
        if isinstance(x, Mapping):
            return self._apply_by_name({name: np.asarray(array) for name, array in x.items()})
        names = {edit.name for edit in self.proto.array_edits}
        if len(names) > 1:
            wanted = ", ".join(f"{name!r}: ..." for name in sorted(names))
            raise InvalidArgumentError(
                f"This fix changes several arrays: give them by name, as {{{wanted}}}.", reason="SEVERAL_INPUTS"
            )
        array: Array = np.asarray(x)
        for edit in self.proto.array_edits:
            array = edit_array(array, edit)
        return array

    def _apply_by_name(self, arrays: "dict[str, Array]") -> "dict[str, Array]":
        for edit in self.proto.array_edits:
            name = edit.name or (next(iter(arrays)) if len(arrays) == 1 else "")
            if name not in arrays:
                raise UnknownNameError(f"No array is given for input {name!r}.{suggest(name, arrays, what='input')}")
            arrays[name] = edit_array(arrays[name], edit)
        return arrays

    def __repr__(self) -> str:
        return f"Fix({self.title!r}, {self.outcome!r})"

    def __str__(self) -> str:
        return f"{self.title}  {self.outcome}"
