"""Where patients are over time: shares in each state, stacked to 100%."""

from functools import lru_cache

import altair as alt
import numpy as np
import pandas as pd

from core.charts.chart import AUTOSIZE, INK, Chart, filled, text_width, tooltip_title, with_data
from core.charts.curve_texts import foot_lines, head_lines, risk_table, tick_numbers
from core.charts.survival_layout import LINE_HEIGHT
from core.charts.survival_paths import READ_OUT_POINTS
from core.charts.time_axis import tick_label, time_ticks
from core.charts.wording import format_count, format_number, format_percent
from core.conventions import SMALL_RISK_SET

CELLS = 240  # of the time axis; an area keeps one step in each
SWATCH = 40  # of a legend entry: the square before the name, and the gap after it
# what a state is drawn with: the hue's place in the theme's palette, and how strong
HUES = ("resolved", "death")
STRENGTHS = {"death": (0.85, 0.45, 0.25), "resolved": (0.8, 0.45, 0.25), "free": (0.1,)}


def stacked_chart(
    result,
    stratum,
    *,
    states,
    free: str,
    y_title: str = "Share of patients",
    x_title: str = "Months from diagnosis",
    end: float | None = None,
    time_unit: str = "months",
    title: str = "",
    legend: bool = True,
    source_mark: str | None = None,
    height: int = 300,
) -> Chart:
    """The Aalen-Johansen shares of one stratum: deaths from below, resolution from above, between them those without either.

    result   CumulativeIncidenceResult, whose causes 1, 2, .. are the states
    stratum  which of its strata is drawn
    states   (name, part) of each cause in order; part "death" is stacked from below, "resolved" and "end" from above
    free     what being in none of them is called
    end      where the time axis ends, so that several charts share one; else at the end of the stratum's follow-up

    A dashed line marks the last time with at least five at risk. Colour says death or not, strength which kind.
    """
    names, parts = zip(*[(str(name), part) for name, part in states], strict=True)
    time, n_risk, shares = _shares(result, stratum, len(names))
    end = float(end) if end else float(time[-1]) or 1.0
    ticks = time_ticks(end, time_unit)
    from_below = [i for i, part in enumerate(parts) if part == "death"]
    from_above = [i for i, part in enumerate(parts) if part != "death"]
    looks = _looks(names, parts, free)
    areas = _areas(time, shares, from_below, from_above, looks, end)
    order = [*from_above, len(names), *reversed(from_below)]  # as they lie on one another, from the top
    entries = [looks[i] for i in order]
    at_risk = _counts_at(time, n_risk, ticks)
    labels = [tick_label(tick) for tick in ticks]
    rows = [(height + 17, labels, max(map(text_width, labels)) + 10)]
    table, words, bottom = risk_table(
        ("",), [[("", [f"{n:,}" for n in at_risk])]], f"{free}, still followed", height + 70
    )
    datasets = {
        "span": pd.DataFrame({"x": [0.0], "x2": [end]}),
        "areas": areas,
        "turn": _turn(time, n_risk, end),
        "numbers": tick_numbers(ticks, end, rows + table),
        "words": words,
        "foot": foot_lines(x_title, height + 40, source_mark, bottom + 26),
        "legend": _legend(entries if legend else []),
        "head": head_lines((title,) if title else (), None),
        "readout": _read_out(time, n_risk, shares, entries, order, end, time_unit),
    }
    layout = _layout(tuple(look[0] for look in entries), y_title, legend, height)
    return Chart(with_data(layout, datasets), _alt(title, entries, order, shares, n_risk, time, time_unit))


def _shares(result, stratum, n_states):
    """Times, numbers at risk, and the shares (n_states + 1, times), the last row those in no state."""
    curve = result.curve[result.curve["stratum"] == stratum]
    first = curve[curve["cause"] == 1]
    shares = np.zeros((n_states + 1, len(first)))
    for i in range(n_states):
        rows = curve[curve["cause"] == i + 1]
        if len(rows):
            shares[i] = rows["estimate"].to_numpy(dtype=float)
    shares[-1] = np.maximum(1 - shares[:-1].sum(axis=0), 0.0)
    return first["time"].to_numpy(dtype=float), first["n_risk"].to_numpy(), shares


def _looks(names, parts, free) -> list[tuple[str, str, float]]:
    """Name, hue and strength of every state, the one without any event last."""
    seen = dict.fromkeys(HUES, 0)
    found = []
    for name, part in zip(names, parts, strict=True):
        hue = "death" if part == "death" else "resolved"
        steps = STRENGTHS[hue]
        found.append((name, hue, steps[min(seen[hue], len(steps) - 1)]))
        seen[hue] += 1
    return [*found, (free, "free", STRENGTHS["free"][0])]


