"""Faults that repair themselves: candidates for each reason, each tried before it is offered."""

from lamina_server.repair.arrays import check_arrays
from lamina_server.repair.stacks import repaired
from lamina_server.repair.steps import (
    ArrayStep,
    CastArray,
    DropAxis,
    ExpandArray,
    Fix,
    InBlock,
    InsertNode,
    MoveAxes,
    RemoveNode,
    ReplaceNode,
    SetLayout,
    StackStep,
    apply,
)

__all__ = [
    "ArrayStep",
    "CastArray",
    "DropAxis",
    "ExpandArray",
    "Fix",
    "InBlock",
    "InsertNode",
    "MoveAxes",
    "RemoveNode",
    "ReplaceNode",
    "SetLayout",
    "StackStep",
    "apply",
    "check_arrays",
    "repaired",
]
