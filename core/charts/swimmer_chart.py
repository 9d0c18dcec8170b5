"""Every patient's time since diagnosis as a bar with what happened on it; where there are too many, how many are followed."""

from functools import lru_cache

import altair as alt
import numpy as np
import pandas as pd

from core.charts.chart import ACCENT, AUTOSIZE, INK, Chart, filled, text_width, with_data
from core.charts.time_axis import followed_at, tick_label, time_ticks
from core.charts.wording import format_count, format_number
from core.conventions import DAYS_PER_MONTH
from core.timeline import DEATH, LAST_CONTACT, OTHER_END, Timeline

MOST_ROWS = 120  # beyond it bars are too thin to be told apart
GRID = 160  # points of time of the aggregate
TOP, GROUP = 8, 26
IMMORTAL = "Time before the exposure"
COURSE = "Course"
# for marks in the order asked for; the names are replaced by the theme's colours
LOOKS = (("triangle-up", "orange", 60), ("circle", "green", 60), ("diamond", "violet", 60), ("square", "red", 45))
ENDS = {DEATH: ("cross", 45), LAST_CONTACT: ("triangle-right", 28), OTHER_END: ("stroke", 60)}
HEIGHT = 987_654  # in the template, for that of the chart: a template for every number of patients would be too many
FOLLOWED = ("Exposed", "Not exposed yet, later exposed", "Never exposed")


def swimmer_chart(
    timeline: Timeline,
    *,
    kinds: tuple[str, ...] = (),
    levels: tuple[str, ...] = (),
    horizon: float | None = None,
    x_title: str = "Months from diagnosis",
    course: str = COURSE,
    source_mark: str | None = None,
) -> Chart:
    """One row a patient: the bar of follow-up, courses on it, the time before the exposure shaded, marks for what happened.

    kinds    which of the timeline's marks to draw besides the end of follow-up, at most four
    levels   all levels of the variable that the rows are sorted by: bars then take the colour of their level
    horizon  where the time axis ends; else at the longest follow-up
    course   what a course is called in the legend

    Beyond ``MOST_ROWS`` patients the figure is ``followed_chart`` instead.
    """
    if len(timeline.bars) > MOST_ROWS:
        return followed_chart(timeline, horizon=horizon, x_title=x_title, source_mark=source_mark)
    bars = timeline.bars
    n = len(bars)
    height = 14.0 if n <= 60 else 10.0
    y, headings, bottom = _places(bars["group"].tolist(), height)
    end = _end(bars, horizon)
    kinds = tuple(kinds)[: len(LOOKS)]
    ticks = time_ticks(end)
    happened = timeline.marks[timeline.marks["kind"].isin(kinds)]
    rows = pd.DataFrame(
        {
            "y": y,
            "end": bars["end"].clip(upper=end),
            "level": bars["group"].where(bars["group"].isin(levels), "") if levels else "",
            "label": bars["patient"].astype(str) if height > 12 else "",
            "c0": bars["patient"].astype(str),
            "c1": [f"{format_number(m)} months ({format_count(round(m * DAYS_PER_MONTH))} days)" for m in bars["end"]],
            "c2": [timeline.called(kind) for kind in bars["end_kind"]],
            "c3": [f"{format_number(m)} months" if m == m else "never" for m in bars["since"]],
            "c4": _counts(timeline.courses["row"], n),
            "c5": _read_out(happened, n),
        }
    )
    courses = timeline.courses.loc[timeline.courses["start"] < end, ["row", "start", "stop"]].copy()
    courses["y"] = y[courses["row"].to_numpy(dtype=int)]
    courses["stop"] = courses["stop"].fillna(courses["start"]).clip(lower=courses["start"] + 0.004 * end, upper=end)
    immortal = timeline.immortal[["row", "start", "end"]].copy()
    immortal["end"] = immortal["end"].clip(upper=end)
    immortal["y"] = y[immortal["row"].to_numpy(dtype=int)]
    marks = timeline.marks[["row", "month", "kind"]]
    marks = marks[marks["kind"].isin([*kinds, *ENDS]) & (marks["month"] <= end)]
    marks = marks.assign(y=y[marks["row"].to_numpy(dtype=int)], what=_positions(marks["kind"], kinds))
    present = [kind for kind in (*kinds, *ENDS) if (marks["kind"] == kind).any()]
    legend = _legend(present, kinds, course if len(courses) else "", bool(len(immortal)))
    legend["label"] = legend["label"].map(timeline.called)
    datasets = {
        "rows": rows,
        "courses": courses.drop(columns="row"),
        "immortal": immortal.drop(columns="row"),
        "marks": marks[["month", "y", "what"]],
        "headings": pd.DataFrame(headings, columns=["label", "y"]),
        "ticks": _ticks(ticks, bottom),
        "span": pd.DataFrame({"x": [0.0], "x2": [end]}),
        "legend": legend,
        "foot": _foot(x_title, source_mark, bottom),
    }
    values = {"@levels": list(levels) or [""], "@legend_cell": _cell(legend["label"]), HEIGHT: int(bottom)}
    template = filled(_template(bool(levels), bool(bars["since"].notna().any())), values)
    return Chart(with_data(template, datasets), _alt(timeline, kinds))


