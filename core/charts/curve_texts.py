"""The words and numbers around curves: legend, lines above, ticks, the table under the axis, feet. Places are in pixels."""

import numpy as np
import pandas as pd

from core.charts.chart import packed, text_width, wrapped
from core.charts.survival_layout import LEGEND_SWATCH

ROW_HEIGHT = 17
# width of the plot from .. to, and the pixels that a line of text may take there
WIDTH_CLASSES = ((0, 340, 255), (340, 480, 330), (480, 700, 470), (700, 100_000, 680))
GUTTER = -22.0  # where the table's words stand: left of the numbers of time 0, which are centred on their tick
WORD_COLUMNS = ["label", "stratum", "x", "y", "weight", "align", "opacity", "size"]


def tick_numbers(ticks, end, rows) -> pd.DataFrame:
    """Texts at the ticks (x label y i need share) from rows (y, labels, pixels that one label needs)."""
    n = len(ticks)
    step = ticks[1] - ticks[0] if n > 1 else end
    return pd.DataFrame(
        {
            "x": np.tile(ticks, len(rows)),
            "label": [label for _, labels, _ in rows for label in labels],
            "y": np.repeat([float(y) for y, _, _ in rows], n),
            "i": np.tile(np.arange(n), len(rows)),
            "need": np.repeat([float(need) for _, _, need in rows], n),
            "share": float(step / end),
        }
    )


def risk_table(present, cells, title: str, top: float):
    """The numbers at risk below ``top``: rows (y, labels, need) at the ticks, words at fixed places, and where they end.

    cells  for each level present: rows of (name, labels at the ticks); a name is written left of its row
    """
    words = [_word(title, top, weight="bold")]
    first = [text_width(labels[0]) for named in cells for name, labels in named if name]
    beside = min(GUTTER, -max(first, default=0) / 2 - 8)  # names stand clear of large numbers
    rows, y = [], top + (0 if len(present) > 1 else 3)
    for stratum, named in zip(present, cells, strict=True):
        if len(present) > 1:
            y += ROW_HEIGHT + 5
            words.append(_word(stratum, y, stratum=stratum, weight="bold"))
        for name, labels in named:
            y += ROW_HEIGHT
            rows.append((y, labels))
            if name:
                words.append(_word(name, y, x=beside, align="right", opacity=0.8, size=11))
    need = max(text_width(label) for _, labels in rows for label in labels) + 10
    return [(y, labels, need) for y, labels in rows], pd.DataFrame(words, columns=WORD_COLUMNS), y


def _word(label, y, *, stratum="", x=GUTTER, weight="normal", align="left", opacity=1.0, size=12.0):
    return (label, stratum, float(x), float(y), weight, align, opacity, size)


def foot_lines(x_title, y_title, source_mark, y_mark) -> pd.DataFrame:
    rows = [(x_title, 0.5, float(y_title), 1.0)] + ([(source_mark, 1.0, float(y_mark), 0.75)] if source_mark else [])
    return pd.DataFrame(rows, columns=["label", "at", "y", "opacity"])


def legend_places(present) -> pd.DataFrame:
    """Where each entry stands when all fit on one line (x), and the column they need when they do not (cell)."""
    widths = [text_width(name) + LEGEND_SWATCH for name in present]
    return pd.DataFrame(
        {
            "stratum": np.array(present, dtype=object),
            "i": range(len(present)),
            "x": np.cumsum([0.0, *widths])[: len(present)],
        }
    )


def head_lines(notes, notice) -> pd.DataFrame:
    """The lines above the legend, for each class of widths; ``up`` counts the lines from below."""
    rows = []
    for low, high, capacity in WIDTH_CLASSES:
        lines = [(line, 1.0) for line in packed(notes, capacity)]
        lines += [(line, 0.8) for line in (wrapped(notice, capacity) if notice else [])]
        rows += [(line, low, high, len(lines) - 1 - i, opacity) for i, (line, opacity) in enumerate(lines)]
    return pd.DataFrame(rows, columns=["label", "low", "high", "up", "opacity"])


def no_words() -> pd.DataFrame:
    """Nothing under the axis."""
    return pd.DataFrame(columns=WORD_COLUMNS)
