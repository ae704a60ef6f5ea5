"""Small helpers for names that people typed."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache


def close_names(name: str, known: Iterable[str], most: int) -> list[str]:
    """The known names most like one that is not, the likest first.

    Compared are the ends of at most 500 names, the latest: the time grows with the product of the lengths, and names
    of two letters that repeat make it grow faster.
    """
    ends = {item[-40:]: item for item in list(known)[-500:]}
    return [ends[end] for end in get_close_matches(name[-40:], ends, n=most)]


def nearest(name: str, known: Iterable[str]) -> str:
    """What somebody may have meant by a name that is not known: the end of a sentence."""
    names = list(known)
    close = close_names(name, names, 3)
    if close:
        return "did you mean " + " or ".join(f'"{item}"' for item in close) + "?"
    if not names:
        return "there are none."
    shown = ", ".join(f'"{item}"' for item in names[:8])
    return f"there {'is' if len(names) == 1 else 'are'} {shown}{', ...' if len(names) > 8 else '.'}"


def brief(name: str) -> str:
    """A whole name, "res1/conv2d", with its middle left out where it is long."""
    return name if len(name) <= 128 else f"{name[:60]}...{name[-60:]}"


def shortened(text: str) -> str:
    """A hostile or long text made safe to print: escaped, cut, in quotes."""
    shown = ascii(text[:60])[1:-1]
    return f'"{shown}{"..." if len(text) > 60 else ""}"'


@cache
def snake_case(title: str) -> str:
    """`MaxPooling1D` -> `max_pooling1d`, as Keras names its layers."""
    parted = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", title)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", parted).lower()
