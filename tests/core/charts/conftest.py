import altair as alt
import pytest


@pytest.fixture
def validated():
    """The chart as a validated Vega-Lite specification with its data written out."""

    def check(chart):
        inline = {name: frame.to_dict("records") for name, frame in chart.spec["datasets"].items()}
        return alt.LayerChart.from_dict({**chart.spec, "datasets": inline}).to_dict()

    return check


@pytest.fixture
def marks():
    """The kinds of marks of a chart's layers, with their data."""

    def kinds(chart):
        return [(layer["mark"]["type"], layer["data"]["name"]) for layer in chart.spec["layer"]]

    return kinds
