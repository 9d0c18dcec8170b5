"""Words from a registry, shown as they are."""

import re

_ANYWHERE = re.compile(r"([\\`*_{}\[\]<>$:&~|])")
_AT_THE_START = re.compile(r"^(\d*)([.)](?=\s|$)|(?<!\d)[#+\-])")


def literal(text: str) -> str:
    """Text in which nothing is Markdown, LaTeX, HTML, an icon or an image."""
    return _AT_THE_START.sub(r"\1\\\2", _ANYWHERE.sub(r"\\\1", " ".join(str(text).split())))


def is_plain(text: str) -> bool:
    """Whether a text reads the same where Markdown is understood."""
    return literal(text) == text
