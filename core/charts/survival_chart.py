"""Survival curves with the numbers at risk under them: one layered view, so that the two share one time axis."""

import numpy as np
import pandas as pd

from core.charts.chart import Chart, packed, text_width, with_data, wrapped
from core.charts.survival_layout import LEGEND_SWATCH, survival_layout
from core.charts.survival_paths import (
    censor_frame,
    end_of,
    median_frame,
    paths_of,
    read_out_frame,
    step_frames,
)
from core.charts.time_axis import tick_label, time_ticks
from core.charts.wording import format_count, format_median

ROW_HEIGHT = 17
# width of the plot from .. to, and the pixels that a line of text may take there
WIDTH_CLASSES = ((0, 340, 255), (340, 480, 330), (480, 700, 470), (700, 100_000, 680))
GUTTER = -22.0  # where the table's words stand: left of the numbers of time 0, which are centred on their tick
WORD_COLUMNS = ["label", "stratum", "x", "y", "weight", "align", "opacity", "size"]


def survival_chart(
    result,
    *,
    levels,
    y_title: str,
    view: str = "survival",
    x_title: str = "Months from diagnosis",
    at_risk: str | None = "simple",
    horizon: float | None = None,
    time_unit: str = "months",
    notes: tuple[str, ...] = (),
    conf_band: bool = True,
    show_median: bool = True,
    notice: str | None = None,
    source_mark: str | None = None,
    height: int = 360,
) -> Chart:
    """The curves of a Kaplan-Meier result, the confidence band, censoring, medians, and the numbers at risk.

    result       KaplanMeierResult: curve, summary, at_risk(times)
    levels       every level of the grouping variable in the dictionary's order, present or not: a level keeps its colour
    view         "survival", "incidence" (one minus survival) or "hazard" (minus the log of survival)
    at_risk      "simple": at risk and events; "extended": at risk, censored and events, one row each; None: no table
    horizon      where the time axis ends; else at the end of follow-up
    notes        short results for the top of the chart ("Log-rank p = 0.003"); a notice is a sentence below them
    source_mark  where the data come from ("Synthetic sample"), at the foot of the figure
    height       of the plot in pixels; the rows under it add to the figure

    Beyond the last time with fewer than five at risk lines and bands are lighter. Raises ValueError for an unknown view or
    table.
    """
    if at_risk not in ("simple", "extended", None):
        raise ValueError('at_risk must be "simple", "extended" or None')
    paths = paths_of(result, view)
    present = tuple(path.stratum for path in paths)
    domain = tuple(dict.fromkeys([*map(str, levels), *present]))
    end = end_of(paths, horizon)
    ticks = time_ticks(end, time_unit)
    lines, bands = step_frames(paths, end, view)
    medians = median_frame(result, end) if show_median and view != "hazard" else None
    labels = [tick_label(tick) for tick in ticks]
    rows = [(height + 17, labels, max(map(text_width, labels)) + 10)]
    words, bottom = [], height + 40
    if at_risk:
        table, words, bottom = _table(result, present, ticks, at_risk == "extended", height + 70)
        rows += table
    datasets = {
        "span": pd.DataFrame({"x": [0.0], "x2": [end]}),
        "lines": lines,
        "censored": censor_frame(paths, end),
        "numbers": _numbers(ticks, end, rows),
        "words": pd.DataFrame(words, columns=WORD_COLUMNS),
        "foot": _foot(x_title, height + 40, source_mark, bottom + 26),
        "legend": _legend(present if len(present) > 1 else ()),
        "head": _head(notes, notice),
        "readout": read_out_frame(result, paths, end, view, time_unit),
    }
    if conf_band:
        datasets["bands"] = bands
    if medians is not None:
        datasets["medians"] = medians
        datasets["half"] = pd.DataFrame({"x": [0.0] * len(medians[-1:]), "x2": medians["x"][-1:].to_numpy()})
    layout = survival_layout(domain, present, view, y_title, conf_band, medians is not None, height)
    return Chart(with_data(layout, datasets), _alt(result, y_title, view, present, end, time_unit, notes, notice))


