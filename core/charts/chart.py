"""What a chart is: a Vega-Lite specification with its data beside it, and the same in words.

The specification is written once for each layout and reused; everything that a filter can change travels as data, so that
a browser moves the marks of the chart it already shows. No colour is fixed: series take the theme's palette, and "gray" and
"primary" are names that the theme replaces.
"""

import unicodedata
from dataclasses import dataclass

INK = "gray"  # the theme's ink; config.toml sets grayColor to the colour of the text
ACCENT = "primary"
AUTOSIZE = {"type": "fit-x", "contains": "padding"}  # the plot keeps its height; rows below it add to the figure's
# per level, with the palette: lines stay apart in print and for the colour-blind
DASHES = ([1, 0], [9, 3], [4, 2], [12, 3, 3, 3], [2, 2], [7, 2, 2, 2, 2, 2], [14, 3], [1, 3])


@dataclass(frozen=True, eq=False)
class Chart:
    """A drawn result.

    spec  a complete Vega-Lite specification; spec["datasets"] holds {name: pandas frame}. Not to be changed in place
    alt   the message of the chart for whoever does not see it
    """

    spec: dict
    alt: str


def with_data(template: dict, datasets: dict) -> dict:
    """A specification from a template shared by many charts and the data of this one."""
    return {**template, "datasets": datasets}


def tooltip_title(label: str) -> str:
    """A label as the name of a line in a tooltip, with a mark of no width behind it.

    Vega makes a property of each name: it refuses one such as "constructor", and two lines of one name would be one.
    """
    return f"{label}\u200b"


def filled(template, values: dict):
    """A copy of a template with its placeholders ("@levels") replaced; a list takes the place of its item in a list.

    A placeholder for a number is a number that stands for nothing else.
    """
    if isinstance(template, dict):
        return {key: filled(value, values) for key, value in template.items()}
    if isinstance(template, list):
        items = []
        for item in template:
            value = values.get(item.get("field") if isinstance(item, dict) else item if isinstance(item, str) else None)
            items += value if isinstance(value, list) else [filled(item, values)]
        return items
    return values.get(template, template) if isinstance(template, str | int) else template


def dash_range(n_levels: int) -> list:
    return [DASHES[i % len(DASHES)] for i in range(n_levels)]


def text_width(text: str, size: float = 12) -> float:
    """Pixels that a text takes, on the generous side: the server does not know the reader's font."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return size * (1.04 * wide + 0.53 * (len(text) - wide))


def wrapped(text: str, width: float, size: float = 12) -> list[str]:
    """The text in lines of at most ``width`` pixels; breaks between words, or anywhere where there are no spaces."""
    lines = [""]
    for word in text.split():
        candidate = f"{lines[-1]} {word}".strip()
        if text_width(candidate, size) <= width:
            lines[-1] = candidate
            continue
        if lines[-1]:
            lines.append("")
        for char in word:
            if lines[-1] and text_width(lines[-1] + char, size) > width:
                lines.append("")
            lines[-1] += char
    return lines


def packed(phrases, width: float, size: float = 12, separator: str = "   ·   ") -> list[str]:
    """Short phrases side by side where they fit, below one another where they do not."""
    lines = []
    for phrase in phrases:
        if lines and text_width(lines[-1] + separator + phrase, size) <= width:
            lines[-1] += separator + phrase
        else:
            lines += wrapped(phrase, width, size)
    return lines
