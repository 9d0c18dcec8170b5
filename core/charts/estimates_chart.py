"""Several analyses of one exposure, one under the other on one axis of ratios: the same patients, counted differently."""

import math
from functools import lru_cache

import altair as alt
import numpy as np
import pandas as pd

from core.charts.chart import ACCENT, AUTOSIZE, INK, Chart, with_data
from core.charts.exposure_rows import short_note
from core.charts.ratio_axis import ratio_range, ratio_ticks
from core.charts.time_axis import tick_label
from core.charts.wording import NOT_ESTIMABLE, format_count, format_estimate, format_p_statement

ROW, NARROW_ROW = 84, 130
TOP = 6
TEXT, RATIO = 330, 212  # widths of the text left and right of the plot
NARROWEST_PLOT_VIEW = 720


def estimates_chart(
    estimates: pd.DataFrame, *, labels: dict[str, str], headline: str, muted: str, events: str = "events"
) -> Chart:
    """Each analysis with patients, events and person-months, its interval, ratio and p value.

    estimates  as ``three_estimates``: one row an analysis, from top to bottom
    labels     what to call each analysis
    headline   the analysis in bold; ``muted`` is the one in grey, which is there to be compared with
    events     what the events are called ("deaths")

    A ratio that could not be estimated has its reason in place of the interval. Where it is narrow the interval stands
    below the text.
    """
    low, high = ratio_range(estimates)
    n = len(estimates)
    rows = pd.DataFrame(
        [_texts(row, labels, events) for row in estimates.itertuples(index=False)],
        columns=["label", "patients", "events", "months", "ratio", "p", "note"],
    )
    rows["wide_y"] = TOP + ROW * np.arange(n, dtype=float)
    rows["narrow_y"] = TOP + NARROW_ROW * np.arange(n, dtype=float)
    rows["stripe"] = np.arange(n) % 2
    rows["headline"] = (estimates["analysis"] == headline).astype(int).to_numpy()
    rows["muted"] = (estimates["analysis"] == muted).astype(int).to_numpy()
    intervals = rows[["wide_y", "narrow_y", "headline", "muted"]].assign(
        x=estimates["estimate"].to_numpy(dtype=float),
        low=estimates["conf_low"].to_numpy(dtype=float),
        high=estimates["conf_high"].to_numpy(dtype=float),
    )
    intervals = intervals[~np.isnan(intervals["x"])]
    intervals["cut_low"] = (intervals["low"] < low).astype(int)
    intervals["cut_high"] = (intervals["high"] > high).astype(int)
    for name in ("x", "low", "high"):
        intervals[name] = intervals[name].clip(low, high)
    ticks = ratio_ticks(low, high)
    bottom = {"wide_y": float(TOP + ROW * n), "narrow_y": float(TOP + NARROW_ROW * n)}
    datasets = {
        "rows": rows,
        "intervals": intervals,
        "ticks": pd.DataFrame({"x": ticks, "label": [tick_label(tick) for tick in ticks]}).assign(**bottom),
        "span": pd.DataFrame({"x": [low], "x2": [high]}).assign(**bottom),
        "sides": pd.DataFrame({"label": ["← lower hazard", "higher hazard →"], "side": [-1, 1]}).assign(**bottom),
    }
    said = [
        f"{row.label}: {row.ratio}{', ' + row.p if row.p else ''}; {row.patients} · {row.events}, {row.months}."
        for row in rows.itertuples()
    ]
    return Chart(
        with_data(_template(), datasets), " ".join(["Hazard ratios of the same exposure by several analyses.", *said])
    )


def _texts(row, labels, events):
    known = not math.isnan(row.estimate)
    patients = f"{format_count(row.n)} patients, {format_count(row.n_exposed)} exposed"
    happened = f"{format_count(row.n_event)} {events}, {format_count(row.n_event_exposed)} exposed"
    months = f"{row.person_months_exposed:,.0f} person-months exposed, {row.person_months_unexposed:,.0f} not"
    ratio = format_estimate(row.estimate, row.conf_low, row.conf_high) if known else NOT_ESTIMABLE
    p = format_p_statement(row.p_value) if known else ""
    return labels[row.analysis], patients, happened, months, ratio, p, "" if known else short_note(row.note)


