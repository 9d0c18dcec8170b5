"""How the filters lead from all patients to the cohort: a bar for each step."""

from functools import lru_cache

import altair as alt
import numpy as np
import pandas as pd

from core.charts.chart import ACCENT, AUTOSIZE, INK, Chart, with_data
from core.charts.wording import format_count

ROW = 60
BAR_TOP, BAR_BOTTOM = 22, 32


def attrition_chart(attrition: pd.DataFrame, *, events: str = "events") -> Chart:
    """One bar a criterion: who remains, and beside it, paler, who was left out by it.

    attrition  criterion, n_excluded, n_remaining, events_excluded, and where known n_missing (those of the excluded who have
               no value) and events_remaining. The first row is where the filters start.
    events     what the events are called ("deaths")
    """
    rows = [_row(row._asdict(), i, events) for i, row in enumerate(attrition.itertuples(index=False))]
    steps = pd.DataFrame(rows, columns=["label", "detail", "remaining", "before"])
    steps["y"] = float(ROW) * np.arange(len(steps))
    alt_text = " ".join(f"{row.label}: {row.detail}." for row in steps.itertuples(index=False))
    return Chart(with_data(_template(), {"steps": steps}), f"Patients step by step. {alt_text}")


def _row(row, i, events):
    remaining, excluded = int(row["n_remaining"]), int(row["n_excluded"])
    happened = row.get("events_remaining")
    kept = f"{format_count(remaining)} {'patients' if i == 0 else 'remain'}"
    if happened is not None:
        kept += f" ({format_count(happened)} {events})"
    if i == 0:
        return row["criterion"], kept, remaining, remaining
    left_out = "nobody left out"
    if excluded:
        reasons = [f"{format_count(row['events_excluded'])} {events}"]
        missing = int(row.get("n_missing") or 0)
        reasons += [f"{format_count(missing)} not recorded"] if missing else []
        left_out = f"{format_count(excluded)} left out ({', '.join(reasons)})"
    return row["criterion"], f"{kept}; {left_out}", remaining, remaining + excluded


@lru_cache(maxsize=1)
def _template() -> dict:
    quiet = {"aria": False, "tooltip": False}
    steps = alt.Chart(alt.NamedData("steps"))
    ink = alt.value(INK)
    limit = alt.ExprRef("width")
    scale = alt.Scale(nice=False, zero=True)
    bars = steps.transform_calculate(top=f"datum.y + {BAR_TOP}", bottom=f"datum.y + {BAR_BOTTOM}", zero="0")

    def bar(start, end, color, opacity):
        return bars.mark_rect(opacity=opacity, **quiet).encode(
            x=alt.X(f"{start}:Q", scale=scale, axis=None),
            x2=f"{end}:Q",
            y=alt.Y("top:Q", scale=None, axis=None),
            y2="bottom:Q",
            color=color,
        )

    def text(field, dy, **settings):
        return steps.mark_text(align="left", baseline="middle", dy=dy, limit=limit, **quiet, **settings).encode(
            x=alt.value(0), y=alt.Y("y:Q", scale=None, axis=None), text=f"{field}:N", color=ink
        )

    layers = [
        bar("remaining", "before", ink, 0.22),
        bar("zero", "remaining", alt.value(ACCENT), 1),
        text("label", 11, fontSize=13, fontWeight="bold"),
        text("detail", BAR_BOTTOM + 11, fontSize=12, opacity=0.85),
    ]
    spec = alt.layer(*layers).properties(height=ROW - 10, autosize=AUTOSIZE).to_dict()
    spec.pop("config", None)
    return spec
