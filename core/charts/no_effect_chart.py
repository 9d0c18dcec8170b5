"""What chance alone does to a ratio: the runs without any effect as two strips, with the observed ratio marked in each."""

import math
from functools import lru_cache

import altair as alt
import numpy as np
import pandas as pd

from core.charts.chart import ACCENT, AUTOSIZE, INK, Chart, with_data, wrapped
from core.charts.time_axis import tick_label
from core.charts.wording import NOT_ESTIMABLE, format_count, format_percent, format_ratio

STRIP, HEAD = 74, 60  # height of the bars and of the words above them
BINS = 44
TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
SHORT, LONG = 350, 640  # widths that the words are broken for
LINE = 16


def no_effect_chart(result, *, labels: dict[str, str], muted: str) -> Chart:
    """A ``NoEffect`` as one histogram for each analysis on a common logarithmic axis.

    labels  what to call each analysis; ``muted`` is the one in grey

    Ratios beyond the axis are counted in its outermost bars. Runs without a best value are not drawn but counted in words.
    """
    summary = result.summary
    low, high = _range(result)
    edges = np.geomspace(low, high, BINS + 1)
    inside = np.array([1.0])
    bars, heads, marks, medians = [], [], [], []
    top = 0.0
    for row in summary.itertuples(index=False):
        ratios = result.runs[row.analysis.replace("-", "_")].to_numpy(dtype=float)
        ratios = np.clip(ratios[~np.isnan(ratios)], edges[0], edges[-1] * (1 - 1e-12))
        counts = np.histogram(ratios, edges)[0]
        most = max(counts.max(initial=1), 1)
        shade = int(row.analysis == muted)
        base = top + HEAD + STRIP
        bars += [
            (
                edges[i],
                edges[i + 1],
                base - STRIP * count / most,
                base,
                shade,
                f"{format_ratio(edges[i])} to {format_ratio(edges[i + 1])}",
                f"{format_count(count)} of {format_count(len(result.runs))} runs",
            )
            for i, count in enumerate(counts)
            if count
        ]
        heads.append((labels[row.analysis], _says(row), top, shade))
        if not math.isnan(row.observed):
            x = float(np.clip(row.observed, edges[0], edges[-1]))
            marks.append(
                (
                    x,
                    top + HEAD - 20,
                    base,
                    f"observed {format_ratio(row.observed)}",
                    1 if np.log(x / low) < 0.75 * np.log(high / low) else -1,
                )
            )
        if not math.isnan(row.median):
            medians.append((float(np.clip(row.median, edges[0], edges[-1])), base - STRIP, base))
        top = base + 26
    inside = [tick for tick in TICKS if low <= tick <= high]
    bottom = top - 26
    datasets = {
        "bars": pd.DataFrame(bars, columns=["x", "x2", "y", "y2", "muted", "range", "count"]),
        "heads": _heads(heads),
        "marks": pd.DataFrame(marks, columns=["x", "y", "y2", "label", "side"]),
        "medians": pd.DataFrame(medians, columns=["x", "y", "y2"]),
        "ticks": pd.DataFrame({"x": inside, "label": [tick_label(t) for t in inside], "y": bottom}),
        "bases": pd.DataFrame({"x": low, "x2": high, "y": [HEAD + STRIP, 2 * (HEAD + STRIP) + 26][: len(summary)]}),
        "axis": pd.DataFrame({"y": [bottom]}),
    }
    said = [f"{label}: {' '.join(says)}" for label, says, *_ in heads]
    words = ["Hazard ratios by chance alone, with the observed ones.", *said]
    return Chart(with_data(_template(int(bottom)), datasets), " ".join(words))


def _says(row) -> tuple[str, ...]:
    median = NOT_ESTIMABLE if math.isnan(row.median) else format_ratio(row.median)
    said = [
        f"By chance alone: median {median}; {format_percent(row.share_benefit)} of runs with p < 0.05 for a lower hazard."
    ]
    if row.n_not_estimable:
        runs = "1 run" if row.n_not_estimable == 1 else f"{format_count(row.n_not_estimable)} runs"
        said.append(f"{runs} without a best value.")
    return tuple(said)


