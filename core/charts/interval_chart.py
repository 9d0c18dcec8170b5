"""A few hazard ratios on one small log axis, each with its words above it: for a place of any width."""

import math
from functools import lru_cache

import altair as alt
import pandas as pd

from core.charts.chart import ACCENT, AUTOSIZE, INK, Chart, with_data
from core.charts.time_axis import tick_label
from core.charts.wording import NOT_ESTIMABLE, format_estimate

ROW, LINE = 40, 26  # pixels from one row to the next, and down to the interval within it
LOW, HIGH = 0.1, 20.0  # the same axis in every chart, so that charts can be compared
TICKS = (0.1, 0.5, 1, 2, 5, 20)


def interval_chart(ratios: pd.DataFrame) -> Chart:
    """Rows of label, estimate, conf_low, conf_high: the label, the ratio in words, and its interval.

    An interval that leaves the axis ends in an arrow; a ratio that cannot be estimated has only its words.
    """
    words, lines = [], []
    for place, row in enumerate(ratios.itertuples(index=False)):
        known = not math.isnan(row.estimate)
        text = format_estimate(row.estimate, row.conf_low, row.conf_high) if known else NOT_ESTIMABLE
        words.append((str(row.label), text, place * ROW + 10.0))
        if known:
            low, x, high = (min(max(value, LOW), HIGH) for value in (row.conf_low, row.estimate, row.conf_high))
            cut = int(row.conf_low < LOW), int(row.conf_high > HIGH)
            lines.append((x, low, high, *cut, place * ROW + float(LINE), LOW, HIGH))
    datasets = {
        "words": pd.DataFrame(words, columns=["label", "text", "y"]),
        "lines": pd.DataFrame(lines, columns="x low high cut_low cut_high y from_x to_x".split(), dtype=float),
        **_fixed(len(words)),
    }
    said = " ".join(f"{label}: {text}." for label, text, _ in words)
    return Chart(with_data(_template(len(words)), datasets), f"Hazard ratios with 95% intervals. {said}")


@lru_cache(maxsize=16)
def _fixed(n: int) -> dict:
    """The data of the axis, which no filter changes."""
    top, bottom = pd.Series(range(n), dtype=float) * ROW, float(n * ROW)
    return {
        "span": pd.DataFrame({"x": [LOW], "x2": [HIGH], "y": [bottom]}),
        "rows": pd.DataFrame({"one": 1.0, "y": top + LINE - 7, "y2": top + LINE + 7}),
        "ticks": pd.DataFrame(
            {"x": TICKS, "label": [tick_label(tick) for tick in TICKS], "y": bottom, "y2": bottom + 4}
        ),
    }


@lru_cache(maxsize=16)
def _template(n: int) -> dict:
    scale = alt.Scale(type="log", nice=False, domain=[LOW, HIGH])
    ink, accent = alt.value(INK), alt.value(ACCENT)
    quiet = {"aria": False, "tooltip": False}

    def data(name):
        return alt.Chart(alt.NamedData(name))

    def x(name="x"):
        return alt.X(f"{name}:Q", scale=scale, axis=None)

    def y(name="y"):
        return alt.Y(f"{name}:Q", scale=None, axis=None)

    def text(chart, **settings):
        return chart.mark_text(**({"baseline": "middle", "fontSize": 12} | quiet | settings))

    lines, span = data("lines"), data("span")
    layers = [
        span.mark_rule(opacity=0.7, **quiet).encode(x=x(), x2="x2:Q", y=y(), color=ink),
        data("rows").mark_rule(opacity=0.7, **quiet).encode(x=x("one"), y=y(), y2="y2:Q", color=ink),
        data("ticks").mark_rule(opacity=0.7, **quiet).encode(x=x(), y=y(), y2="y2:Q", color=ink),
        text(data("ticks"), fontSize=11, dy=13).encode(x=x(), y=y(), text="label:N", color=ink),
        lines.mark_rule(strokeWidth=2, **quiet).encode(x=x("low"), x2="high:Q", y=y(), color=accent),
        lines.mark_point(shape="square", filled=True, size=60, opacity=1, aria=False, tooltip=False).encode(
            x=x(), y=y(), color=accent
        ),
        text(lines.transform_filter("datum.cut_low"), align="left", dx=-4).encode(
            x=x("from_x"), y=y(), text=alt.value("◂"), color=accent
        ),
        text(lines.transform_filter("datum.cut_high"), align="right", dx=4).encode(
            x=x("to_x"), y=y(), text=alt.value("▸"), color=accent
        ),
        text(data("words"), align="left", limit=alt.ExprRef("width - 110")).encode(
            x=alt.value(0), y=y(), text="label:N", color=ink
        ),
        text(data("words"), align="right", fontWeight="bold").encode(
            x=alt.value(alt.ExprRef("width")), y=y(), text="text:N", color=ink
        ),
    ]
    spec = alt.layer(*layers).properties(height=n * ROW, autosize=AUTOSIZE).to_dict()
    spec.pop("config", None)
    return spec