def _alt(result, y_title, view, present, end, time_unit, notes, notice) -> str:
    kind = "Cumulative hazard" if view == "hazard" else "Kaplan-Meier curves"
    sentences = [f"{kind}: {y_title}, 0 to {tick_label(round(end, 1))} {time_unit}."]
    summary = result.summary
    for row in summary.itertuples(index=False):
        name = f"{row.stratum}: " if len(present) > 1 else ""
        median = format_median(row.median, row.conf_low, row.conf_high)
        if time_unit != "months":
            median = median.replace(" months", f" {time_unit}")
        counts = f"{format_count(row.n)} patients, {format_count(row.n_event)} events"
        sentences.append(f"{name}{counts}, median {median}.")
    sentences += [f"{note}." for note in notes]
    return " ".join([*sentences, notice] if notice else sentences)


def _numbers(ticks, end, rows) -> pd.DataFrame:
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


def _table(result, present, ticks, extended: bool, top: float):
    """The numbers at risk below ``top``: rows (y, labels, need) at the ticks, words at fixed places, and where they end."""
    numbers = result.at_risk(ticks)
    n_risk, n_event, n_censor = (
        numbers[name].to_numpy().reshape(len(present), -1).tolist() for name in ("n_risk", "n_event", "n_censor")
    )
    title = "At risk now, censored and events so far" if extended else "Number at risk (events so far)"
    words = [_word(title, top, weight="bold")]
    rows, y = [], top + (0 if len(present) > 1 else 3)
    for i, stratum in enumerate(present):
        if len(present) > 1:
            y += ROW_HEIGHT + 5
            words.append(_word(stratum, y, stratum=stratum, weight="bold"))
        if extended:
            named = zip(("At risk", "Censored", "Events"), (n_risk[i], n_censor[i], n_event[i]), strict=True)
            cells = [(name, [f"{n:,}" for n in row]) for name, row in named]
        else:
            cells = [("", [f"{n:,} ({d:,})" for n, d in zip(n_risk[i], n_event[i], strict=True)])]
        for name, labels in cells:
            y += ROW_HEIGHT
            rows.append((y, labels))
            if name:
                words.append(_word(name, y, align="right", opacity=0.8, size=11))
    need = max(text_width(label) for _, labels in rows for label in labels) + 10
    return [(y, labels, need) for y, labels in rows], words, y


def _word(label, y, *, stratum="", weight="normal", align="left", opacity=1.0, size=12.0):
    return (label, stratum, GUTTER, float(y), weight, align, opacity, size)


def _foot(x_title, y_title, source_mark, y_mark) -> pd.DataFrame:
    rows = [(x_title, 0.5, float(y_title), 1.0)] + ([(source_mark, 1.0, float(y_mark), 0.75)] if source_mark else [])
    return pd.DataFrame(rows, columns=["label", "at", "y", "opacity"])


def _legend(present) -> pd.DataFrame:
    """Where each entry stands when all fit on one line (x), and the column they need when they do not (cell)."""
    widths = [text_width(name) + LEGEND_SWATCH for name in present]
    return pd.DataFrame(
        {
            "stratum": np.array(present, dtype=object),
            "i": range(len(present)),
            "x": np.cumsum([0.0, *widths])[: len(present)],
        }
    )


def _head(notes, notice) -> pd.DataFrame:
    """The lines above the legend, for each class of widths; ``up`` counts the lines from below."""
    rows = []
    for low, high, capacity in WIDTH_CLASSES:
        lines = [(line, 1.0) for line in packed(notes, capacity)]
        lines += [(line, 0.8) for line in (wrapped(notice, capacity) if notice else [])]
        rows += [(line, low, high, len(lines) - 1 - i, opacity) for i, (line, opacity) in enumerate(lines)]
    return pd.DataFrame(rows, columns=["label", "low", "high", "up", "opacity"])
