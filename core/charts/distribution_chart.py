"""One variable as a small figure: the cohort in full colour before the whole registry; every bar can be clicked."""

from functools import lru_cache

import altair as alt
import pandas as pd

from core.charts.chart import ACCENT, AUTOSIZE, INK, Chart, text_width, with_data
from core.charts.wording import format_count
from core.distributions import RANGE

PICK = "bar"  # the selection: the position of the bar that was clicked
ROW, BAR = 31, 9
PLOT, AXIS = 92, 22
HEAD, LINE = 6, 15


def distribution_chart(bars: pd.DataFrame, *, title: str = "") -> Chart:
    """The bars of ``core.distributions.distribution``: ranges upright as a histogram, levels and "Not recorded" lying, each
    with its count "23 of 51". Pale is the whole registry. A click selects the position of a bar."""
    rects, texts, targets = [], [], []
    top = float(HEAD)
    ranges = bars[bars["kind"] == RANGE]
    if len(ranges):
        _histogram(ranges, top, rects, texts, targets)
        top += PLOT + AXIS + 8
    most = max(int(bars["n_all"].max()), 1) if len(bars) else 1
    for i, bar in zip(bars.index, bars.itertuples(index=False), strict=True):
        if bar.kind == RANGE:
            continue
        y = top + LINE + 4
        rects.append((0.0, bar.n_all / most, y, y + BAR, 0))
        rects.append((0.0, bar.n / most, y, y + BAR, 1))
        texts.append((0.0, top + LINE / 2, bar.label, "left", False))
        texts.append((1.0, top + LINE / 2, _count(bar), "right", False))
        targets.append((0.0, 1.0, top - 2, top + ROW - 2, i, bar.label, _count(bar)))
        top += ROW
    datasets = {
        "rects": pd.DataFrame(rects, columns=["x", "x2", "y", "y2", "here"]),
        "texts": pd.DataFrame(texts, columns=["x", "y", "label", "align", "thin"]),
        "targets": pd.DataFrame(targets, columns=["x", "x2", "y", "y2", "bar", "c0", "c1"]),
    }
    said = [f"{bar.label}: {_count(bar)}" for bar in bars.itertuples(index=False)]
    return Chart(with_data(_template(round(top)), datasets), f"{title}: {'; '.join(said)}." if title else f"{said}")


def _count(bar) -> str:
    if bar.n == bar.n_all:
        return format_count(bar.n)
    return f"{format_count(bar.n)} of {format_count(bar.n_all)}"


def _histogram(ranges, top, rects, texts, targets):
    base = top + PLOT
    first, last = float(ranges["start"].iloc[0]), float(ranges["stop"].iloc[-1])
    span, most = last - first, max(int(ranges["n_all"].max()), 1)
    gap = 0.06 / len(ranges)
    for i, bar in zip(ranges.index, ranges.itertuples(index=False), strict=True):
        x, x2 = (bar.start - first) / span, (bar.stop - first) / span
        rects.append((x + gap, x2 - gap, base - PLOT * bar.n_all / most, base, 0))
        rects.append((x + gap, x2 - gap, base - PLOT * bar.n / most, base, 1))
        targets.append((x, x2, top, base + AXIS, i, bar.label, f"{_count(bar)} patients"))
    single = (ranges["low"] == ranges["high"]).all()  # one whole number a bar: its name stands below its middle
    widest = max(text_width(f"{edge:g}", 11) for edge in ranges["start"])
    every = max(1, round(len(ranges) * (widest + 8) / 210 + 0.49))
    for i, bar in enumerate(ranges.itertuples(index=False)):
        if i % every == 0:
            at = (bar.start - first + (span / len(ranges) / 2 if single else 0)) / span
            texts.append((at, base + 12, f"{bar.low:g}", "center" if single or i else "left", True))


@lru_cache(maxsize=64)
def _template(height: int) -> dict:
    quiet = {"aria": False, "tooltip": False}
    ink = alt.value(INK)
    scale = alt.Scale(domain=[0, 1], nice=False)

    def data(name):
        return alt.Chart(alt.NamedData(name))

    def x(name="x"):
        return alt.X(f"{name}:Q", scale=scale, axis=None)

    def y(name="y"):
        return alt.Y(f"{name}:Q", scale=None, axis=None)

    layers = []
    for here, color, opacity in ((0, ink, 0.2), (1, alt.value(ACCENT), 1)):
        layers.append(
            data("rects")
            .transform_filter(f"datum.here == {here}")
            .mark_rect(opacity=opacity, **quiet)
            .encode(x=x(), x2="x2:Q", y=y(), y2="y2:Q", color=color)
        )
    for align in ("left", "center", "right"):
        layers.append(
            data("texts")
            .transform_filter(f"datum.align == '{align}'")
            .mark_text(
                align=align,
                baseline="middle",
                fontSize=alt.ExprRef("datum.thin ? 11 : 12.5"),
                limit=alt.ExprRef("datum.align == 'left' ? width - 66 : 0"),
                **quiet,
            )
            .encode(x=x(), y=y(), text="label:N", color=ink)
        )
    pick = alt.selection_point(name=PICK, fields=["bar"], on="click", toggle=False, empty=False)
    layers.append(
        data("targets")
        .mark_rect(aria=False, cursor="pointer", opacity=0)
        .encode(
            x=x(), x2="x2:Q", y=y(), y2="y2:Q", color=ink,
            tooltip=[alt.Tooltip("c0:N", title="Value"), alt.Tooltip("c1:N", title="Patients")],
        )
        .add_params(pick)
    )  # fmt: skip
    spec = alt.layer(*layers).properties(height=height, autosize=AUTOSIZE).to_dict()
    spec.pop("config", None)
    return spec
