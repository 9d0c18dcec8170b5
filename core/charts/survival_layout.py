"""How a survival chart is built up: the layers, authored once, into which levels and titles are filled."""

from functools import lru_cache

import altair as alt

from core.charts.chart import AUTOSIZE, INK, dash_range, filled, text_width, tooltip_title

LINE_HEIGHT = 18
LEGEND_SWATCH = 52  # of a legend entry: the line before the name, and the gap after it


@lru_cache(maxsize=256)
def survival_layout(
    domain: tuple,
    present: tuple,
    view: str,
    y_title: str,
    conf_band: bool,
    with_median: bool,
    height: int,
    overlay: bool = False,
) -> dict:
    """The specification for these levels, without data: what stays the same while filters change.

    ``overlay``: dotted lines from the data "overlay" (x y stratum).
    """
    widths = [text_width(name) + LEGEND_SWATCH for name in present] if len(present) > 1 else []
    # the more bands lie over one another, the paler each
    pale = 0.17 if len(present) < 3 else 0.12 if len(present) == 3 else 0.07
    names = present if len(present) > 1 else ("Estimate",)
    return filled(
        _template(view, conf_band, with_median, height, overlay),
        {
            "@levels": list(domain),
            "@dashes": dash_range(len(domain)),
            "@y_title": y_title,
            "@read_out": [
                {"field": f"c{i}", "type": "nominal", "title": tooltip_title(name)} for i, name in enumerate(names)
            ],
            "@pale": pale,
            "@legend_n": len(widths),
            "@legend_line": round(sum(widths)),
            "@legend_cell": round(max(widths, default=1)),
        },
    )


@lru_cache(maxsize=32)
def _template(view, conf_band, with_median, height, overlay) -> dict:
    color = alt.Color("stratum:N", scale=alt.Scale(domain=["@levels"]), legend=None)
    dash = alt.StrokeDash("stratum:N", scale=alt.Scale(domain=["@levels"], range=["@dashes"]), legend=None)
    x = alt.X("x:Q", scale=alt.Scale(nice=False, zero=True), axis=None)
    if view == "hazard":
        scale = alt.Scale(zero=True, nice=True)
        axis = alt.Axis(title="@y_title", tickCount=5, domain=False, ticks=False, titlePadding=10, labelFlush=False)
    else:
        scale = alt.Scale(domain=[0, 1])
        values = [0, 0.25, 0.5, 0.75, 1]
        axis = alt.Axis(
            title="@y_title", values=values, format=".0%", domain=False, ticks=False, titlePadding=10, labelFlush=False
        )

    def y(name):
        return alt.Y(f"{name}:Q", scale=scale, axis=axis)

    ink = alt.value(INK)

    def data(name):
        return alt.Chart(alt.NamedData(name))

    layers = []
    if conf_band:
        layers.append(
            data("bands")
            .mark_area(
                interpolate="step-after",
                line=False,
                opacity=alt.ExprRef("datum.tail ? pale / 2 : pale"),
                aria=False,
                tooltip=False,
            )
            .encode(x=x, y=y("low"), y2="high:Q", color=color, detail="tail:N")
        )
    layers.append(
        data("span").mark_rule(aria=False, tooltip=False).encode(x=x, x2="x2:Q", y=alt.value(height), color=ink)
    )
    if with_median:
        layers += [
            data("half")
            .mark_rule(strokeDash=[4, 4], opacity=0.55, aria=False, tooltip=False)
            .encode(x=x, x2="x2:Q", y=alt.datum(0.5), color=ink),
            data("medians")
            .mark_rule(strokeDash=[4, 4], opacity=0.9, aria=False, tooltip=False)
            .encode(x=x, y=alt.datum(0), y2=alt.datum(0.5), color=color),
        ]
    if overlay:
        layers.append(
            data("overlay")
            .mark_line(interpolate="step-after", strokeWidth=1.8, strokeDash=[1.5, 3], aria=False, tooltip=False)
            .encode(x=x, y=y("y"), color=color)
        )
    layers += [
        data("lines")
        .mark_line(
            interpolate="step-after",
            strokeWidth=2.2,
            strokeJoin="miter",
            opacity=alt.ExprRef("datum.tail ? 0.45 : 1"),
            tooltip=False,
        )
        .encode(x=x, y=y("y"), color=color, strokeDash=dash, detail="tail:N"),
        data("censored")
        .mark_tick(orient="vertical", size=9, thickness=1.3, aria=False, tooltip=False)
        .encode(x=x, y=y("y"), color=color, opacity=alt.value(0.9)),
    ]
    if with_median:
        layers.append(
            data("medians")
            .mark_text(
                align=alt.ExprRef("datum.side < 0 ? 'right' : 'left'"),
                dx=alt.ExprRef("4 * datum.side"),
                fontWeight="bold",
                fontSize=12,
                aria=False,
                tooltip=False,
            )
            .encode(x=x, y=alt.Y("py:Q", scale=None, axis=None), text="label:N", color=color)
            .transform_calculate(py=f"{height - 9} - 15 * datum.row")
        )
    layers.append(_read_out(data, ink, height))
    layers += [
        data("numbers")
        .transform_filter("datum.i % ceil(datum.need / max(1, width * datum.share)) == 0")
        .mark_text(fontSize=12, aria=False, tooltip=False)
        .encode(x=x, y=alt.Y("y:Q", scale=None, axis=None), text="label:N", color=ink),
        data("numbers")
        .transform_filter(f"datum.y < {height + 20}")
        .mark_rule(aria=False, tooltip=False)
        .encode(x=x, y=alt.value(height), y2=alt.value(height + 5), color=ink),
    ]
    layers += _texts(data, ink, color, dash)
    spec = alt.layer(*layers).properties(height=height, autosize=AUTOSIZE).add_params(*_params()).to_dict()
    spec.pop("config", None)
    return spec


