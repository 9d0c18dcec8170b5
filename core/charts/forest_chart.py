"""Hazard ratios as a forest plot: text and intervals in one view, which becomes a plain table where it is narrow."""

from functools import lru_cache

import altair as alt
import numpy as np
import pandas as pd

from core.charts.chart import ACCENT, AUTOSIZE, INK, Chart, filled, text_width, with_data
from core.charts.ratio_axis import ratio_range, ratio_ticks
from core.charts.time_axis import tick_label

ROW = 26  # height of a row in the plot
NARROW_ROW = 42  # and of one in the narrow table: the label, and the numbers below it
TOP = 34  # where the first row begins
EVENTS, RATIO, P = 100, 142, 58  # widths of the text columns
PLOT = 160  # the least width that a plot is worth drawing in
NARROWEST_PLOT_VIEW = 600


def forest_chart(
    rows: pd.DataFrame,
    *,
    x_title: str = "Hazard ratio (95% CI), log scale",
    ratio_title: str = "HR (95% CI)",
    events_title: str = "Events/patients",
    lower: str = "lower hazard",
    higher: str = "higher hazard",
) -> Chart:
    """Rows of ``forest_rows`` as label, events, interval, ratio and p value.

    Squares grow with the information behind an estimate. An interval that leaves the axis ends in an arrow; a ratio that
    could not be estimated has its reason in place of the interval. Where there is less room than a plot needs the same
    rows are a table.
    """
    low, high = ratio_range(rows)
    wide_y = TOP + ROW * np.arange(len(rows))
    heights = np.where(rows["is_header"], ROW, NARROW_ROW)
    narrow_y = TOP + np.concatenate([[0], np.cumsum(heights)[:-1]])
    bottom = int(TOP + ROW * len(rows))
    ticks = ratio_ticks(low, high)
    table = pd.DataFrame(
        {
            "label": rows["label"].astype(str),
            "indent": np.where(rows["indent"] > 0, 22.0, 8.0),
            "weight": np.where(rows["indent"] > 0, "normal", "bold"),
            "header": rows["is_header"].astype(int),
            "events": rows["events_text"],
            "ratio": rows["text"],
            "p": rows["p_text"],
            "note": rows["note"],
            "muted": (rows["is_reference"] | (rows["note"] != "")).astype(int),
            "wide_y": wide_y,
            "narrow_y": narrow_y,
            "narrow_height": heights,
            "stripe": np.arange(len(rows)) % 2,
        }
    )
    datasets = {
        "rows": table,
        "intervals": _intervals(rows, wide_y + ROW / 2, low, high),
        "ticks": pd.DataFrame({"x": ticks, "label": [tick_label(tick) for tick in ticks], "y": float(bottom)}),
        "span": pd.DataFrame({"x": [low], "x2": [high], "y": [float(bottom)]}),
        "sides": pd.DataFrame({"label": [f"← {lower}", f"{higher} →"], "side": [-1, 1], "y": float(bottom + 56)}),
    }
    values = {"@x_title": x_title, "@ratio": ratio_title, "@events": events_title, "@label_width": _label_width(rows)}
    return Chart(with_data(filled(_template(), values), datasets), _alt(rows))


def _alt(rows) -> str:
    sentences, heading = [], ""
    for row in rows.itertuples(index=False):
        if row.is_header:
            heading = f"{row.label}, "
        elif not row.is_reference:
            p = f", p {row.p_text if row.p_text[0] in '<>' else '= ' + row.p_text}" if row.p_text else ""
            sentences.append(f"{heading if row.indent else ''}{row.label}: {row.text}{p}.")
    left = len(sentences) - 12
    more = [f"And {left} more."] if left > 0 else []
    return " ".join(["Forest plot of hazard ratios.", *sentences[:12], *more])


def _label_width(rows) -> int:
    """Pixels for the labels, in steps so that layouts are shared. A heading may run on into the empty events column."""
    widths = [
        text_width(row.label) * (1.08 if row.indent == 0 else 1) + 30 - (EVENTS if row.is_header else 0)
        for row in rows.itertuples(index=False)
    ]
    return int(min(260, 20 * np.ceil(max([60, *widths]) / 20)))