def followed_chart(
    timeline: Timeline,
    *,
    horizon: float | None = None,
    x_title: str = "Months from diagnosis",
    source_mark: str | None = None,
) -> Chart:
    """How many patients are still followed at each time: exposed, not exposed yet but later, and never exposed.

    The second area is immortal time: whoever is in it cannot have had the event before the exposure.
    """
    bars = timeline.bars
    ends, since = bars["end"].to_numpy(dtype=float), bars["since"].to_numpy(dtype=float)
    end = _end(bars, horizon)
    times = np.linspace(0, end, GRID)
    since = np.where(since < ends, since, np.nan)
    ever = ~np.isnan(since)
    # exposed by now less those who are no longer followed: whoever is exposed was followed then
    exposed_by_now = np.searchsorted(np.sort(since[ever]), times, side="right")
    exposed = exposed_by_now - (ever.sum() - followed_at(ends[ever], times))
    counts = [exposed, followed_at(ends[ever], times) - exposed, followed_at(ends[~ever], times)]
    parts, low = [], np.zeros(GRID)
    names = FOLLOWED if ever.any() else ("", "", "Followed")
    for what, count in enumerate(counts):
        parts.append(pd.DataFrame({"x": times, "low": low, "high": low + count, "what": what}))
        low = low + count
    areas = pd.concat(parts, ignore_index=True)
    height = 260
    ticks = time_ticks(end)
    legend = pd.DataFrame({"i": range(3), "label": names, "what": range(3)})
    legend = legend[legend["label"] != ""].assign(i=lambda frame: range(len(frame)))
    datasets = {
        "areas": areas,
        "ticks": _ticks(ticks, height),
        "span": pd.DataFrame({"x": [0.0], "x2": [end]}),
        "legend": legend,
        "foot": _foot(x_title, source_mark, height),
    }
    template = filled(_areas_template(height), {"@legend_cell": _cell(legend["label"])})
    n = len(bars)
    exposed = int(np.count_nonzero(~np.isnan(since)))
    said = f"Patients still followed over {tick_label(round(end, 1))} months: {format_count(n)} at the start"
    said += f", {format_count(exposed)} of them exposed at some time." if exposed else "."
    return Chart(with_data(template, datasets), said)


def _end(bars, horizon) -> float:
    longest = max(float(bars["end"].max()) if len(bars) else 0.0, 1.0)
    return min(float(horizon), longest) if horizon else longest


def _places(groups, height):
    """The middle of every row, a heading for each group, and where the rows end."""
    y, headings, at, last = [], [], float(TOP), ""
    counts = pd.Series(groups, dtype=object).value_counts()
    for group in groups:
        if group != last:
            headings.append((f"{group} ({counts[group]})", at + GROUP / 2 + 3))
            at, last = at + GROUP, group
        y.append(at + height / 2)
        at += height
    return np.array(y), headings, at + 4


def _counts(rows, n):
    return np.bincount(rows.to_numpy(dtype=int), minlength=n).astype(int)


def _read_out(marks, n) -> list[str]:
    said: list[list[str]] = [[] for _ in range(n)]
    for row in marks.sort_values("month").itertuples(index=False):
        said[row.row].append(f"{row.kind} at {format_number(row.month)}")
    return ["; ".join(parts) or "nothing" for parts in said]


def _positions(kind, kinds) -> np.ndarray:
    order = {name: i for i, name in enumerate((*kinds, *[None] * (len(LOOKS) - len(kinds)), *ENDS))}
    return kind.map(order).to_numpy(dtype=int) if len(kind) else np.zeros(0, dtype=int)


def _legend(present, kinds, course, with_immortal) -> pd.DataFrame:
    entries = [(course, -1)] if course else []
    entries += [(IMMORTAL, -2)] if with_immortal else []
    entries += list(zip(present, _positions(pd.Series(present, dtype=object), kinds), strict=True))
    return pd.DataFrame(
        {"i": range(len(entries)), "label": [e[0] for e in entries], "what": [int(e[1]) for e in entries]}
    )


def _cell(labels) -> int:
    return round(max(map(text_width, labels), default=1)) + 40


