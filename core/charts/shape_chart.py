"""The shape of a number's effect: the spline's hazard ratio over its range, its band, and the straight line beside it."""

from functools import lru_cache

import altair as alt
import numpy as np
import pandas as pd

from core.charts.chart import ACCENT, AUTOSIZE, INK, Chart, with_data
from core.charts.wording import format_ratio

LEAST, MOST = 0.05, 20.0  # beyond these the curve says nothing that a reader could use
HEIGHT = 280


def shape_chart(form, values: pd.Series, *, label: str) -> Chart:
    """A FunctionalForm as a curve on a log axis; ticks on the axis are the patients.

    values  of the patients, for the ticks; label  of the number with its unit, for the axis
    """
    curve = form.curve.copy()
    for column in ("estimate", "conf_low", "conf_high", "linear"):
        curve[column] = curve[column].clip(LEAST, MOST)
    patients = pd.DataFrame({"value": np.unique(np.asarray(values.dropna(), dtype=float))})
    datasets = {
        "curve": curve,
        "patients": patients,
        "one": pd.DataFrame({"one": [1.0]}),
        "title": pd.DataFrame({"label": [label]}),
    }
    low, high = curve["value"].iloc[0], curve["value"].iloc[-1]
    said = (
        f"Hazard ratio over {label}, 1 at {form.reference:g}: {format_ratio(curve['estimate'].iloc[0])} at {low:g}, "
        f"{format_ratio(curve['estimate'].iloc[-1])} at {high:g}."
    )
    return Chart(with_data(_template(), datasets), said)


@lru_cache(maxsize=1)
def _template() -> dict:
    quiet = {"aria": False, "tooltip": False}
    x = alt.X(
        "value:Q",
        scale=alt.Scale(zero=False, nice=False),
        axis=alt.Axis(title=None, grid=False, domain=True, ticks=True, tickCount=8),
    )
    log = alt.Scale(type="log", nice=False)
    axis = alt.Axis(
        title="Hazard ratio, log scale", values=[0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20], format="~g", domain=True
    )
    curve = alt.Chart(alt.NamedData("curve"))
    band = curve.mark_area(opacity=0.16, **quiet).encode(
        x=x, y=alt.Y("conf_low:Q", scale=log, axis=axis), y2="conf_high:Q", color=alt.value(ACCENT)
    )
    spline = curve.mark_line(strokeWidth=2.2, **quiet).encode(
        x=x, y=alt.Y("estimate:Q", scale=log), color=alt.value(ACCENT)
    )
    straight = curve.mark_line(strokeWidth=1.3, strokeDash=[5, 4], opacity=0.75, **quiet).encode(
        x=x, y=alt.Y("linear:Q", scale=log), color=alt.value(INK)
    )
    one = (
        alt.Chart(alt.NamedData("one"))
        .mark_rule(strokeWidth=1, opacity=0.5, **quiet)
        .encode(y=alt.Y("one:Q", scale=log), color=alt.value(INK))
    )
    patients = (
        alt.Chart(alt.NamedData("patients"))
        .mark_tick(orient="vertical", size=9, thickness=1, opacity=0.55, **quiet)
        .encode(x=x, y=alt.value(HEIGHT - 5), color=alt.value(INK))
    )
    title = (
        alt.Chart(alt.NamedData("title"))
        .mark_text(baseline="top", fontSize=12, **quiet)
        .encode(x=alt.value(alt.ExprRef("width / 2")), y=alt.value(HEIGHT + 32), text="label:N", color=alt.value(INK))
    )
    read_out = curve.mark_rule(opacity=0.001, strokeWidth=8, aria=False).encode(
        x=x,
        tooltip=[
            alt.Tooltip("value:Q", title="Value", format=".4~g"),
            alt.Tooltip("estimate:Q", title="Hazard ratio", format=".2f"),
            alt.Tooltip("conf_low:Q", title="Interval from", format=".2f"),
            alt.Tooltip("conf_high:Q", title="Interval to", format=".2f"),
        ],
    )
    spec = alt.layer(band, one, straight, spline, patients, title, read_out).properties(
        height=HEIGHT, autosize=AUTOSIZE
    )
    template = spec.to_dict()
    template.pop("config", None)
    return template
