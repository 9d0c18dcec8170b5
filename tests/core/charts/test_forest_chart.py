import math

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_lung

from core.charts.forest_chart import forest_chart
from core.charts.forest_rows import forest_rows
from core.survival.cox_each import cox_each
from core.survival.outcome import Outcome

NAN = math.nan
TERM_COLUMNS = (
    "covariate level n n_event is_reference coef std_error estimate conf_low conf_high statistic p_value note".split()
)
LABELS = {"age": "Age, per 10 years", "ecog": "Performance status", "stage": "分期 <2"}


@pytest.fixture(scope="module")
def lung():
    frame = load_lung().dropna(subset=["ph.ecog"])
    outcome = Outcome(frame["time"].to_numpy(), frame["status"].to_numpy().astype(int))
    levels = ["ECOG 0", "ECOG 1", "ECOG ≥2"]
    ecog = pd.Categorical([levels[int(min(value, 2))] for value in frame["ph.ecog"]], levels)
    return cox_each(outcome, pd.DataFrame({"age": frame["age"].to_numpy() / 10, "ecog": ecog}))


@pytest.fixture
def extreme():
    rows = [
        ("age", "", 50, 20, False, 0.1, 0.05, 1.1, 0.0002, 4e7, 2, 1e-9, ""),
        ("stage", "x", 20, 9, True, 0, NAN, 1, NAN, NAN, NAN, NAN, ""),
        ("stage", "y", 20, 9, False, 7, 4, 1200, 3.1, 5e8, 2, 1e-8, ""),
        ("stage", "w", 20, 0, False, NAN, NAN, NAN, NAN, NAN, NAN, NAN, "not estimable: no events in this group"),
    ]
    return forest_rows(pd.DataFrame(rows, columns=TERM_COLUMNS), LABELS)


def test_a_number_is_one_row_and_levels_stand_under_a_heading(lung):
    rows = forest_rows(lung.terms, LABELS, lung.overall)
    assert rows["label"].tolist() == ["Age, per 10 years", "Performance status", "ECOG 0", "ECOG 1", "ECOG ≥2"]
    assert rows["indent"].tolist() == [0, 0, 1, 1, 1]
    assert rows["is_header"].tolist() == [False, True, False, False, False]
    assert rows["events_text"].tolist() == ["164/227", "", "37/63", "82/113", "45/51"]
    assert rows["text"].iloc[2] == "reference"
    assert rows["text"].iloc[4] == "2.54 (1.64 to 3.93)"
    assert rows["estimate"].iloc[4] == lung.terms["estimate"].iloc[3]


def test_the_heading_carries_the_test_of_several_coefficients(lung):
    assert forest_rows(lung.terms, LABELS, lung.overall)["p_text"].tolist()[1] == "<0.001"
    assert forest_rows(lung.terms, LABELS)["p_text"].tolist()[1] == ""


def test_what_is_not_estimable_is_said_in_words(extreme):
    row = extreme.iloc[-1]
    assert (row["text"], row["p_text"], row["note"]) == ("not estimable", "", "no events in this group")
    assert extreme["text"].iloc[3] == ">999 (3.10 to >999)"
    assert extreme["text"].iloc[0] == "1.10 (<0.01 to >999)"


def test_the_chart_is_valid(lung, extreme, validated):
    validated(forest_chart(forest_rows(lung.terms, LABELS, lung.overall)))
    validated(forest_chart(extreme))


def test_the_marks_are_there(lung, marks):
    kinds = marks(forest_chart(forest_rows(lung.terms, LABELS)))
    assert ("rule", "intervals") in kinds
    assert ("point", "intervals") in kinds
    assert ("text", "rows") in kinds


def test_the_axis_is_logarithmic_and_lies_between_the_columns(lung):
    chart = forest_chart(forest_rows(lung.terms, LABELS))
    interval = next(
        layer
        for layer in chart.spec["layer"]
        if layer["data"]["name"] == "intervals" and layer["mark"]["type"] == "rule"
    )
    scale = interval["encoding"]["x"]["scale"]
    assert scale["type"] == "log"
    assert all("wide ?" in end["expr"] for end in scale["range"])


def test_intervals_beyond_the_axis_are_cut_and_marked(extreme):
    data = forest_chart(extreme).spec["datasets"]
    intervals, span = data["intervals"], data["span"].iloc[0]
    assert intervals["cut_low"].tolist() == [1, 0, 0]
    assert intervals["cut_high"].tolist() == [1, 0, 1]
    assert intervals["outside"].tolist() == [0, 0, 1]
    assert intervals["low"].min() >= span["x"]
    assert intervals["high"].max() <= span["x2"]


def test_every_ordinary_interval_is_shown_whole(lung):
    data = forest_chart(forest_rows(lung.terms, LABELS)).spec["datasets"]
    assert not data["intervals"][["cut_low", "cut_high"]].any(axis=None)
    assert data["span"]["x"].item() < lung.terms["conf_low"].min()
    assert data["span"]["x2"].item() > lung.terms["conf_high"].max()
    assert 1 in data["ticks"]["x"].tolist()
    assert len(data["ticks"]) >= 3


def test_more_information_means_a_larger_square(lung):
    rows = forest_rows(lung.terms, LABELS)
    intervals = forest_chart(rows).spec["datasets"]["intervals"]
    sizes = intervals["size"].to_numpy()
    errors = rows.loc[intervals.index, "std_error"].to_numpy()
    estimated = ~np.isnan(errors)
    assert (np.argsort(-sizes[estimated]) == np.argsort(errors[estimated])).all()


def test_nothing_estimable_is_still_a_table(validated):
    rows = pd.DataFrame([("stage", "w", 20, 0, False, *[NAN] * 7, "why")], columns=[*TERM_COLUMNS[:-1], "note"])
    chart = forest_chart(forest_rows(rows, LABELS))
    validated(chart)
    assert chart.alt.endswith("分期 <2, w: not estimable.")


def test_the_alternative_text_names_covariate_level_and_numbers(lung):
    text = forest_chart(forest_rows(lung.terms, LABELS)).alt
    assert "Performance status, ECOG ≥2: 2.54 (1.64 to 3.93), p <0.001." in text
    assert "reference" not in text


def test_long_lists_are_cut_in_the_alternative_text():
    row = ("age", "", 50, 20, False, 0.1, 0.05, 1.1, 1.0, 1.2, 2, 0.03, "")
    terms = pd.DataFrame([(f"x{i}", *row[1:]) for i in range(15)], columns=TERM_COLUMNS)
    assert forest_chart(forest_rows(terms, {})).alt.endswith("And 3 more.")
