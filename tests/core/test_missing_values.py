"""Missing values: what is counted adds up, by variable and by pattern."""

from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from core.missing_values import absence, complete_cases, missing_patterns, missing_values
from core.registry import Variable, read_registry

A, B, C = (Variable(name, name.upper(), "continuous") for name in "abc")
FOUR = pd.DataFrame({"a": [1.0, np.nan, np.nan, 4.0, 5.0], "b": [1.0, 2.0, np.nan, np.nan, 5.0], "c": list("vwxyz")})
EVENT = np.array([True, True, False, False, False])


def test_each_variable_by_event():
    frame = missing_values(absence(FOUR, [A, B, C]), EVENT).set_index("variable")
    assert frame.loc["a"].to_dict() == {
        "label": "A",
        "n": 5,
        "n_missing": 2,
        "percent": 40.0,
        "n_event": 2,
        "n_missing_event": 1,
        "percent_event": 50.0,
        "n_no_event": 3,
        "n_missing_no_event": 1,
        "percent_no_event": 100 / 3,
        "n_only": 1,
    }
    assert frame["n_missing"].tolist() == [2, 2, 0]
    assert frame["n_only"].tolist() == [1, 1, 0]


def test_patterns_have_complete_patients_first():
    frame = missing_patterns(absence(FOUR, [A, B, C]), EVENT)
    assert frame["missing"].tolist()[0] == ()
    assert frame["missing"].tolist()[-1] == ("a", "b")
    assert set(frame["missing"]) == {(), ("a",), ("b",), ("a", "b")}
    assert frame["n"].tolist() == [2, 1, 1, 1]
    assert frame["n_event"].sum() == 2
    assert frame["n_missing"].tolist() == [0, 1, 1, 2]


def test_complete_cases_are_those_of_a_model_of_all_variables():
    assert complete_cases(FOUR, [A, B]).tolist() == [True, False, False, False, True]
    assert complete_cases(FOUR, [C]).all()
    assert complete_cases(FOUR, []).all()


def test_of_nobody_there_is_no_percentage():
    frame = missing_values(absence(FOUR, [A]), np.zeros(5, dtype=bool))
    assert frame["n_event"].item() == 0
    assert np.isnan(frame["percent_event"].item())
    nobody = FOUR.iloc[:0]
    assert np.isnan(missing_values(absence(nobody, [A]), EVENT[:0])["percent"].item())
    assert missing_patterns(absence(nobody, [A]), EVENT[:0]).empty


def test_the_sample_agrees_with_its_file():
    folder = Path(__file__).parents[2] / "data" / "sample"
    registry = read_registry(folder)
    cells = pd.read_csv(folder / "patients.csv", dtype=str)
    variables = [v for v in registry.dictionary.filters if not v.derived]
    died = (registry.follow_up["state"] == "death").to_numpy()
    frame = missing_values(absence(registry.patients, variables), died).set_index("variable")
    for variable in variables:
        empty = cells[variable.name].isna()
        assert frame.loc[variable.name, "n_missing"] == empty.sum()
        assert frame.loc[variable.name, "n_missing_event"] == (empty & cells["death_date"].notna()).sum()


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=30),
)
@settings(deadline=None)
def test_patterns_and_variables_add_up(rows):
    table = np.array(rows)
    frame = pd.DataFrame(np.where(table[:, :3], np.nan, 1.0), columns=["a", "b", "c"])
    event = table[:, 3]
    each, patterns = (
        missing_values(absence(frame, [A, B, C]), event),
        missing_patterns(absence(frame, [A, B, C]), event),
    )
    assert patterns["n"].sum() == len(rows)
    assert patterns["n_event"].sum() == event.sum()
    assert patterns["missing"].is_unique
    for row in each.itertuples():
        inside = patterns["missing"].map(lambda names, name=row.variable: name in names)
        assert patterns.loc[inside, "n"].sum() == row.n_missing == row.n_missing_event + row.n_missing_no_event
        assert patterns.loc[inside, "n_event"].sum() == row.n_missing_event
        assert patterns.loc[patterns["missing"] == (row.variable,), "n"].sum() == row.n_only
    complete = patterns.loc[patterns["n_missing"] == 0, "n"].sum()
    assert complete == complete_cases(frame, [A, B, C]).sum()