def _heads(heads) -> pd.DataFrame:
    rows = []
    for label, says, top, muted in heads:
        for low, high, capacity in ((0, LONG, SHORT), (LONG, 100_000, LONG)):
            lines = [
                (label, "bold", 13.0),
                *((line, "normal", 11.5) for line in wrapped(" ".join(says), capacity, 11.5)),
            ]
            rows += [
                (line, weight, size, low, high, top + 2 + LINE * i, muted)
                for i, (line, weight, size) in enumerate(lines)
            ]
    return pd.DataFrame(rows, columns=["label", "weight", "size", "low", "high", "y", "muted"])


def _range(result) -> tuple[float, float]:
    """The middle 99 % of all runs and the observed ratios, within 0.02 and 50."""
    both = result.runs[["naive", "time_dependent"]].to_numpy(dtype=float).ravel()
    both = both[~np.isnan(both)]
    observed = result.summary["observed"].dropna().to_numpy(dtype=float)
    ends = [*(np.quantile(both, [0.005, 0.995]) if len(both) else ()), *observed, 0.5, 2.0]
    return float(max(min(ends) / 1.15, 0.02)), float(min(max(ends) * 1.15, 50))


@lru_cache(maxsize=8)
def _template(height: int) -> dict:
    quiet = {"aria": False, "tooltip": False}
    ink, accent = alt.value(INK), alt.value(ACCENT)
    scale = alt.Scale(type="log", nice=False, range=[8, alt.ExprRef("width - 8")])

    def expr(expression):
        return alt.ExprRef(expression)

    def data(name):
        return alt.Chart(alt.NamedData(name))

    def x(name="x"):
        return alt.X(f"{name}:Q", scale=scale, axis=None)

    def y(name="y"):
        return alt.Y(f"{name}:Q", scale=None, axis=None)

    layers = [
        data("bases")
        .transform_calculate(top=f"datum.y - {STRIP}")
        .mark_rule(strokeDash=[4, 3], opacity=0.6, **quiet)
        .encode(x=alt.X(datum=1, type="quantitative", scale=scale, axis=None), y=y("top"), y2="y:Q", color=ink)
    ]
    for muted, color in ((0, accent), (1, ink)):
        layers.append(
            data("bars")
            .transform_filter(f"datum.muted == {muted}")
            .mark_rect(opacity=0.32 if muted else 0.5, aria=False)
            .encode(
                x=x(),
                x2="x2:Q",
                y=y(),
                y2="y2:Q",
                color=color,
                tooltip=[alt.Tooltip("range:N", title="Hazard ratio"), alt.Tooltip("count:N", title="By chance alone")],
            )
        )
    layers += [
        data("bases").mark_rule(opacity=0.8, **quiet).encode(x=x(), x2="x2:Q", y=y(), color=ink),
        data("medians").mark_rule(strokeWidth=1.5, strokeDash=[2, 2], opacity=0.8, **quiet).encode(
            x=x(), y=y(), y2="y2:Q", color=ink
        ),
        data("marks").mark_rule(strokeWidth=2.5, **quiet).encode(x=x(), y=y(), y2="y2:Q", color=ink),
        data("marks")
        .mark_text(
            align=expr("datum.side > 0 ? 'left' : 'right'"), dx=expr("6 * datum.side"), dy=2, baseline="top", fontWeight="bold",
            fontSize=12, **quiet,
        )
        .encode(x=x(), y=y(), text="label:N", color=ink),
        data("ticks").transform_calculate(end="datum.y + 5").mark_rule(**quiet).encode(x=x(), y=y(), y2="end:Q", color=ink),
        data("ticks").mark_text(dy=17, fontSize=12, **quiet).encode(x=x(), y=y(), text="label:N", color=ink),
        data("axis").mark_text(dy=38, fontSize=12, **quiet).encode(
            x=alt.value(expr("width / 2")), y=y(), text=alt.value("Hazard ratio, log scale"), color=ink
        ),
        data("heads")
        .transform_filter("width >= datum.low && width < datum.high")
        .mark_text(
            align="left", baseline="middle", fontWeight=expr("datum.weight"), fontSize=expr("datum.size"),
            opacity=expr("datum.muted ? 0.75 : 1"), **quiet,
        )
        .encode(x=alt.value(8), y=y(), text="label:N", color=ink),
    ]  # fmt: skip
    spec = alt.layer(*layers).properties(height=height, autosize=AUTOSIZE).to_dict()
    spec.pop("config", None)
    return spec
