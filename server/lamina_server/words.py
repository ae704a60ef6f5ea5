"""Small helpers for names that people typed."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """What somebody may have meant by a name that is not known: the end of a sentence."""
    names = list(known)
    close = get_close_matches(name[:128], names, n=3)
    if close:
        return "did you mean " + " or ".join(f'"{item}"' for item in close) + "?"
    if not names:
        return "there are none."
    shown = ", ".join(f'"{item}"' for item in names[:8])
    return f"there {'is' if len(names) == 1 else 'are'} {shown}{', ...' if len(names) > 8 else '.'}"


def shortened(text: str) -> str:
    """A hostile or long text made safe to print: escaped, cut, in quotes."""
    shown = ascii(text[:60])[1:-1]
    return f'"{shown}{"..." if len(text) > 60 else ""}"'