def _ticks(ticks, bottom) -> pd.DataFrame:
    labels = [tick_label(tick) for tick in ticks]
    share = 1 / max(len(ticks), 1)
    return pd.DataFrame({"x": ticks, "label": labels, "y": float(bottom), "i": range(len(ticks)), "share": share})


def _foot(x_title, source_mark, bottom) -> pd.DataFrame:
    rows = [(x_title, 0.5, bottom + 38.0)] + ([(source_mark, 1.0, bottom + 60.0)] if source_mark else [])
    return pd.DataFrame(rows, columns=["label", "at", "y"])


def _alt(timeline, kinds) -> str:
    bars = timeline.bars
    said = [f"Timelines of {format_count(len(bars))} patients from diagnosis to the end of follow-up."]
    said += [
        f"{timeline.called(kind)}: {format_count(n)}." for kind in ENDS if (n := int((bars["end_kind"] == kind).sum()))
    ]
    said += [f"{kind}: {format_count(n)}." for kind in kinds if (n := int((timeline.marks["kind"] == kind).sum()))]
    if len(timeline.courses):
        said.append(f"Courses: {format_count(len(timeline.courses))}.")
    if len(timeline.immortal):
        months = float((timeline.immortal["end"] - timeline.immortal["start"]).sum())
        said.append(
            f"{format_count(len(timeline.immortal))} lived {format_number(months, 0)} months before their exposure."
        )
    return " ".join(said)


_QUIET = {"aria": False, "tooltip": False}


def _data(name):
    return alt.Chart(alt.NamedData(name))


def _y(name="y"):
    return alt.Y(f"{name}:Q", scale=None, axis=None)


def _x(name="x"):
    return alt.X(f"{name}:Q", scale=alt.Scale(nice=False, zero=True), axis=None)


def _finished(layers, height) -> dict:
    """The layers as a specification."""
    spec = (
        alt.layer(*layers)
        .properties(height=height, autosize=AUTOSIZE)
        .add_params(alt.param(name="legend_cell", value="@legend_cell"))
        .to_dict()
    )
    spec.pop("config", None)
    return spec


def _legend_at():
    """Legend entries with their places: as many in a line as fit."""
    return (
        _data("legend")
        .transform_joinaggregate(n="count()")
        .transform_calculate(columns="max(1, min(datum.n, floor(width / legend_cell)))")
        .transform_calculate(
            lx="(datum.i % datum.columns) * legend_cell + 10",
            ly="-12 - 20 * (ceil(datum.n / datum.columns) - 1 - floor(datum.i / datum.columns))",
        )
        .transform_calculate(lx1="datum.lx - 9", lx2="datum.lx + 9", ly1="datum.ly - 5", ly2="datum.ly + 5")
    )


def _axis(height, ink):
    return [
        _data("ticks").mark_rule(opacity=0.12, **_QUIET).encode(x=_x(), y=alt.value(0), y2=alt.value(height), color=ink),
        _data("span").mark_rule(**_QUIET).encode(x=_x(), x2="x2:Q", y=alt.value(height), color=ink),
        _data("ticks")
        .transform_filter("datum.i % ceil(34 / max(1, width * datum.share)) == 0")
        .mark_text(dy=15, fontSize=12, **_QUIET)
        .encode(x=_x(), y=_y(), text="label:N", color=ink),
        _data("foot")
        .transform_calculate(px="width * datum.at")
        .mark_text(align=alt.ExprRef("datum.at == 1 ? 'right' : 'center'"), baseline="middle", fontSize=12.5,
                   opacity=alt.ExprRef("datum.at == 1 ? 0.75 : 1"), **_QUIET)
        .encode(x=alt.X("px:Q", scale=None, axis=None), y=_y(), text="label:N", color=ink),
        _legend_at()
        .mark_text(align="left", baseline="middle", dx=16, fontSize=12.5, **_QUIET)
        .encode(x=alt.X("lx:Q", scale=None, axis=None), y=_y("ly"), text="label:N", color=ink),
    ]  # fmt: skip


