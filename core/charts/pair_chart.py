"""Two variables together: points for two numbers, boxes for a number by a category, shares for two categories."""

from functools import lru_cache

import altair as alt
import numpy as np
import pandas as pd

from core.charts.chart import ACCENT, AUTOSIZE, INK, Chart, filled, text_width, tooltip_title, with_data
from core.charts.wording import format_count, format_number, format_percent
from core.distributions import Pair

SCATTER, ROW, TOP = 320, 66, 8
THICK, THIN = 26.0, 4.0


def pair_chart(pair: Pair) -> Chart:
    """A ``Pair`` as a figure. Of two categories every row is one level of the first, as thick as it has patients, and its
    length is shared by the levels of the second."""
    if len(pair.counts):
        return _shares(pair)
    return _boxes(pair) if len(pair.boxes) else _scatter(pair)


def _scatter(pair) -> Chart:
    words = f"{pair.second.label_with_unit} against {pair.first.label_with_unit}, {format_count(pair.n)} patients."
    if pair.correlation == pair.correlation:
        words += f" Spearman's correlation {format_number(pair.correlation, 2)}."
    values = {"@x": tooltip_title(pair.first.label_with_unit), "@y": tooltip_title(pair.second.label_with_unit)}
    return Chart(with_data(filled(_scatter_template(), values), {"points": pair.points}), words)


def _boxes(pair) -> Chart:
    boxes = pair.boxes
    middle = TOP + ROW * np.arange(len(boxes)) + 34.0
    at = dict(zip(boxes["level"], middle, strict=True))
    digits = max(pair.second.decimals, 1)
    said = [
        f"median {format_number(r.median, digits)} ({format_number(r.q1, digits)} to {format_number(r.q3, digits)})"
        for r in boxes.itertuples(index=False)
    ]
    rows = boxes.assign(
        y=middle,
        label=[f"{r.level} (n = {format_count(r.n)})" for r in boxes.itertuples(index=False)],
        said=said,
    )
    # points side by side where values are close: the place within the row follows the rank, without chance
    points = pair.points.sort_values(["level", "x"], kind="stable")
    turn = points.groupby("level").cumcount().to_numpy()
    points = pd.DataFrame(
        {"x": points["x"], "y": points["level"].map(at).astype(float) + 9 * ((turn * 0.618034) % 1 - 0.5)}
    )
    words = [f"{row.level}: {format_count(row.n)} patients, {row.said}" for row in rows.itertuples(index=False)]
    template = filled(_boxes_template(TOP + ROW * len(boxes) + 4), {"@x": tooltip_title(pair.second.label_with_unit)})
    datasets = {"rows": rows.drop(columns="level"), "points": points}
    return Chart(
        with_data(template, datasets), f"{pair.second.label_with_unit} by {pair.first.label}. {'; '.join(words)}."
    )


def _shares(pair) -> Chart:
    counts = pair.counts
    levels = list(dict.fromkeys(counts["level"]))
    totals = counts.groupby("level")["n"].sum()
    rects, heads, words = [], [], []
    for i, level in enumerate(levels):
        inside = counts[counts["level"] == level]
        thick = THIN + (THICK - THIN) * totals[level] / totals.max()
        y = TOP + ROW * i + 22.0
        start = 0.0
        for row in inside.itertuples(index=False):
            share = row.n / totals[level]
            if row.n:
                text = f"{format_count(row.n)} ({format_percent(share)})"
                rects.append(
                    (row.other, start, start + share, y, y + thick, y + thick + 8, text, text_width(text, 11.5))
                )
            start += share
        heads.append((f"{level} (n = {format_count(totals[level])})", TOP + ROW * i + 10.0))
        words.append(f"{level}: " + ", ".join(f"{r.other} {r.n}" for r in inside.itertuples(index=False) if r.n))
    datasets = {
        "rects": pd.DataFrame(rects, columns=["level", "x", "x2", "y", "y2", "below", "text", "wide"]),
        "heads": pd.DataFrame(heads, columns=["label", "y"]),
    }
    values = {"@levels": list(pair.second.levels)}
    template = filled(_shares_template(TOP + ROW * len(levels)), values)
    return Chart(with_data(template, datasets), f"{pair.second.label} by {pair.first.label}. {'; '.join(words)}.")


