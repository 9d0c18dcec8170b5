"""Survival curves with the numbers at risk under them: one layered view, so that the two share one time axis."""

import pandas as pd

from core.charts.chart import Chart, text_width, with_data
from core.charts.curve_texts import foot_lines, head_lines, legend_places, no_words, risk_table, tick_numbers
from core.charts.survival_layout import survival_layout
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
    words, bottom = no_words(), height + 40
    if at_risk:
        title, cells = _at_risk(result, present, ticks, at_risk == "extended")
        table, words, bottom = risk_table(present, cells, title, height + 70)
        rows += table
    datasets = {
        "span": pd.DataFrame({"x": [0.0], "x2": [end]}),
        "lines": lines,
        "censored": censor_frame(paths, end),
        "numbers": tick_numbers(ticks, end, rows),
        "words": words,
        "foot": foot_lines(x_title, height + 40, source_mark, bottom + 26),
        "legend": legend_places(present if len(present) > 1 else ()),
        "head": head_lines(notes, notice),
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


def _at_risk(result, present, ticks, extended: bool):
    """The title of the table under the axis and, for each level present, its rows."""
    numbers = result.at_risk(ticks)
    n_risk, n_event, n_censor = (
        numbers[name].to_numpy().reshape(len(present), -1).tolist() for name in ("n_risk", "n_event", "n_censor")
    )
    if not extended:
        cells = [
            [("", [f"{n:,} ({d:,})" for n, d in zip(*row, strict=True)])] for row in zip(n_risk, n_event, strict=True)
        ]
        return "Number at risk (events so far)", cells
    cells = [
        [(name, [f"{n:,}" for n in row]) for name, row in zip(("At risk", "Censored", "Events"), rows, strict=True)]
        for rows in zip(n_risk, n_censor, n_event, strict=True)
    ]
    return "At risk now, censored and events so far", cells
