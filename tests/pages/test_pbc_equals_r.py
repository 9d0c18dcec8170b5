"""R's pbc data, opened as a registry folder: what stands on the screen is what R computes."""

import numpy as np
import pytest

from core.charts.wording import format_estimate, format_p
from tests.pages.test_pages import charts, table_with
from tests.reference.loading import assert_close, reference

R = reference("pbc_screen")
STAGES = ["Stage 1", "Stage 2", "Stage 3", "Stage 4"]


@pytest.fixture
def overview(app, pbc_folder):
    return app("overview", pbc_folder)


def frames(at, n):
    return list(charts(at))[n][1]


def r_curves():
    """stratum -> (time, estimate, conf_low, conf_high) at the times with an event, from R's survfit."""
    ends = np.cumsum(R["curve"]["rows"])
    curves = {}
    for stage, start, end in zip(STAGES, [0, *ends], ends, strict=False):
        part = {name: R["curve"][name][start:end] for name in ("time", "estimate", "conf_low", "conf_high")}
        survival = np.array(part["estimate"])
        steps = np.flatnonzero(np.diff(survival, prepend=1.0) < 0)
        curves[stage] = {
            name: np.array([np.nan if v == "NA" else v for v in values], float)[steps] for name, values in part.items()
        }
    return curves


def test_the_drawn_curves_are_those_of_survfit(overview):
    lines = frames(overview, 0)["lines"]
    for stage, curve in r_curves().items():
        drawn = lines[lines["stratum"] == stage]
        drawn = drawn[drawn["y"].diff().fillna(drawn["y"] - 1) < 0].drop_duplicates("y")
        assert_close(drawn["x"], curve["time"], f"{stage}: times")
        assert_close(drawn["y"], curve["estimate"], f"{stage}: survival")


def test_the_drawn_bands_are_those_of_survfit(overview):
    bands = frames(overview, 0)["bands"]
    for stage, curve in r_curves().items():
        drawn = bands[(bands["stratum"] == stage)].drop_duplicates("x").set_index("x")
        has_limits = ~np.isnan(curve["conf_low"])
        times = curve["time"][has_limits]
        nearest = drawn.iloc[[int(np.abs(drawn.index.to_numpy() - time).argmin()) for time in times]]
        assert_close(nearest.index.to_numpy(), times, f"{stage}: times of the band")
        assert_close(nearest["low"], curve["conf_low"][has_limits], f"{stage}: lower limit")
        assert_close(nearest["high"], curve["conf_high"][has_limits], f"{stage}: upper limit")


def test_the_numbers_under_the_curves_are_those_of_survfit(overview):
    numbers = frames(overview, 0)["numbers"]
    rows = sorted(numbers["y"].unique())[1:]  # the first row is the axis
    for stage, y in zip(STAGES, rows, strict=True):
        shown = {x: int(label.split(" ")[0]) for x, label in numbers.loc[numbers["y"] == y, ["x", "label"]].to_numpy()}
        expected = {
            time: n
            for time, n, stratum in zip(
                R["at_risk"]["time"], R["at_risk"]["n_risk"], R["at_risk"]["stratum"], strict=True
            )
            if stratum == f"stage={stage[-1]}"
        }
        common = shown.keys() & expected.keys()
        assert len(common) >= 4
        assert {time: shown[time] for time in common} == {time: expected[time] for time in common}


def test_medians_and_the_test_on_the_survival_page_are_those_of_r(app, pbc_folder):
    at = app("survival", pbc_folder)
    median = table_with(at, "Median")
    expected = ["not reached" if value == "NA" else f"{value:.1f} months" for value in R["median"]["estimate"]]
    assert median["Median"].tolist() == expected
    test = table_with(at, "Chi-squared")
    assert test["Chi-squared"][0] == f"{R['log_rank']['statistic']:.2f}"
    assert int(test["Degrees of freedom"][0]) == R["log_rank"]["df"]
    assert test["p"][0] == "<0.001"


def test_the_hazard_ratios_are_those_of_coxph(app, pbc_folder):
    at = app("hazard_ratios", pbc_folder)
    column = "Hazard ratio (95% interval)"
    table = table_with(at, column)
    label = {"age": "Age, per 10 years", "bili": "Bilirubin, per mg/dL", "albumin": "Albumin, per g/dL", "trt": "Treatment",
             "stage": "Histologic stage", "edema": "Oedema", "sex": "Sex"}  # fmt: skip
    for name, ratio in R["ratios"].items():
        rows = table[(table["Covariate"] == label[name]) & (table[column] != "reference")]
        expected = zip(*(np.atleast_1d(ratio[k]) for k in ("estimate", "conf_low", "conf_high")), strict=True)
        assert rows[column].tolist() == [format_estimate(*numbers) for numbers in expected], name
        p = rows["p"].tolist()
        assert p == [format_p(value) for value in np.atleast_1d(ratio["p_value"])], name


def test_the_drawn_hazard_ratios_are_exact(overview):
    intervals = frames(overview, 1)["intervals"]
    shown = intervals[intervals["reference"] == 0]
    expected = np.concatenate(
        [np.atleast_1d(R["ratios"][name]["estimate"]) for name in ("stage", "bili", "albumin", "age", "edema")]
    )
    assert_close(np.sort(shown["x"]), np.sort(expected), "hazard ratios of the Overview")
