"""From files to a registry: every row accounted for, every fault named by place and cure."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import RegistryError
from core.registry import read_registry
from core.registry.findings import Finding, findings_table
from core.registry.reading import build_registry

SAMPLE = Path(__file__).parents[3] / "data" / "sample"

DICTIONARY = pd.DataFrame(
    [
        dict(name="pid", label="Patient", kind="text", role="identifier", means="patient_id"),
        dict(name="dx", label="Diagnosis", kind="date", means="diagnosis_date"),
        dict(name="seen", label="Last contact", kind="date", means="last_contact_date", role="outcome"),
        dict(name="died", label="Death", kind="date", means="death_date", role="outcome"),
        dict(
            name="why", label="Cause", kind="nominal", means="cause_of_death", role="outcome",
            levels="c=Calciphylaxis|o=Other|u=Unknown", level_means="c=specific|o=other|u=unknown",
        ),
        dict(name="age", label="Age", kind="continuous", unit="years", hard_min="18", hard_max="100", soft_min="25"),
        dict(name="stage", label="Stage", kind="ordinal", levels="e=Earlier|l=Later", reference="e"),
    ]
).fillna("")  # fmt: skip


def patients(*rows):
    return pd.DataFrame(rows, columns=["pid", "dx", "seen", "died", "why", "age", "stage"])


GOOD = ("A", "2020-01-01", "2020-03-01", "", "", "50", "e")


def build(*rows, dictionary=DICTIONARY):
    return build_registry("trial", dictionary, patients(*rows), None)


def found(registry, text):
    return [finding for finding in registry.findings if text in finding.rule]


def test_follow_up_runs_to_death_or_else_to_the_last_contact():
    registry = build(GOOD, ("B", "2020-01-01", "", "2020-01-11", "c", "60", "l"))
    assert registry.follow_up["days"].tolist() == [
        10,
        60,
    ]  # sorted by follow-up; 60 days from 1 January to 1 March 2020
    assert registry.follow_up["state"].tolist() == ["death", "alive"]
    assert registry.follow_up["cause"].tolist() == ["specific", None]
    assert registry.patients["stage"].tolist() == ["Later", "Earlier"]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (("B", "", "2020-03-01", "", "", "50", "e"), "No date of diagnosis"),
        (("B", "2020-01-01", "", "", "", "50", "e"), "Neither a date of death nor of last contact"),
        (("B", "2020-05-01", "2020-03-01", "", "", "50", "e"), "Follow-up ends before it begins"),
        (("A", "2020-01-01", "2020-03-01", "", "", "50", "e"), "Patient stands in the file a second time"),
        (("", "2020-01-01", "2020-03-01", "", "", "50", "e"), "No patient identifier"),
    ],
)
def test_a_row_that_cannot_be_used_is_excluded_and_named(row, rule):
    registry = build(GOOD, row)
    assert (registry.n_read, len(registry), registry.n_excluded) == (2, 1, 1)
    (finding,) = found(registry, rule)
    assert (finding.rows, finding.action) == ((3,), "excluded")


@pytest.mark.parametrize(
    ("column", "value", "rule", "action"),
    [
        ("age", "abc", "Not a number", "set to missing"),
        ("age", "inf", "Not a number", "set to missing"),
        ("age", "170", "Outside the possible range 18 to 100 years", "set to missing"),
        ("age", "20", "Outside the usual range from 25 years", "kept"),
        ("stage", "3", "None of the levels e, l", "set to missing"),
        ("seen", "01.03.2020", "Not a date", "set to missing"),
        ("why", "c", "Cause of death without a date of death", "ignored"),
    ],
)
def test_a_wrong_cell_is_reported_by_its_file_row(column, value, rule, action):
    row = dict(zip(patients().columns, ("B", "2020-01-01", "2020-03-01", "", "", "50", "e"), strict=True)) | {
        column: value
    }
    registry = build(GOOD, tuple(row.values()))
    (finding,) = found(registry, rule)
    assert (finding.rows, finding.action) == ((3,), action)
    assert len(registry) + registry.n_excluded == registry.n_read


def test_a_death_without_a_cause_is_kept_as_unknown():
    registry = build(("B", "2020-01-01", "", "2020-01-11", "", "60", "l"))
    assert registry.follow_up["cause"].tolist() == ["unknown"]
    assert found(registry, "Death without a cause")[0].action == "kept"


def test_columns_outside_the_dictionary_are_named_not_lost_in_silence():
    table = patients(GOOD).assign(extra="x")
    registry = build_registry("trial", DICTIONARY, table, None)
    assert found(registry, "Column is not in the dictionary")[0].column == "extra"


def test_the_fingerprint_follows_the_content_and_nothing_else():
    assert build(GOOD).fingerprint == build(GOOD).fingerprint
    assert build(GOOD).fingerprint != build((*GOOD[:5], "51", "e")).fingerprint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "number"}, "kind 'number' is unknown"),
        ({"label": "Age"}, "the label 'Age' stands twice"),
        ({"name": "age"}, "the name 'age' stands twice"),
        ({"reference": "x"}, "the reference 'x' is none of its levels"),
        ({"levels": "e=Earlier|e=Later"}, "names a level twice"),
        ({"step": "1,5"}, "step must be a number with a decimal point"),
        ({"means": "patient_id"}, "Only one column can"),
    ],
)
def test_a_fault_in_the_dictionary_names_row_and_cure(change, message):
    dictionary = DICTIONARY.copy()
    for column, value in change.items():
        dictionary.loc[6, column] = value
    with pytest.raises(RegistryError, match=message):
        build(GOOD, dictionary=dictionary.fillna(""))


def test_a_missing_column_that_the_analysis_rests_on_stops_the_reading():
    with pytest.raises(RegistryError, match=r"patients\.csv lacks 'died'"):
        build_registry("trial", DICTIONARY, patients(GOOD).drop(columns="died"), None)


def test_a_folder_that_is_not_there_or_not_whole_says_so(tmp_path):
    with pytest.raises(RegistryError, match="There is no folder"):
        read_registry(tmp_path / "nowhere")
    (tmp_path / "patients.csv").write_text("a\n1\n")
    with pytest.raises(RegistryError, match=r"lacks dictionary\.csv"):
        read_registry(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        ("pid,dx\n张三,2020\n".encode("gb18030"), "not in UTF-8"),
        (b"pid,dx\n1,2,3,4\n5,6,7,8,9\n", "more cells than its header names"),
        (b"pid,pid\n1,2\n", "two columns named 'pid'"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_cure(tmp_path, content, message):
    DICTIONARY.to_csv(tmp_path / "dictionary.csv", index=False)
    (tmp_path / "patients.csv").write_bytes(content)
    with pytest.raises(RegistryError, match=message):
        read_registry(tmp_path)


def test_line_ends_and_byte_order_mark_do_not_change_the_registry(tmp_path):
    for name, ending, mark in (("unix", "\n", ""), ("windows", "\r\n", "\ufeff")):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("dictionary.csv", "patients.csv", "sts_courses.csv"):
            text = (SAMPLE / file).read_text(encoding="utf-8")
            (folder / file).write_bytes((mark + text).replace("\n", ending).encode("utf-8"))
    assert read_registry(tmp_path / "unix").fingerprint == read_registry(tmp_path / "windows").fingerprint


def test_the_sample_is_read_whole_sorted_and_marked_as_synthetic():
    registry = read_registry(SAMPLE)
    assert (registry.n_read, len(registry)) == (51, 51)
    assert np.all(np.diff(registry.follow_up["days"]) >= 0)
    assert registry.is_synthetic
    assert registry.source == "Synthetic sample"


def test_courses_are_counted_from_the_table_and_lie_within_follow_up():
    registry = read_registry(SAMPLE)
    raw = pd.read_csv(SAMPLE / "sts_courses.csv")
    counted = dict(zip(registry.follow_up["patient"], registry.patients["sts_courses"], strict=True))
    for patient, n in raw.groupby("patient_id").size().items():
        assert counted[patient] == n
    assert sum(counted.values()) == len(raw) == len(registry.courses)
    end = registry.follow_up["days"].to_numpy()[registry.courses["row"]]
    assert (registry.courses["start_days"] <= end).all()


def test_findings_say_where_in_words():
    rows = tuple(range(2, 40))
    assert Finding("r", "f", "c", (7,), "kept").place == "row 7"
    assert Finding("r", "f", "c", (7, 9), "kept").place == "rows 7 and 9"
    assert Finding("r", "f", "c", rows, "kept").place.endswith("and 18 more")
    table = findings_table([Finding("r", "f", "c", (1,), "kept"), Finding("s", "f", "c", (1,), "excluded")])
    assert table["action"].tolist() == ["excluded", "kept"]