_QUIET = {"aria": False, "tooltip": False}


def _data(name):
    return alt.Chart(alt.NamedData(name))


def _y(name="y"):
    return alt.Y(f"{name}:Q", scale=None, axis=None)


def _finished(layers, height) -> dict:
    spec = alt.layer(*layers).properties(height=height, autosize=AUTOSIZE).to_dict()
    spec.pop("config", None)
    return spec


@lru_cache(maxsize=1)
def _scatter_template() -> dict:
    axis = {"domain": True, "ticks": True, "labelFlush": False, "grid": False}
    points = (
        _data("points")
        .mark_circle(size=46, opacity=0.6, aria=False)
        .encode(
            x=alt.X("x:Q", scale=alt.Scale(zero=False), axis=alt.Axis(title="@x", **axis)),
            y=alt.Y("y:Q", scale=alt.Scale(zero=False), axis=alt.Axis(title="@y", **axis)),
            color=alt.value(ACCENT),
            tooltip=[alt.Tooltip("x:Q", title="@x"), alt.Tooltip("y:Q", title="@y")],
        )
    )
    return _finished([points], SCATTER)


@lru_cache(maxsize=32)
def _boxes_template(height: int) -> dict:
    ink, accent = alt.value(INK), alt.value(ACCENT)
    axis = alt.Axis(title="@x", domain=True, ticks=True, labelFlush=False, grid=False, offset=6)
    scale = alt.Scale(zero=False)

    def x(name):
        return alt.X(f"{name}:Q", scale=scale, axis=axis)

    rows = _data("rows").transform_calculate(top="datum.y - 9", bottom="datum.y + 9")
    layers = [
        _data("points")
        .mark_circle(size=26, opacity=0.45, aria=False)
        .encode(x=x("x"), y=_y(), color=accent, tooltip=[alt.Tooltip("x:Q", title="@x")]),
        rows.mark_rect(opacity=0.16, **_QUIET).encode(x=x("q1"), x2="q3:Q", y=_y("top"), y2="bottom:Q", color=ink),
        rows.mark_rule(strokeWidth=2.5, **_QUIET).encode(x=x("median"), y=_y("top"), y2="bottom:Q", color=ink),
        rows.mark_rule(opacity=0.45, **_QUIET).encode(x=x("min"), x2="max:Q", y=_y("y"), color=ink),
    ]
    for field, at, align, weight in (("label", 0, "left", "bold"), ("said", alt.ExprRef("width"), "right", "normal")):
        layers.append(
            _data("rows")
            .mark_text(align=align, baseline="middle", dy=-20, fontSize=12.5, fontWeight=weight, **_QUIET)
            .encode(x=alt.value(at), y=_y(), text=f"{field}:N", color=ink)
        )
    return _finished(layers, height)


@lru_cache(maxsize=32)
def _shares_template(height: int) -> dict:
    ink = alt.value(INK)
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=None)
    color = alt.Color(
        "level:N",
        scale=alt.Scale(domain=["@levels"]),
        legend=alt.Legend(title=None, orient="top", symbolType="square", columns=3, labelLimit=180),
    )
    layers = [
        _data("rects")
        .mark_rect(aria=False, opacity=0.85)
        .encode(
            x=x, x2="x2:Q", y=_y(), y2="y2:Q", color=color,
            tooltip=[alt.Tooltip("level:N", title="Level"), alt.Tooltip("text:N", title="Patients")],
        ),
        _data("rects")
        .transform_filter("(datum.x2 - datum.x) * width > datum.wide")
        .mark_text(align="left", baseline="middle", fontSize=11.5, dx=1, **_QUIET)
        .encode(x=x, y=_y("below"), text="text:N", color=ink),
        _data("heads")
        .mark_text(align="left", baseline="middle", fontSize=12.5, fontWeight="bold", **_QUIET)
        .encode(x=alt.value(0), y=_y(), text="label:N", color=ink),
    ]  # fmt: skip
    return _finished(layers, height)
