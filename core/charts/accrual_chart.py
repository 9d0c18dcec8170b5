"""When the patients came into the registry, and how many were followed at each time, up to the data cut-off."""

from functools import lru_cache

import altair as alt
import pandas as pd

from core.charts.chart import ACCENT, AUTOSIZE, INK, Chart, with_data
from core.charts.wording import format_count

FOLLOWED, NEW, GAP = 130, 90, 46  # heights of the two parts and what is between them
HEAD = 22


def accrual_chart(accrual: pd.DataFrame, cut_off: pd.Timestamp) -> Chart:
    """``core.follow_up.accrual`` as two rows of bars over calendar time: above, patients under follow-up at the end of each
    period; below, new diagnoses upwards and deaths downwards. A line marks the data cut-off."""
    n = len(accrual)
    most_followed = max(int(accrual["n_followed"].max()), 1)
    most = max(int(accrual["n_new"].max() + accrual["n_event"].max()), 1)
    base_above = HEAD + FOLLOWED
    top_below = base_above + GAP
    base_below = top_below + NEW * accrual["n_new"].max() / most
    rects, targets = [], []
    for i, row in enumerate(accrual.itertuples(index=False)):
        x, x2 = (i + 0.08) / n, (i + 0.92) / n
        rects.append((x, x2, base_above - FOLLOWED * row.n_followed / most_followed, base_above, "followed"))
        rects.append((x, x2, base_below - NEW * row.n_new / most, base_below, "new"))
        rects.append((x, x2, base_below, base_below + NEW * row.n_event / most, "deaths"))
        targets.append(
            (
                i / n,
                (i + 1) / n,
                row.period,
                f"{format_count(row.n_new)} ({format_count(row.n_cumulative)} so far)",
                f"{format_count(row.n_event)} ({format_count(row.n_event_cumulative)} so far)",
                format_count(row.n_followed),
            )
        )
    bottom = top_below + NEW
    first, last = accrual["start"].iloc[0], accrual["end"].iloc[-1] + pd.Timedelta(days=1)
    span = (last - first).days
    years = [day for day in pd.date_range(first, last, freq="YS") if day < last]
    ticks = pd.DataFrame({"x": [(day - first).days / span for day in years], "label": [str(day.year) for day in years]})
    at = (cut_off - first).days / span
    heads = [
        ("Under follow-up", HEAD - 12.0),
        ("Diagnosed, and below the line deaths", top_below - 14.0),
    ]
    numbers = [
        (format_count(most_followed), HEAD + 0.0),
        (format_count(accrual["n_new"].max()), float(top_below)),
    ]
    datasets = {
        "rects": pd.DataFrame(rects, columns=["x", "x2", "y", "y2", "what"]),
        "targets": pd.DataFrame(targets, columns=["x", "x2", "c0", "c1", "c2", "c3"]),
        "ticks": ticks.assign(y=bottom + 14.0, i=range(len(ticks)), n=len(ticks)),
        "heads": pd.DataFrame(heads, columns=["label", "y"]),
        "numbers": pd.DataFrame(numbers, columns=["label", "y"]),
        "bases": pd.DataFrame({"y": [float(base_above), float(base_below)]}),
        "cut": pd.DataFrame({"x": [at], "label": [f"Data cut-off {cut_off:%Y-%m-%d}"]}),
    }
    return Chart(
        with_data(_template(round(bottom)), datasets),
        f"{format_count(accrual['n_cumulative'].iloc[-1])} patients diagnosed from {accrual['period'].iloc[0]} to "
        f"{accrual['period'].iloc[-1]}, {format_count(accrual['n_event_cumulative'].iloc[-1])} deaths; at most "
        f"{format_count(most_followed)} under follow-up at once. Data cut-off {cut_off:%Y-%m-%d}.",
    )


@lru_cache(maxsize=8)
def _template(bottom: int) -> dict:
    quiet = {"aria": False, "tooltip": False}
    ink, accent = alt.value(INK), alt.value(ACCENT)
    scale = alt.Scale(domain=[0, 1], nice=False)

    def data(name):
        return alt.Chart(alt.NamedData(name))

    def x(name="x"):
        return alt.X(f"{name}:Q", scale=scale, axis=None)

    def y(name="y"):
        return alt.Y(f"{name}:Q", scale=None, axis=None)

    layers = [
        data("rects")
        .transform_filter(f"datum.what == '{what}'")
        .mark_rect(opacity=opacity, **quiet)
        .encode(x=x(), x2="x2:Q", y=y(), y2="y2:Q", color=color)
        for what, color, opacity in (("followed", accent, 0.35), ("new", accent, 1), ("deaths", ink, 0.75))
    ]
    layers += [
        data("bases").mark_rule(opacity=0.8, **quiet).encode(
            x=alt.value(0), x2=alt.value(alt.ExprRef("width")), y=y(), color=ink
        ),
        data("heads").mark_text(align="left", baseline="middle", fontSize=12.5, fontWeight="bold", **quiet).encode(
            x=alt.value(0), y=y(), text="label:N", color=ink
        ),
        data("numbers").mark_text(align="right", baseline="middle", fontSize=11.5, dx=-6, dy=4, **quiet).encode(
            x=alt.value(0), y=y(), text="label:N", color=ink
        ),
        data("ticks").transform_filter("datum.i % ceil(40 * datum.n / max(1, width)) == 0").mark_text(
            align="left", baseline="middle", fontSize=12, dx=3, **quiet
        ).encode(x=x(), y=y(), text="label:N", color=ink),
        data("ticks").mark_rule(opacity=0.25, **quiet).encode(x=x(), y=alt.value(HEAD), y2=alt.value(bottom + 18), color=ink),
        data("cut").mark_rule(strokeDash=[5, 4], **quiet).encode(x=x(), y=alt.value(4), y2=alt.value(bottom), color=ink),
        data("cut").mark_text(align="right", baseline="middle", fontSize=11.5, dx=-5, **quiet).encode(
            x=x(), y=alt.value(8), text="label:N", color=ink
        ),
        data("targets").mark_rect(opacity=0, aria=False).encode(
            x=x(), x2="x2:Q", y=alt.value(0), y2=alt.value(bottom), color=ink,
            tooltip=[
                alt.Tooltip(f"{name}:N", title=title)
                for name, title in (("c0", "Period"), ("c1", "Diagnosed"), ("c2", "Deaths"), ("c3", "Under follow-up at its end"))
            ],
        ),
    ]  # fmt: skip
    spec = alt.layer(*layers).properties(height=bottom, autosize=AUTOSIZE).to_dict()
    spec.pop("config", None)
    return spec