@lru_cache(maxsize=4)
def _template(by_level: bool, by_exposure: bool) -> dict:
    height = HEIGHT
    ink, accent = alt.value(INK), alt.value(ACCENT)

    def boxed(name, around):
        return _data(name).transform_calculate(top=f"datum.y - {around}", bottom=f"datum.y + {around}", zero="0")

    def box(chart, start, end, color, opacity, **more):
        return chart.mark_rect(opacity=opacity, **(_QUIET | more)).encode(
            x=_x(start), x2=f"{end}:Q", y=_y("top"), y2="bottom:Q", color=color
        )

    color = alt.Color("level:N", scale=alt.Scale(domain=["@levels"]), legend=None) if by_level else ink
    # bars of several colours take the accent's, too
    course = ink if by_level else accent
    hover = alt.selection_point(name="row", on="pointerover", clear="pointerout", encodings=["y"], empty=False)
    tips = zip(
        ("c0", "c1", "c2", "c3", "c4", "c5"),
        ("Patient", "Followed", "Ended with", "Exposed after", "Courses", "Happened (months)"),
        strict=True,
    )
    layers = [
        *_axis(height, ink),
        box(boxed("immortal", 6), "start", "end", alt.value("orange"), 0.28),
        box(boxed("rows", 1.5), "zero", "end", color, 0.85 if by_level else 0.35),
        box(boxed("courses", 3.5), "start", "stop", course, 1),
    ]
    for what, (shape, paint, size) in enumerate(LOOKS):
        layers.append(
            _mark("marks", "month", "y", what, alt.value(paint), shape=shape, filled=True, size=size, opacity=1)
        )
        layers.append(
            _mark("legend", "lx", "ly", what, alt.value(paint), False, shape=shape, filled=True, size=size, opacity=1)
        )
    for i, (kind, (shape, size)) in enumerate(ENDS.items()):
        look = {"shape": shape, "filled": True, "size": size, "opacity": 0.95 if kind == DEATH else 0.6}
        look |= {"angle": 45} if kind == DEATH else {}
        layers.append(_mark("marks", "month", "y", len(LOOKS) + i, ink, **look))
        layers.append(_mark("legend", "lx", "ly", len(LOOKS) + i, ink, False, **look))
    for what, color_of, around, opacity in ((-1, course, 3.5, 1), (-2, alt.value("orange"), 6, 0.28)):
        layers.append(
            _legend_at()
            .transform_filter(f"datum.what == {what}")
            .transform_calculate(la=f"datum.ly - {around}", lb=f"datum.ly + {around}")
            .mark_rect(opacity=opacity, **_QUIET)
            .encode(x=alt.X("lx1:Q", scale=None, axis=None), x2="lx2:Q", y=_y("la"), y2="lb:Q", color=color_of)
        )
    layers += [
        _data("rows").mark_text(align="right", baseline="middle", fontSize=10.5, opacity=0.8, **_QUIET).encode(
            x=alt.value(-8), y=_y(), text="label:N", color=ink
        ),
        _data("headings").mark_text(align="left", baseline="middle", fontSize=12.5, fontWeight="bold", **_QUIET).encode(
            x=alt.value(0), y=_y(), text="label:N", color=ink
        ),
        _data("rows")
        .transform_calculate(top="datum.y - 6", bottom="datum.y + 6")
        .mark_rect(aria=False)
        .encode(
            x=alt.value(0), x2=alt.value(alt.ExprRef("width")), y=_y("top"), y2="bottom:Q", color=ink,
            opacity=alt.condition(hover, alt.value(0.08), alt.value(0)),
            tooltip=[alt.Tooltip(f"{name}:N", title=title) for name, title in tips if name != "c3" or by_exposure],
        )
        .add_params(hover),
    ]  # fmt: skip
    return _finished(layers, height)


def _mark(name, x, y, what, color, scaled=True, **look):
    place = _x(x) if scaled else alt.X(f"{x}:Q", scale=None, axis=None)
    chart = _data(name) if scaled else _legend_at()
    return (
        chart.transform_filter(f"datum.what == {what}")
        .mark_point(**(look | _QUIET))
        .encode(x=place, y=_y(y), color=color)
    )


@lru_cache(maxsize=4)
def _areas_template(height: int) -> dict:
    ink = alt.value(INK)
    layers = []
    looks = ((alt.value(ACCENT), 0.75), (alt.value("orange"), 0.45), (ink, 0.2))
    axis = alt.Axis(title="Patients still followed", domain=False, ticks=False, tickCount=5, labelFlush=False)
    for what, (color, opacity) in enumerate(looks):
        layers.append(
            _data("areas")
            .transform_filter(f"datum.what == {what}")
            .mark_area(interpolate="step-after", line=False, opacity=opacity, **_QUIET)
            .encode(x=_x(), y=alt.Y("low:Q", axis=axis), y2="high:Q", color=color)
        )
        layers.append(
            _legend_at()
            .transform_filter(f"datum.what == {what}")
            .mark_rect(opacity=opacity, **_QUIET)
            .encode(x=alt.X("lx1:Q", scale=None, axis=None), x2="lx2:Q", y=_y("ly1"), y2="ly2:Q", color=color)
        )
    return _finished([*layers, *_axis(height, ink)], height)
