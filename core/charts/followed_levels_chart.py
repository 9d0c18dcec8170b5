"""Too many patients for a row each: how many are still followed at each time, by the level of a variable."""

from functools import lru_cache

import altair as alt
import numpy as np
import pandas as pd

from core.charts.chart import ACCENT, AUTOSIZE, INK, Chart, filled, with_data
from core.charts.time_axis import followed_at, tick_label, time_ticks
from core.charts.wording import format_count

GRID, HEIGHT = 160, 280


def followed_levels_chart(end: np.ndarray, group: pd.Series | None, levels: tuple[str, ...] = ()) -> Chart:
    """Patients still followed over the months since diagnosis, stacked by level.

    end    (n,) months to the end of each patient's follow-up
    group  their levels, "" or another word where not recorded; None for one area
    """
    end = np.asarray(end, dtype=float)
    last = max(float(end.max(initial=0.0)), 1.0)
    times = np.linspace(0, last, GRID)
    names = list(levels) if group is not None else ["Followed"]
    if group is not None:
        names += [name for name in group.unique() if name not in names]
    low, parts = np.zeros(GRID), []
    for name in names:
        mine = end if group is None else end[(group == name).to_numpy()]
        count = followed_at(mine, times)
        parts.append(pd.DataFrame({"x": times, "low": low, "high": low + count, "level": name}))
        low = low + count
    ticks = time_ticks(last)
    share = 1 / max(len(ticks), 1)
    datasets = {
        "areas": pd.concat(parts, ignore_index=True),
        "ticks": pd.DataFrame({"x": ticks, "label": [tick_label(t) for t in ticks], "i": range(len(ticks)), "share": share}),
        "foot": pd.DataFrame({"label": ["Months from diagnosis"]}),
    }  # fmt: skip
    template = filled(_template(group is not None), {"@levels": names})
    years = [t for t in (0, 12, 24, 60) if t <= last]
    said = ", ".join(f"{format_count((end > t).sum() if t else len(end))} at {t} months" for t in years)
    return Chart(with_data(template, datasets), f"Patients still followed: {said}.")


@lru_cache(maxsize=2)
def _template(by_level: bool) -> dict:
    quiet = {"aria": False, "tooltip": False}
    ink = alt.value(INK)
    x = alt.X("x:Q", scale=alt.Scale(nice=False), axis=None)
    axis = alt.Axis(title="Patients still followed", domain=False, ticks=False, tickCount=5, labelFlush=False)
    color = alt.value(ACCENT)
    if by_level:
        legend = alt.Legend(title=None, orient="top", symbolType="square", labelLimit=180, columns=3)
        color = alt.Color("level:N", scale=alt.Scale(domain=["@levels"]), legend=legend)

    def data(name):
        return alt.Chart(alt.NamedData(name))

    layers = [
        data("areas")
        .mark_area(interpolate="step-after", line=False, opacity=0.75, **quiet)
        .encode(x=x, y=alt.Y("low:Q", axis=axis), y2="high:Q", color=color),
        data("ticks")
        .transform_filter("datum.i % ceil(34 / max(1, width * datum.share)) == 0")
        .mark_text(dy=15, fontSize=12, **quiet)
        .encode(x=x, y=alt.value(HEIGHT), text="label:N", color=ink),
        data("foot")
        .mark_text(fontSize=12.5, **quiet)
        .encode(x=alt.value(alt.ExprRef("width / 2")), y=alt.value(HEIGHT + 38), text="label:N", color=ink),
    ]
    spec = alt.layer(*layers).properties(height=HEIGHT, autosize=AUTOSIZE).to_dict()
    spec.pop("config", None)
    return spec
