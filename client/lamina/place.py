"""Where in the caller's values a conversion stands, so that its error can say so."""

from dataclasses import dataclass

from lamina.errors import InvalidArgumentError

_LONGEST = 60


@dataclass(frozen=True)
class Place:
    """An option of something: `where` is the layer as a person would call it, `field` the path inside it."""

    where: str
    field: str = ""

    def child(self, name: str) -> "Place":
        """The field of that name inside this one."""
        return Place(self.where, f"{self.field}.{name}" if self.field else name)

    def item(self, index: int) -> "Place":
        """The entry at an index of this field."""
        return Place(self.where, f"{self.field}[{index}]")

    def error(self, text: str, reason: str = "WRONG_TYPE") -> InvalidArgumentError:
        """An error whose message reads "where: field text"."""
        subject = f"{self.where}: {self.field}" if self.where and self.field else self.where or self.field
        return InvalidArgumentError(f"{subject} {text}", reason=reason, field=self.field)


def shown(value: object) -> str:
    """A value as Python writes it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
