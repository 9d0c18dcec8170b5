"""A Kaplan-Meier result as what is to be drawn: steps, bands, marks, the numbers under the axis, the read-out.

Columns have safe names (x, y, c0, c1, ..): what a label may hold must not be able to break a chart.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.charts.wording import NOT_ESTIMABLE, format_count, format_interval, format_number, format_percent
from core.conventions import SMALL_RISK_SET

STEP_CELLS = 450  # of the time axis; a path keeps one point in each, which no screen shows otherwise
CENSOR_CELLS = 240
READ_OUT_POINTS = 160
VIEWS = ("survival", "incidence", "hazard")


@dataclass(frozen=True, eq=False)
class Path:
    """One stratum's curve as arrays, survival and limits turned into what the view shows."""

    stratum: str
    time: np.ndarray
    n_risk: np.ndarray
    n_event: np.ndarray
    n_censor: np.ndarray
    y: np.ndarray
    low: np.ndarray
    high: np.ndarray


def paths_of(result, view: str) -> list[Path]:
    """The result's strata in their order. Raises ValueError for an unknown view."""
    if view not in VIEWS:
        raise ValueError(f"view must be one of {', '.join(VIEWS)}")
    curve = result.curve
    stratum = curve["stratum"].to_numpy()
    columns = [curve[name].to_numpy() for name in ("time", "n_risk", "n_event", "n_censor")]
    limits = [curve[name].to_numpy(dtype=float) for name in ("estimate", "conf_low", "conf_high")]
    y, low, high = (_shown(values, view) for values in limits)
    if view != "survival":
        low, high = high, low
    found = []
    for level in result.summary["stratum"]:
        rows = np.flatnonzero(stratum == level)
        found.append(Path(str(level), *(column[rows] for column in (*columns, y, low, high))))
    return found


def _shown(share, view):
    if view == "survival":
        return share
    if view == "incidence":
        return 1 - share
    positive = share > 0
    return np.where(positive, -np.log(np.where(positive, share, 1)), np.nan)


def end_of(paths, horizon: float | None) -> float:
    """Where the time axis ends: the horizon, else the longest follow-up."""
    longest = max((float(path.time[-1]) for path in paths if len(path.time)), default=0.0)
    return float(horizon) if horizon else longest or 1.0