def _areas(time, shares, from_below, from_above, looks, end) -> pd.DataFrame:
    """Steps x low high state hue strength, each to be drawn step-after, up to the end of follow-up."""
    shown = time <= end
    x = np.concatenate([[0.0], time[shown], [min(end, float(time[-1]))]])
    start = np.zeros((len(looks), 1))
    start[-1] = 1.0
    shares = np.hstack([start, shares[:, shown]])
    shares = np.hstack([shares, shares[:, -1:]])
    if len(x) > CELLS:
        cell = np.floor(x / end * CELLS)
        keep = np.append(cell[1:] != cell[:-1], True)
        keep[0] = True
        x, shares = x[keep], shares[:, keep]
    floor, ceiling = np.zeros(len(x)), np.ones(len(x))
    blocks = []
    for i in from_below:
        blocks.append((looks[i], floor, floor + shares[i]))
        floor = floor + shares[i]
    for i in from_above:
        blocks.append((looks[i], ceiling - shares[i], ceiling))
        ceiling = ceiling - shares[i]
    blocks.append((looks[-1], floor, np.maximum(ceiling, floor)))
    frames = [
        pd.DataFrame({"x": x, "low": low, "high": high, "state": name, "hue": hue, "strength": strength})
        for (name, hue, strength), low, high in blocks
    ]
    return pd.concat(frames, ignore_index=True)


def _turn(time, n_risk, end) -> pd.DataFrame:
    """The last time (x) with enough at risk, where follow-up goes on beyond it."""
    enough = np.flatnonzero(n_risk >= SMALL_RISK_SET)
    turn = [float(time[enough[-1]])] if len(enough) else []
    return pd.DataFrame({"x": [x for x in turn if x < min(end, float(time[-1]))]}, dtype=float)


def _counts_at(time, n_risk, ticks) -> list[int]:
    """How many are at risk just before each tick."""
    position = np.searchsorted(time, ticks, side="left")
    return [int(n_risk[i]) if i < len(n_risk) else 0 for i in position]


def _legend(entries) -> pd.DataFrame:
    widths = [text_width(name) + SWATCH for name, _, _ in entries]
    return pd.DataFrame(
        {
            "state": [name for name, _, _ in entries],
            "hue": [hue for _, hue, _ in entries],
            "strength": [strength for _, _, strength in entries],
            "i": range(len(entries)),
            "x": np.cumsum([0.0, *widths])[: len(entries)],
        }
    )


def _read_out(time, n_risk, shares, entries, order, end, time_unit) -> pd.DataFrame:
    """For the hover rule: t, when, n and one text per state (c0, c1, ..), from the top."""
    times = np.linspace(0, end, READ_OUT_POINTS)
    position = np.searchsorted(time, times, side="right") - 1
    followed = times <= time[-1]
    at_risk = _counts_at(time, n_risk, times)
    columns = {
        "t": times,
        "when": [f"{format_number(t)} {time_unit}" for t in times.tolist()],
        "n": [format_count(n) if there else "nobody" for n, there in zip(at_risk, followed, strict=True)],
    }
    for c, (i, entry) in enumerate(zip(order, entries, strict=True)):
        text = {at: format_percent(shares[i][at]) for at in set(position.tolist())}  # one text a step, not one a point
        text[-1] = format_percent(1.0 if entry[1] == "free" else 0.0)
        columns[f"c{c}"] = [
            text[at] if there else "no longer followed"
            for at, there in zip(position.tolist(), followed.tolist(), strict=True)
        ]
    return pd.DataFrame(columns)


def _alt(title, entries, order, shares, n_risk, time, time_unit) -> str:
    said = [f"{name} {format_percent(shares[i][-1])}" for i, (name, _, _) in zip(order, entries, strict=True)]
    who = f"{title}: " if title else ""
    return (
        f"Shares of patients in each state over time. {who}{format_count(n_risk[0])} patients; "
        f"after {format_number(time[-1])} {time_unit}: {', '.join(said)}."
    )


@lru_cache(maxsize=64)
def _layout(names: tuple, y_title: str, legend: bool, height: int) -> dict:
    widths = [text_width(name) + SWATCH for name in names] if legend else []
    read_out = [
        {"field": "n", "type": "nominal", "title": "At risk"},
        *({"field": f"c{i}", "type": "nominal", "title": tooltip_title(name)} for i, name in enumerate(names)),
    ]
    return filled(
        _template(height),
        {
            "@y_title": y_title,
            "@hues": list(HUES),
            "@read_out": read_out,
            "@legend_n": len(widths),
            "@legend_line": round(sum(widths)),
            "@legend_cell": round(max(widths, default=1)),
        },
    )


