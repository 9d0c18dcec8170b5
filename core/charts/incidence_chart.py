"""Cumulative incidence of one event while others compete, drawn like a survival chart and with the same table under it."""

import numpy as np
import pandas as pd

from core.charts.chart import Chart, text_width, with_data
from core.charts.curve_texts import foot_lines, head_lines, legend_places, no_words, risk_table, tick_numbers
from core.charts.survival_layout import survival_layout
from core.charts.survival_paths import Path, censor_frame, end_of, paths_of, read_out_frame, step_frames
from core.charts.time_axis import tick_label, time_ticks
from core.charts.wording import format_count, format_percent

VIEW = "incidence"


def incidence_chart(
    result,
    *,
    cause: int = 1,
    levels,
    y_title: str,
    x_title: str = "Months from diagnosis",
    at_risk: str | None = "simple",
    horizon: float | None = None,
    time_unit: str = "months",
    notes: tuple[str, ...] = (),
    notice: str | None = None,
    naive=None,
    conf_band: bool = True,
    source_mark: str | None = None,
    height: int = 360,
) -> Chart:
    """The cumulative incidence of a cause by stratum, its confidence band, censoring, and the numbers at risk.

    result       CumulativeIncidenceResult: curve, strata, at_risk(times)
    levels       every level of the grouping variable in the dictionary's order, present or not: a level keeps its colour
    at_risk      "simple": at risk and events; "extended": at risk, events, competing events where there are any, and censored;
                 None: no table
    naive        a KaplanMeierResult of the same strata, drawn as one minus it, dotted
    notes        short results for the top of the chart; a notice is a sentence below them
    source_mark  where the data come from, at the foot of the figure

    Beyond the last time with fewer than five at risk lines and bands are lighter. Raises ValueError for an unknown table.
    """
    if at_risk not in ("simple", "extended", None):
        raise ValueError('at_risk must be "simple", "extended" or None')
    paths = _paths(result, cause)
    present = tuple(path.stratum for path in paths)
    domain = tuple(dict.fromkeys([*map(str, levels), *present]))
    end = end_of(paths, horizon)
    ticks = time_ticks(end, time_unit)
    lines, bands = step_frames(paths, end, VIEW)
    labels = [tick_label(tick) for tick in ticks]
    rows = [(height + 17, labels, max(map(text_width, labels)) + 10)]
    words, bottom = no_words(), height + 40
    if at_risk:
        title, cells = _at_risk(result, cause, len(present), ticks, at_risk == "extended")
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
        "readout": read_out_frame(_OneCause(result, cause), paths, end, VIEW, time_unit),
    }
    if conf_band:
        datasets["bands"] = bands
    if naive is not None:
        datasets["overlay"] = step_frames(paths_of(naive, VIEW), end, VIEW)[0]
    layout = survival_layout(domain, present, VIEW, y_title, conf_band, False, height, naive is not None)
    return Chart(with_data(layout, datasets), _alt(paths, y_title, end, time_unit, notes, notice))


class _OneCause:
    """The numbers under the curves of a single cause."""

    def __init__(self, result, cause):
        self.result, self.cause = result, cause

    def at_risk(self, times) -> pd.DataFrame:
        frame = self.result.at_risk(times)
        # a cause that never happened has no rows: cause 1 always has
        there = self.cause if self.cause in self.result.causes else 1
        frame = frame[frame["cause"] == there].reset_index(drop=True)
        return frame if there == self.cause else frame.assign(n_event=0)


def _paths(result, cause) -> list[Path]:
    """The strata in their order; a cause that never happened is a curve at zero."""
    curve = result.curve
    there = cause in result.causes
    part = curve[curve["cause"] == (cause if there else 1)]
    found = []
    for level in result.strata:
        rows = part[part["stratum"] == level]
        columns = [rows[name].to_numpy() for name in ("time", "n_risk", "n_event", "n_censor")]
        limits = [rows[name].to_numpy(dtype=float) for name in ("estimate", "conf_low", "conf_high")]
        if not there:
            columns[2] = np.zeros_like(columns[2])
            limits = [np.zeros(len(rows)), np.full(len(rows), np.nan), np.full(len(rows), np.nan)]
        found.append(Path(str(level), *columns, *limits))
    return found


def _at_risk(result, cause, n_strata: int, ticks, extended: bool):
    """The title of the table under the axis and, for each stratum, its rows."""
    shape = (n_strata, len(ticks))
    own = _OneCause(result, cause).at_risk(ticks)
    n_risk, n_event, n_censor = (own[name].to_numpy().reshape(shape) for name in ("n_risk", "n_event", "n_censor"))
    if not extended:
        pairs = zip(n_risk.tolist(), n_event.tolist(), strict=True)
        cells = [[("", [f"{n:,} ({d:,})" for n, d in zip(*pair, strict=True)])] for pair in pairs]
        return "Number at risk (events so far)", cells
    every = result.at_risk(ticks)
    n_other = every[every["cause"] != cause].groupby(["stratum", "time"], sort=False)["n_event"].sum()
    columns = {"At risk": n_risk, "Events": n_event}
    if len(n_other):
        columns["Competing"] = n_other.to_numpy().reshape(shape)
    columns["Censored"] = n_censor
    cells = [
        [(name, [f"{n:,}" for n in counts[i].tolist()]) for name, counts in columns.items()] for i in range(n_strata)
    ]
    return "At risk now, the others so far", cells


def _alt(paths, y_title, end, time_unit, notes, notice) -> str:
    sentences = [
        f"Cumulative incidence in the presence of competing events: {y_title}, 0 to {tick_label(round(end, 1))} {time_unit}."
    ]
    for path in paths:
        name = f"{path.stratum}: " if len(paths) > 1 else ""
        counts = f"{format_count(path.n_risk[0])} patients, {format_count(path.n_event.sum())} events"
        sentences.append(f"{name}{counts}, {format_percent(path.y[-1])} by the end of follow-up.")
    sentences += [f"{note}." for note in notes]
    return " ".join([*sentences, notice] if notice else sentences)