def step_frames(paths, end: float, view: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The lines (x y stratum tail) and the bands (x low high stratum tail), each to be drawn step-after.

    ``tail`` is 1 beyond the last time with SMALL_RISK_SET at risk. A part that is not known is left out.
    """
    start = 1.0 if view == "survival" else 0.0
    lines, bands = [], []
    for path in paths:
        shown = path.time <= end
        cut = min(end, float(path.time[-1]))
        enough = np.flatnonzero(path.n_risk >= SMALL_RISK_SET)
        turn = path.time[enough[-1]] if len(enough) else -1.0
        moves = shown & (path.n_event > 0)
        line = _steps(path.time[moves], (path.y[moves],), cut, (start,), end)
        lines.append(_split(line, turn, path.stratum))
        band = _steps(path.time[moves], (path.low[moves], path.high[moves]), cut, (np.nan, np.nan), end)
        bands.append(_split(band, turn, path.stratum))
    return _frame(lines, ("x", "y")), _frame(bands, ("x", "low", "high"))


def _steps(time, values, cut, start, end):
    """Columns x, value..: the start, one point a step, and the last step carried on to ``cut``. NaN closes the path."""
    x = np.concatenate([[0.0], time])
    columns = [np.concatenate([[first], value]) for first, value in zip(start, values, strict=True)]
    if len(x) > STEP_CELLS:
        # the last step in each cell, and the first point
        cell = np.floor(x / end * STEP_CELLS)
        keep = np.append(cell[1:] != cell[:-1], True)
        keep[0] = True
        x, columns = x[keep], [column[keep] for column in columns]
    known = ~np.isnan(columns[0]) & ~np.isnan(columns[-1])
    if not known.any():
        return np.empty((0, 1 + len(columns)))
    last = np.flatnonzero(known)[-1]
    close = x[last + 1] if last + 1 < len(x) else cut
    x = np.append(x[known], close)
    return np.column_stack([x, *(np.append(column[known], column[last]) for column in columns)])


def _split(steps, turn, stratum):
    """The steps up to ``turn`` and those beyond, the second beginning where the first ends."""
    if not len(steps):
        return steps, 0, stratum
    before = steps[:, 0] <= turn
    n_before = int(np.count_nonzero(before))
    if n_before in (0, len(steps)):
        return steps, n_before, stratum
    bend = steps[n_before - 1].copy()
    bend[0] = turn
    return np.vstack([steps[:n_before], bend, bend, steps[n_before:]]), n_before + 1, stratum


def _frame(parts, names):
    steps = np.vstack([part[0] for part in parts])
    frame = {name: steps[:, i] for i, name in enumerate(names)}
    frame["stratum"] = np.repeat(np.array([part[2] for part in parts], dtype=object), [len(part[0]) for part in parts])
    frame["tail"] = np.concatenate([(np.arange(len(part[0])) >= part[1]).astype(int) for part in parts])
    return pd.DataFrame(frame)


def censor_frame(paths, end: float) -> pd.DataFrame:
    """One mark (x y stratum tail) where patients are censored, at most one in each cell of the axis."""
    parts = []
    for path in paths:
        rows = np.flatnonzero((path.n_censor > 0) & (path.time <= end) & ~np.isnan(path.y))
        cell = np.floor(path.time[rows] / end * CENSOR_CELLS)
        rows = rows[np.append(True, cell[1:] != cell[:-1])] if len(rows) else rows
        parts.append((np.column_stack([path.time[rows], path.y[rows]]), len(rows), path.stratum))
    return _frame(parts, ("x", "y"))


def median_frame(result, end: float, label_share: float = 0.14) -> pd.DataFrame:
    """The medians reached (x stratum label side row). A label stands right of its line (side 1), or left of it (-1) where that
    keeps it apart from the next; labels that would still collide stand a ``row`` higher. ``label_share`` of the axis is what a label takes on a phone.
    """
    summary = result.summary
    reached = sorted(
        (float(median), str(stratum))
        for median, stratum in zip(summary["median"], summary["stratum"], strict=True)
        if median == median and median <= end
    )
    room = label_share * end
    rows = []
    taken: list[float] = []  # for each row of labels, up to where it is taken
    for i, (median, stratum) in enumerate(reached):
        crowded = i + 1 < len(reached) and reached[i + 1][0] - median < room
        free_on_the_left = median - room >= max([0.0, *taken])
        side = -1 if median > end - room or (crowded and free_on_the_left) else 1
        start, stop = (median - room, median) if side < 0 else (median, median + room)
        row = next((k for k, until in enumerate(taken) if start >= until), len(taken))
        taken[row : row + 1] = [stop]
        rows.append((median, stratum, format_number(median), side, row))
    return pd.DataFrame(rows, columns=["x", "stratum", "label", "side", "row"])


def read_out_frame(result, paths, end: float, view: str, time_unit: str) -> pd.DataFrame:
    """For the hover rule: t, when, and one text per stratum (c0, c1, ..): the value, its interval and who is at risk."""
    times = np.linspace(0, end, READ_OUT_POINTS)
    at_risk = result.at_risk(times)["n_risk"].to_numpy().reshape(len(paths), -1)
    start = 1.0 if view == "survival" else 0.0
    form = format_percent if view != "hazard" else (lambda value: format_number(value, 2))
    columns = {"t": times, "when": [f"{format_number(time)} {time_unit}" for time in times.tolist()]}
    for i, (path, n_risk) in enumerate(zip(paths, at_risk, strict=True)):
        followed = times <= path.time[-1]
        position = np.searchsorted(path.time, times[followed], side="right") - 1
        steps, step_at = np.unique(position, return_inverse=True)
        values = [
            f"{form(start)}, interval {NOT_ESTIMABLE}"
            if step < 0
            else f"{form(path.y[step])} {_limits(path.low[step], path.high[step], form)}"
            for step in steps.tolist()
        ]
        here = n_risk[followed].tolist()
        texts = [f"{values[k]}, {format_count(n)} at risk" for k, n in zip(step_at.tolist(), here, strict=True)]
        columns[f"c{i}"] = texts + ["no longer followed"] * (len(times) - len(texts))
    return pd.DataFrame(columns)


def _limits(low, high, form):
    return f"({format_interval(low, high, form)})" if low == low and high == high else f"(interval {NOT_ESTIMABLE})"