@lru_cache(maxsize=4)
def _template(height: int) -> dict:
    hue = alt.Color("hue:N", scale=alt.Scale(domain=["@hues"]), legend=None)
    ink = alt.value(INK)
    x_scale, scale = alt.Scale(nice=False, zero=True), alt.Scale(domain=[0, 1])
    axis = alt.Axis(
        title="@y_title",
        values=[0, 0.25, 0.5, 0.75, 1],
        format=".0%",
        domain=False,
        ticks=False,
        grid=False,
        titlePadding=10,
        labelFlush=False,
    )
    x = alt.X("x:Q", scale=x_scale, axis=None)
    px = alt.X("px:Q", scale=None, axis=None)
    py = alt.Y("py:Q", scale=None, axis=None)
    quiet = {"aria": False, "tooltip": False}

    def data(name):
        return alt.Chart(alt.NamedData(name))

    def text(chart, **settings):
        return chart.mark_text(**({"baseline": "middle", "fontSize": 12.5} | quiet | settings))

    areas, legend = data("areas"), data("legend")
    places = legend.transform_calculate(
        px="legend_rows == 1 ? datum.x : (datum.i % legend_columns) * legend_cell",
        py="-16 - 20 * (legend_rows - 1 - floor(datum.i / legend_columns))",
    )
    swatches = places.transform_calculate(px2="datum.px + 14", top="datum.py - 7", low="datum.py + 7")
    is_free = "datum.hue == 'free'"

    def filled_area(chart, color):
        return chart.mark_area(
            interpolate="step-after",
            line=False,
            opacity=alt.ExprRef("datum.strength * (datum.tail ? 0.6 : 1)"),
            **quiet,
        ).encode(
            x=x,
            y=alt.Y("low:Q", scale=scale, axis=axis),
            y2="high:Q",
            detail="state:N",
            color=color,
        )

    def swatch(chart, color):
        return chart.mark_rect(opacity=alt.ExprRef("datum.strength"), **quiet).encode(
            x=px, x2="px2:Q", y=alt.Y("top:Q", scale=None, axis=None), y2="low:Q", color=color
        )

    hover = alt.selection_point(
        name="hover", nearest=True, on="pointerover", clear="pointerout", encodings=["x"], empty=False
    )
    head = data("head").transform_filter("width >= datum.low && width < datum.high")
    head = head.transform_calculate(py=f"-16 - (legend_rows > 0 ? 20 * legend_rows + 6 : 0) - {LINE_HEIGHT} * datum.up")
    layers = [
        filled_area(areas.transform_filter(f"!({is_free})"), hue),
        filled_area(areas.transform_filter(is_free), ink),
        data("turn")
        .mark_rule(strokeDash=[3, 3], opacity=0.8, **quiet)
        .encode(x=x, y=alt.value(0), y2=alt.value(height), color=ink),
        data("span").mark_rule(**quiet).encode(x=x, x2="x2:Q", y=alt.value(height), color=ink),
        data("readout")
        .mark_rule(strokeWidth=1, aria=False)
        .encode(
            x=alt.X("t:Q", scale=x_scale, axis=None),
            y=alt.value(0),
            y2=alt.value(height),
            color=ink,
            opacity=alt.condition(hover, alt.value(0.8), alt.value(0)),
            tooltip=[alt.Tooltip("when:N", title="Time"), alt.Tooltip("@read_out:N")],
        )
        .add_params(hover),
        data("numbers")
        .transform_filter("datum.i % ceil(datum.need / max(1, width * datum.share)) == 0")
        .mark_text(fontSize=12, **quiet)
        .encode(x=x, y=alt.Y("y:Q", scale=None, axis=None), text="label:N", color=ink),
        data("numbers")
        .transform_filter(f"datum.y < {height + 20}")
        .mark_rule(**quiet)
        .encode(x=x, y=alt.value(height), y2=alt.value(height + 5), color=ink),
        swatch(swatches.transform_filter(f"!({is_free})"), hue),
        swatch(swatches.transform_filter(is_free), ink),
        text(places, align="left", dx=20, limit=alt.ExprRef("max(80, width - 20)")).encode(
            x=px, y=py, text="state:N", color=ink
        ),
        text(head, align="left", fontWeight="bold").encode(x=alt.value(0), y=py, text="label:N", color=ink),
        text(data("words"), align="left", fontWeight="bold", fontSize=12, limit=alt.ExprRef("width + 20")).encode(
            x=alt.X("x:Q", scale=None, axis=None),
            y=alt.Y("y:Q", scale=None, axis=None),
            text="label:N",
            color=ink,
        ),
        text(
            data("foot").transform_calculate(px="width * datum.at"),
            align=alt.ExprRef("datum.at == 1 ? 'right' : 'center'"),
            opacity=alt.ExprRef("datum.opacity"),
            limit=alt.ExprRef("width + 40"),
        ).encode(x=px, y=alt.Y("y:Q", scale=None, axis=None), text="label:N", color=ink),
    ]
    fits = "width >= legend_line - 20 ? legend_n : max(1, min(legend_n, floor((width + 20) / legend_cell)))"
    params = [
        *(alt.param(name=name, value=f"@{name}") for name in ("legend_n", "legend_line", "legend_cell")),
        alt.param(name="legend_columns", expr=f"legend_n == 0 ? 1 : ({fits})"),
        alt.param(name="legend_rows", expr="ceil(legend_n / legend_columns)"),
    ]
    spec = alt.layer(*layers).properties(height=height, autosize=AUTOSIZE).add_params(*params).to_dict()
    spec.pop("config", None)
    return spec
