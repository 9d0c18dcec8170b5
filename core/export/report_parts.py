"""What a report is made of: headings, paragraphs, lists, links, figures and tables, in order."""

from dataclasses import dataclass, field

from core.errors import NotEstimable
from core.export.figures import Figure


@dataclass(frozen=True)
class Heading:
    text: str
    level: int = 1


@dataclass(frozen=True)
class Paragraph:
    """``notice``: to be set off, because it changes how the rest is read. ``leads``: to stay with what follows it."""

    text: str
    notice: bool = False
    leads: bool = False


@dataclass(frozen=True)
class Items:
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Link:
    text: str
    address: str


@dataclass(frozen=True, eq=False)
class Report:
    """``parts``: Heading, Paragraph, Items, Link, Figure and Table in order. ``mark``: what the data say of themselves."""

    title: str
    mark: str
    parts: list = field(default_factory=list)

    def add(self, *parts) -> None:
        self.parts.extend(parts)

    @property
    def figures(self) -> list[Figure]:
        return [part for part in self.parts if isinstance(part, Figure)]


def or_reason(make) -> list:
    """The part or parts that ``make()`` gives, or the reason why it cannot be estimated."""
    try:
        made = make()
    except NotEstimable as reason:
        return [Paragraph(str(reason))]
    return made if isinstance(made, list) else [made]