def _params():
    """The legend in one line where it fits, else in columns; none for a single group."""
    fits = "width >= legend_line - 20 ? legend_n : max(1, min(legend_n, floor((width + 20) / legend_cell)))"
    return (
        *(alt.param(name=name, value=f"@{name}") for name in ("pale", "legend_n", "legend_line", "legend_cell")),
        alt.param(name="legend_columns", expr=f"legend_n == 0 ? 1 : ({fits})"),
        alt.param(name="legend_rows", expr="ceil(legend_n / legend_columns)"),
    )


def _read_out(data, ink, height):
    """A rule that follows the pointer; its tooltip reads every curve at that time."""
    hover = alt.selection_point(
        name="hover", nearest=True, on="pointerover", clear="pointerout", encodings=["x"], empty=False
    )
    return (
        data("readout")
        .mark_rule(strokeWidth=1, aria=False)
        .encode(
            x=alt.X("t:Q", scale=alt.Scale(nice=False, zero=True), axis=None),
            y=alt.value(0),
            y2=alt.value(height),
            color=ink,
            opacity=alt.condition(hover, alt.value(0.6), alt.value(0)),
            tooltip=[alt.Tooltip("when:N", title="Time"), alt.Tooltip("@read_out:N")],
        )
        .add_params(hover)
    )


def _texts(data, ink, color, dash):
    """Head, legend, group names and feet: texts at places in pixels."""

    def text(chart, **settings):
        return chart.mark_text(baseline="middle", aria=False, tooltip=False, **settings)

    def look(name):
        return alt.ExprRef(f"datum.{name}")

    top = alt.Y("py:Q", scale=None, axis=None)
    left = alt.X("px:Q", scale=None, axis=None)
    head = data("head").transform_filter("width >= datum.low && width < datum.high")
    head = head.transform_calculate(py=f"-16 - (legend_rows > 0 ? 20 * legend_rows + 6 : 0) - {LINE_HEIGHT} * datum.up")
    legend = data("legend").transform_calculate(
        px="legend_rows == 1 ? datum.x : (datum.i % legend_columns) * legend_cell",
        py="-16 - 20 * (legend_rows - 1 - floor(datum.i / legend_columns))",
    )
    settings = {
        "align": look("align"),
        "fontWeight": look("weight"),
        "fontSize": look("size"),
        "opacity": look("opacity"),
        "limit": alt.ExprRef("width + 20"),
    }
    words = data("words")
    at = {"x": alt.X("x:Q", scale=None, axis=None), "y": alt.Y("y:Q", scale=None, axis=None), "text": "label:N"}
    return [
        text(head, align="left", fontSize=12.5, opacity=look("opacity")).encode(
            x=alt.value(0), y=top, text="label:N", color=ink
        ),
        legend.transform_calculate(px2="datum.px + 24")
        .mark_rule(strokeWidth=2.6, aria=False, tooltip=False)
        .encode(x=left, x2="px2:Q", y=top, color=color, strokeDash=dash),
        text(legend, align="left", dx=31, fontSize=12.5, limit=alt.ExprRef("max(80, width - 20)")).encode(
            x=left, y=top, text="stratum:N", color=ink
        ),
        text(words.transform_filter("datum.stratum == ''"), **settings).encode(**at, color=ink),
        text(words.transform_filter("datum.stratum != ''"), **settings).encode(**at, color=color),
        text(
            data("foot").transform_calculate(px="width * datum.at"),
            align=alt.ExprRef("datum.at == 1 ? 'right' : 'center'"),
            fontSize=12.5,
            opacity=look("opacity"),
            limit=alt.ExprRef("width + 40"),
        ).encode(x=left, y=alt.Y("y:Q", scale=None, axis=None), text="label:N", color=ink),
    ]
