"""Read a Dockerfile's stages and instructions, as far as questions about them need it; heredocs are not understood."""

import re
import shlex
from dataclasses import dataclass, field
from typing import Self


@dataclass
class Stage:
    """One stage: the image or stage it starts from, and its instructions as (KEYWORD, arguments) in order."""

    base: str
    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def arguments(self, keyword: str) -> list[str]:
        """Return the arguments of every instruction of one keyword, in order."""
        return [arguments for found, arguments in self.instructions if found == keyword]

    def pairs(self, keyword: str) -> dict[str, str]:
        """Return what ENV, ARG or LABEL instructions set; a later value wins."""
        words = [word for arguments in self.arguments(keyword) for word in shlex.split(arguments)]
        return dict(word.split("=", 1) for word in words if "=" in word)


@dataclass(frozen=True)
class Dockerfile:
    """A parsed Dockerfile: the ARGs before the first FROM, and the stages by name, in order."""

    arguments: dict[str, str]
    stages: dict[str, Stage]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``text``; raises ValueError for an instruction that is not one, or a FROM without a stage name."""
        head, stages = Stage("", ""), dict[str, Stage]()
        stage = head
        for keyword, arguments in _instructions(text):
            if keyword == "FROM":
                base, _as, name = arguments.split()
                stage = stages[name] = Stage(base, name)
            else:
                stage.instructions.append((keyword, arguments))
        return cls(head.pairs("ARG"), stages)

    def lineage(self, name: str) -> list[Stage]:
        """Return the stages that make up ``name``: from the one on the base image to itself."""
        stage = self.stages[name]
        return [*(self.lineage(stage.base) if stage.base in self.stages else []), stage]

    def final(self, name: str, keyword: str) -> str:
        """Return the arguments that hold in the image of stage ``name``: those of the last such instruction."""
        return [arguments for stage in self.lineage(name) for arguments in stage.arguments(keyword)][-1]

    def env(self, name: str) -> dict[str, str]:
        """Return the environment of the image of stage ``name``."""
        merged: dict[str, str] = {}
        for stage in self.lineage(name):
            merged |= stage.pairs("ENV")
        return merged


def _instructions(text: str) -> list[tuple[str, str]]:
    """Split into (KEYWORD, arguments): comment lines dropped, continuation lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    found = []
    for line in joined.splitlines():
        keyword, _, arguments = line.strip().partition(" ")
        if not re.fullmatch(r"[A-Z]+", keyword):
            raise ValueError(f"not an instruction: {line!r}")
        found.append((keyword, arguments.strip()))
    return found
