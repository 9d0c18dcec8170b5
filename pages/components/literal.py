"""Words from a registry, shown as they are."""

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:&])")


def literal(text: str) -> str:
    """Text in which nothing is Markdown, LaTeX, HTML, an icon or an image."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def is_plain(text: str) -> bool:
    """Whether a text reads the same where Markdown is understood."""
    return not re.search(r"[\\`*_{}\[\]#|~<>$:&!]", text)