@lru_cache(maxsize=1)
def _template() -> dict:
    quiet = {"aria": False, "tooltip": False}
    ink, accent = alt.value(INK), alt.value(ACCENT)

    def expr(expression):
        return alt.ExprRef(expression)

    scale = alt.Scale(type="log", nice=False, range=[expr("plot_start"), expr("plot_end")])

    def data(name, inside=0):
        """Rows with their top ``y0``, bottom ``y1`` and the height ``yi`` of the interval."""
        return alt.Chart(alt.NamedData(name)).transform_calculate(
            y0="wide ? datum.wide_y : datum.narrow_y",
            y1=f"wide ? datum.wide_y + {ROW} : datum.narrow_y + {NARROW_ROW}",
            yi=f"wide ? datum.wide_y + {ROW / 2} : datum.narrow_y + 110",
        )

    def x(name="x"):
        return alt.X(f"{name}:Q", scale=scale, axis=None)

    def y(name):
        return alt.Y(f"{name}:Q", scale=None, axis=None)

    def text(name, field, at, dy, **settings):
        """A text ``dy`` pixels below the top of its row, at the pixel that the expression ``at`` says."""
        wide_dy, narrow_dy = dy
        chart = data(name).transform_calculate(ty=f"datum.y0 + (wide ? {wide_dy} : {narrow_dy})", tx=at)
        return chart.mark_text(**({"baseline": "middle", "fontSize": 12} | quiet | settings)).encode(
            x=alt.X("tx:Q", scale=None, axis=None), y=y("ty"), text=f"{field}:N", color=ink
        )

    pale = expr("datum.muted ? 0.55 : 1")
    paler = expr("datum.muted ? 0.5 : 0.8")
    heavy = expr("datum.headline ? 'bold' : 'normal'")
    one = alt.X(datum=1, type="quantitative", scale=scale, axis=None)
    intervals = data("intervals")
    layers = [
        data("rows")
        .transform_filter("datum.stripe == 0")
        .mark_rect(opacity=0.05, **quiet)
        .encode(x=alt.value(0), x2=alt.value(expr("width")), y=y("y0"), y2="y1:Q", color=ink),
        data("span").mark_rule(opacity=0.8, **quiet).encode(x=x(), x2="x2:Q", y=y("y0"), color=ink),
        data("rows")
        .transform_filter("datum.note == ''")  # no line through the words that stand there instead of an interval
        .transform_calculate(ya="wide ? datum.y0 : datum.yi - 16")
        .mark_rule(strokeDash=[4, 3], opacity=0.6, **quiet)
        .encode(x=one, y=y("ya"), y2="y1:Q", color=ink),
        data("ticks")
        .transform_calculate(end="datum.y0 + 5")
        .mark_rule(**quiet)
        .encode(x=x(), y=y("y0"), y2="end:Q", color=ink),
        data("ticks").mark_text(dy=17, fontSize=12, **quiet).encode(x=x(), y=y("y0"), text="label:N", color=ink),
        data("sides")
        .mark_text(
            align=expr("datum.side < 0 ? 'right' : 'left'"),
            dx=expr("8 * datum.side"),
            dy=36,
            fontSize=11,
            opacity=0.8,
            **quiet,
        )
        .encode(x=one, y=y("y0"), text="label:N", color=ink),
    ]
    for muted, color in ((0, accent), (1, ink)):
        part = intervals.transform_filter(f"datum.muted == {muted}")
        faint = 0.5 if muted else 1
        layers += [
            part.mark_rule(strokeWidth=expr("datum.headline ? 3 : 2"), opacity=faint, **quiet).encode(
                x=x("low"), x2="high:Q", y=y("yi"), color=color
            ),
            part.mark_point(
                shape="square", filled=True, opacity=faint, size=expr("datum.headline ? 130 : 70"), **quiet
            ).encode(x=x(), y=y("yi"), color=color),
        ]
        for end, angle in (("low", 270), ("high", 90)):
            layers.append(
                part.transform_filter(f"datum.cut_{end} == 1")
                .mark_point(shape="triangle", filled=True, angle=angle, size=58, opacity=faint, **quiet)
                .encode(x=x(end), y=y("yi"), color=color)
            )
    limit = expr(f"wide ? {TEXT - 10} : width - 16")
    layers += [
        text("rows", "label", "8", (15, 15), align="left", fontSize=13, fontWeight=heavy, opacity=pale, limit=limit),
        text("rows", "patients", "8", (34, 54), align="left", fontSize=11.5, opacity=paler, limit=limit),
        text("rows", "events", "8", (51, 71), align="left", fontSize=11.5, opacity=paler, limit=limit),
        text("rows", "months", "8", (68, 88), align="left", fontSize=11.5, opacity=paler, limit=limit),
        text(
            "rows", "ratio", f"wide ? width - {RATIO - 12} : 8", (ROW / 2, 35),
            align="left", fontSize=13, fontWeight=heavy, opacity=pale,
        ),
        text("rows", "p", "width - 8", (ROW / 2, 35), align="right", opacity=pale),
        text(
            "rows", "note", "plot_start + 4", (ROW / 2, 110),
            align="left", fontStyle="italic", fontSize=11, opacity=0.75, limit=expr("plot_end - plot_start - 8"),
        ),
    ]  # fmt: skip
    params = (
        alt.param(name="wide", expr=f"width >= {NARROWEST_PLOT_VIEW}"),
        alt.param(name="plot_start", expr=f"wide ? {TEXT + 8} : 12"),
        alt.param(name="plot_end", expr=f"wide ? width - {RATIO} : width - 12"),
    )
    spec = alt.layer(*layers).properties(height=TOP, autosize=AUTOSIZE).add_params(*params).to_dict()
    spec.pop("config", None)
    return spec
