"""Does a hazard ratio stay the same over time? Scaled Schoenfeld residuals of one coefficient, with their trend."""

from functools import lru_cache

import altair as alt
import numpy as np
import pandas as pd

from core.charts.chart import ACCENT, AUTOSIZE, INK, Chart, with_data

HEIGHT = 240
MOST_POINTS = 1_000  # more cover one another, and take a browser seconds


def schoenfeld_chart(residuals: pd.DataFrame, trend: pd.DataFrame, coef: float, *, title: str, x_title: str) -> Chart:
    """Each event's estimate of the log hazard ratio at its time, the smooth trend, and the model's constant value.

    residuals  time scaled; trend  time estimate (empty when there are too few events for one). Of more than MOST_POINTS events
    so many are drawn, evenly spaced in time.
    """
    points = residuals[["time", "scaled"]].dropna()
    n = len(points)
    if n > MOST_POINTS:
        points = points.iloc[np.linspace(0, n - 1, MOST_POINTS).astype(int)]
    datasets = {
        "points": points,
        "trend": trend,
        "model": pd.DataFrame({"coef": [coef]}),
        "title": pd.DataFrame({"label": [x_title]}),
    }
    said = f"each of {n:,} events" if n <= MOST_POINTS else f"{MOST_POINTS:,} of {n:,} events, evenly spaced,"
    return Chart(
        with_data(_template(), datasets),
        f"{title}: log hazard ratio at {said} over time; the model takes it as {coef:.2f} throughout.",
    )


@lru_cache(maxsize=1)
def _template() -> dict:
    quiet = {"aria": False}
    x = alt.X(
        "time:Q",
        scale=alt.Scale(zero=True, nice=False),
        axis=alt.Axis(title=None, grid=False, domain=True, ticks=True, tickCount=8),
    )
    scale = alt.Scale(zero=False)
    points = (
        alt.Chart(alt.NamedData("points"))
        .mark_circle(size=42, opacity=0.65, **quiet)
        .encode(
            x=x,
            y=alt.Y("scaled:Q", scale=scale, axis=alt.Axis(title="Log hazard ratio", domain=True, ticks=True)),
            color=alt.value(ACCENT),
            tooltip=[
                alt.Tooltip("time:Q", title="Months", format=".1f"),
                alt.Tooltip("scaled:Q", title="Log hazard ratio", format=".2f"),
            ],
        )
    )
    trend = (
        alt.Chart(alt.NamedData("trend"))
        .mark_line(strokeWidth=2, tooltip=False, **quiet)
        .encode(x=x, y=alt.Y("estimate:Q", scale=scale), color=alt.value(ACCENT))
    )
    model = (
        alt.Chart(alt.NamedData("model"))
        .mark_rule(strokeDash=[5, 4], strokeWidth=1.3, tooltip=False, **quiet)
        .encode(y=alt.Y("coef:Q", scale=scale), color=alt.value(INK))
    )
    title = (
        alt.Chart(alt.NamedData("title"))
        .mark_text(baseline="top", fontSize=12, tooltip=False, **quiet)
        .encode(x=alt.value(alt.ExprRef("width / 2")), y=alt.value(HEIGHT + 32), text="label:N", color=alt.value(INK))
    )
    spec = alt.layer(points, trend, model, title).properties(height=HEIGHT, autosize=AUTOSIZE).to_dict()
    spec.pop("config", None)
    return spec
