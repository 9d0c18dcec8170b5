"""A sentence of caution drawn on the figure itself, so that it travels when the figure is saved, copied or printed."""

from core.charts.chart import INK, Chart
from core.charts.curve_texts import head_lines

LINE = 18


def with_notice(chart: Chart, notice: str | None, *, above: str = "14") -> Chart:
    """The chart with a sentence over it and in its words; the same chart where there is none.

    above  how many pixels over the plot the lowest line stands: an expression of Vega
    """
    if not notice:
        return chart
    layer = {
        "data": {"name": "notice"},
        "transform": [
            {"filter": "width >= datum.low && width < datum.high"},
            {"calculate": f"-({above}) - {LINE} * datum.up", "as": "py"},
        ],
        "mark": {
            "type": "text",
            "align": "left",
            "baseline": "middle",
            "fontSize": 12.5,
            "opacity": 0.85,
            "aria": False,
            "tooltip": False,
        },
        "encoding": {
            "x": {"value": 0},
            "y": {"field": "py", "type": "quantitative", "scale": None, "axis": None},
            "text": {"field": "label", "type": "nominal"},
            "color": {"value": INK},
        },
    }
    datasets = {**chart.spec["datasets"], "notice": head_lines((), notice)}
    return Chart({**chart.spec, "layer": [*chart.spec["layer"], layer], "datasets": datasets}, f"{chart.alt} {notice}")