def _intervals(rows, y, low, high) -> pd.DataFrame:
    """One row an estimate: x, from, to, whether either end is cut, and the size of its square."""
    x, least, most, error = (
        rows[name].to_numpy(dtype=float) for name in ("estimate", "conf_low", "conf_high", "std_error")
    )
    information = error**-2.0
    largest = np.nanmax([*information[np.isfinite(information)], 1e-12])
    size = 34 + 90 * np.sqrt(np.nan_to_num(information / largest, nan=0.0, posinf=0.0))
    columns = {
        "x": np.clip(x, low, high),
        "low": np.clip(least, low, high),
        "high": np.clip(most, low, high),
        "y": y,
        "reference": rows["is_reference"].to_numpy(dtype=int),
        "size": size,
        "cut_low": (least < low).astype(int),
        "cut_high": (most > high).astype(int),
        "outside": ((x < low) | (x > high)).astype(int),
    }
    drawn = ~rows["is_header"].to_numpy(dtype=bool) & ~np.isnan(x)
    return pd.DataFrame({name: values[drawn] for name, values in columns.items()})


@lru_cache(maxsize=1)
def _template() -> dict:
    plot_start, plot_end = "wide ? plot_start : 0", "wide ? plot_end : width"
    scale = alt.Scale(type="log", nice=False, range=[alt.ExprRef(plot_start), alt.ExprRef(plot_end)])
    ink, accent = alt.value(INK), alt.value(ACCENT)
    quiet = {"aria": False, "tooltip": False}

    def data(name):
        return alt.Chart(alt.NamedData(name))

    def x(name="x"):
        return alt.X(f"{name}:Q", scale=scale, axis=None)

    def y(name="y"):
        return alt.Y(f"{name}:Q", scale=None, axis=None)

    def px(name="px"):
        return alt.X(f"{name}:Q", scale=None, axis=None)

    def text(chart, **settings):
        return chart.mark_text(**({"baseline": "middle", "fontSize": 12} | quiet | settings))

    def expr(expression):
        return alt.ExprRef(expression)

    rows = data("rows").transform_calculate(
        first=f"wide ? datum.wide_y + {ROW / 2} : datum.narrow_y + 13",
        second=f"wide ? datum.wide_y + {ROW / 2} : datum.narrow_y + (datum.header ? 13 : 30)",
        top="wide ? datum.wide_y : datum.narrow_y",
        bottom=f"wide ? datum.wide_y + {ROW} : datum.narrow_y + datum.narrow_height",
        events_x="wide ? plot_start - 24 : datum.indent",
        ratio_x=f"wide ? width - {RATIO + P} : width - 66",
        p_x="width - 8",
        note_x="plot_start + 4",
    )
    only_wide = "wide"
    # marks on the ratio's axis hide instead of being filtered out, so that the axis keeps its range
    shown = expr("wide ? 1 : 0")
    intervals = data("intervals")
    layers = [
        rows.transform_filter("datum.stripe == 0")
        .mark_rect(opacity=0.05, **quiet)
        .encode(x=alt.value(0), x2=alt.value(expr("width")), y=y("top"), y2="bottom:Q", color=ink),
        data("span")
        .mark_rule(opacity=expr("wide ? 0.8 : 0"), **quiet)
        .encode(x=x(), x2="x2:Q", y=alt.Y("y:Q", scale=None, axis=None), color=ink),
        data("span")
        .mark_rule(strokeDash=[4, 3], opacity=expr("wide ? 0.6 : 0"), **quiet)
        .encode(x=alt.X(datum=1, type="quantitative", scale=scale, axis=None), y=y(), y2=alt.value(TOP - 4), color=ink),
        data("ticks")
        .transform_calculate(y2="datum.y + 5")
        .mark_rule(opacity=shown, **quiet)
        .encode(x=x(), y=y(), y2="y2:Q", color=ink),
        text(data("ticks"), dy=17, opacity=shown).encode(x=x(), y=y(), text="label:N", color=ink),
        text(
            data("span").transform_filter(only_wide).transform_calculate(px="(plot_start + plot_end) / 2"),
            dy=38,
        ).encode(x=px(), y=y(), text=alt.value("@x_title"), color=ink),
        intervals.mark_rule(strokeWidth=2, opacity=shown, **quiet).encode(x=x("low"), x2="high:Q", y=y(), color=accent),
        intervals.mark_point(
            shape="square", filled=True, opacity=expr("wide && datum.reference ? 0.5 : 0"), size=30, **quiet
        ).encode(x=x(), y=y(), color=ink),
        intervals.mark_point(
            shape="square", filled=True, opacity=expr("wide && !datum.reference && !datum.outside ? 1 : 0"), **quiet
        ).encode(x=x(), y=y(), size=alt.Size("size:Q", scale=None, legend=None), color=accent),
    ]
    for end, at, angle in (("low", plot_start, 270), ("high", plot_end, 90)):
        layers.append(
            intervals.transform_filter(f"wide && datum.cut_{end} == 1")
            .mark_point(shape="triangle", filled=True, angle=angle, size=58, opacity=1, **quiet)
            .encode(x=alt.value(expr(at)), y=y(), color=accent)
        )
    layers += [
        text(
            rows,
            align="left",
            fontWeight=expr("datum.weight"),
            limit=expr(f"wide ? label_width + datum.header * {EVENTS} : width - 24"),
        ).encode(x=px("indent"), y=y("first"), text="label:N", color=ink),
        text(rows, align=expr("wide ? 'right' : 'left'"), opacity=expr("datum.muted ? 0.7 : 0.9")).encode(
            x=px("events_x"), y=y("second"), text="events:N", color=ink
        ),
        text(rows, align=expr("wide ? 'left' : 'right'"), opacity=expr("datum.muted ? 0.65 : 1")).encode(
            x=px("ratio_x"), y=y("second"), text="ratio:N", color=ink
        ),
        text(rows, align="right").encode(x=px("p_x"), y=y("second"), text="p:N", color=ink),
        text(
            rows.transform_filter("wide && datum.note != ''"),
            align="left",
            fontStyle="italic",
            opacity=0.65,
            limit=expr("plot_end - plot_start - 8"),
        ).encode(x=px("note_x"), y=y("second"), text="note:N", color=ink),
        text(
            data("sides").transform_filter(only_wide),
            align=expr("datum.side < 0 ? 'right' : 'left'"),
            dx=expr("8 * datum.side"),
            fontSize=11,
            opacity=0.8,
        ).encode(x=alt.X(datum=1, type="quantitative", scale=scale, axis=None), y=y(), text="label:N", color=ink),
    ]
    layers += _column_titles(data, ink)
    params = (
        alt.param(name="label_width", value="@label_width"),
        alt.param(name="plot_start", expr=f"8 + label_width + {EVENTS} + 24"),
        alt.param(name="plot_end", expr=f"width - {RATIO + P + 24}"),
        alt.param(name="wide", expr=f"width >= {NARROWEST_PLOT_VIEW} && plot_end - plot_start >= {PLOT}"),
    )
    spec = alt.layer(*layers).properties(height=TOP, autosize=AUTOSIZE).add_params(*params).to_dict()
    spec.pop("config", None)
    return spec


def _column_titles(data, ink):
    titles = (
        ("@events", "wide ? plot_start - 24 : 8", "wide ? 'right' : 'left'"),
        ("@ratio", f"wide ? width - {RATIO + P} : width - 66", "wide ? 'left' : 'right'"),
        ("p", "width - 8", "'right'"),
    )
    return [
        data("span")
        .mark_text(
            baseline="middle", fontWeight="bold", fontSize=12, align=alt.ExprRef(align), aria=False, tooltip=False
        )
        .encode(x=alt.value(alt.ExprRef(at)), y=alt.value(TOP - 16), text=alt.value(title), color=ink)
        for title, at, align in titles
    ]
