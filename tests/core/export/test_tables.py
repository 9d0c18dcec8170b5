"""Tables reopen with exact numbers, and no cell begins as a formula does."""

import csv
import io
from pathlib import Path

import docx
import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analysis import Analysis
from core.export.table_one_rows import table_one_notes, table_one_numbers, table_one_rows
from core.export.tables import FORMULA_STARTS, Table, csv_bytes, excel_bytes, safe_text, view_caption, word_bytes
from core.registry import Variable, read_registry
from core.table_one import kept_and_left_out, table_one
from core.view import view_from_query

REGISTRY = read_registry(Path(__file__).parents[3] / "data" / "sample")
VARIABLES = [v for v in REGISTRY.dictionary.filters if v.name != "stage"]
BY_STAGE = table_one(REGISTRY.patients, VARIABLES, REGISTRY.patients["stage"], tests=True)
CAPTION = "Synthetic sample. 51 of 51 patients."
NUMBERS = Table("Numbers", table_one_numbers(BY_STAGE), CAPTION)
ROWS = Table("Table 1", table_one_rows(BY_STAGE), CAPTION, table_one_notes(BY_STAGE), "Section")

# text that a collaborator's file could hold, formulas and control characters among it
texts = st.one_of(
    st.text(max_size=20),
    st.builds(str.__add__, st.sampled_from([*FORMULA_STARTS, " =", "\r\n=", "\x00=", "\ufeff="]), st.text(max_size=8)),
)
floats = st.floats(allow_nan=True, allow_infinity=True)
frames = st.lists(st.tuples(texts, floats, st.integers(-(2**50), 2**50)), max_size=6).map(
    lambda rows: pd.DataFrame(rows, columns=["=name", "value", "count"]).astype({"value": float, "count": int})
)


def reopened_csv(content):
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def reopened_excel(content):
    return openpyxl.load_workbook(io.BytesIO(content))


def assert_harmless(text):
    assert text == "" or (text[0] not in FORMULA_STARTS and (text.lstrip() or "x")[0] not in FORMULA_STARTS), repr(text)


@given(texts)
def test_safe_text_never_begins_as_a_formula_and_keeps_what_was_said(text):
    safe = safe_text(text)
    assert_harmless(safe)
    safe.encode("utf-8")
    assert "\x00" not in safe
    assert "\r" not in safe
    if text.isprintable() and text[:1].isalnum():
        assert safe == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", '=HYPERLINK("x")'])
def test_formulas_get_an_apostrophe(text):
    assert safe_text(text).startswith("'")
    assert safe_text(text)[1:] == text.replace("\r", "\n")


@pytest.mark.parametrize("text", ["Later (n = 23)", "–", "−0.5", "0.19", "a-b", ""])
def test_other_text_stays_as_it_is(text):
    assert safe_text(text) == text


@given(frames, texts)
@settings(deadline=None, max_examples=60)
def test_any_frame_reopens_from_csv_exactly(frame, caption):
    first, header, *rows = reopened_csv(csv_bytes(Table("T", frame, caption)))
    assert first == ([safe_text(caption)] if safe_text(caption) else [""])
    assert header == ["'=name", "value", "count"]
    assert len(rows) == len(frame)
    for (name, value, count), row in zip(rows, frame.to_dict("records"), strict=True):
        assert_harmless(name)
        assert name == safe_text(row["=name"])
        assert int(count) == row["count"]
        assert value == "" if not np.isfinite(row["value"]) else float(value) == row["value"]


@given(frames, texts)
@settings(deadline=None, max_examples=40)
def test_any_frame_reopens_from_excel_exactly(frame, title):
    book = reopened_excel(excel_bytes([Table(title, frame, CAPTION, (title,)), Table(title, frame, CAPTION)]))
    assert len(book.sheetnames) == 2
    for sheet in book:
        assert sheet["A1"].value == CAPTION
        for cells in sheet.iter_rows():
            for cell in cells:
                assert cell.data_type != "f"
                if isinstance(cell.value, str):
                    assert_harmless(cell.value)
        for number, row in enumerate(frame.to_dict("records"), start=4):
            name, value, count = (sheet.cell(number, column).value for column in (1, 2, 3))
            assert (name or "") == safe_text(row["=name"])
            assert count == row["count"]
            assert value is None if not np.isfinite(row["value"]) else value == row["value"]


@given(frames, texts)
@settings(deadline=None, max_examples=15)
def test_any_frame_can_be_written_for_word(frame, caption):
    document = docx.Document(io.BytesIO(word_bytes([Table(caption, frame, caption, (caption,))])))
    cells = [cell.text for row in document.tables[0].rows for cell in row.cells]
    for text in cells[:1] + cells[3::3]:
        assert_harmless(text)
    assert len(document.tables[0].rows) == len(frame) + 1


def test_the_numbers_of_table_one_reopen_exactly_from_csv_and_excel():
    first, header, *rows = reopened_csv(csv_bytes(NUMBERS))
    sheet = reopened_excel(excel_bytes([ROWS, NUMBERS]))["Numbers"]
    assert first == [CAPTION] == [sheet["A1"].value]
    assert header == list(NUMBERS.frame.columns) == [cell.value for cell in sheet[3]]
    for number, (cells, truth) in enumerate(zip(rows, NUMBERS.frame.to_dict("records"), strict=True)):
        for position, (column, text) in enumerate(zip(header, cells, strict=True), start=1):
            value = sheet.cell(number + 4, position).value
            if pd.isna(truth[column]) or truth[column] == "":
                assert text == ""
                assert value in (None, "")
            elif isinstance(truth[column], str):
                assert text == value == truth[column]
            else:
                assert float(text) == value == truth[column]
    age = NUMBERS.frame[(NUMBERS.frame["variable"] == "age") & (NUMBERS.frame["group"] == "Overall")].iloc[0]
    assert age["mean"] == REGISTRY.patients["age"].mean()


def test_whole_numbers_are_written_without_a_decimal_point():
    frame = NUMBERS.frame
    text = csv_bytes(Table("T", frame[frame["variable"] == "sex"][["level", "group", "count"]], CAPTION)).decode(
        "utf-8-sig"
    )
    assert text.splitlines()[2] == "Female,Overall,19"


def test_word_holds_the_table_of_the_screen_with_its_sections_and_notes():
    document = docx.Document(io.BytesIO(word_bytes([ROWS])))
    said = [paragraph.text for paragraph in document.paragraphs]
    assert said[:2] == ["Table 1", CAPTION]
    assert said[2:] == list(ROWS.notes)
    grid = document.tables[0]
    header = [cell.text for cell in grid.rows[0].cells]
    assert header == [column for column in ROWS.frame.columns if column != "Section"]
    lines = [[cell.text for cell in row.cells] for row in grid.rows[1:]]
    sections = list(dict.fromkeys(ROWS.frame["Section"]))
    assert [line[0] for line in lines if len(set(line)) == 1] == sections
    assert [line for line in lines if len(set(line)) > 1] == ROWS.frame.drop(columns="Section").to_numpy().tolist()


def test_dates_lists_and_missing_values_of_every_kind():
    frame = pd.DataFrame(
        {
            "date": [pd.Timestamp("2020-02-29"), pd.NaT],
            "names": [("a", "b"), ()],
            "whole": pd.array([3, None], dtype="Int64"),
            "level": pd.Categorical(["x", None]),
            "yes": [True, False],
        }
    )
    rows = reopened_csv(csv_bytes(Table("T", frame, CAPTION)))[2:]
    assert rows == [["2020-02-29", "a, b", "3", "x", "True"], ["", "", "", "", "False"]]
    sheet = reopened_excel(excel_bytes([Table("T", frame, CAPTION)]))["T"]
    assert [cell.value for cell in sheet[4]] == ["2020-02-29", "a, b", 3, "x", True]


def test_sheet_names_are_those_that_excel_accepts():
    titles = ["Table 1: all [of] it / and more than thirty-one characters", "table 1  all", "", "'=x'", "Table 1  all"]
    book = reopened_excel(excel_bytes([Table(title, ROWS.frame, CAPTION) for title in titles]))
    assert len({name.lower() for name in book.sheetnames}) == len(titles)
    assert all(0 < len(name) <= 31 and not set(name) & set("[]:*?/\\'") for name in book.sheetnames)


def test_the_caption_says_source_patients_filters_and_grouping():
    view, ignored = view_from_query(REGISTRY, "overview", {"sample.stage": ["Later"], "by.sample": ["Sex"]})
    assert not ignored
    caption = view_caption(Analysis(REGISTRY, view))
    assert caption == "Synthetic sample. 23 of 51 patients (Stage: Later), grouped by Sex. Data to 2021-09-30."
    view, _ = view_from_query(REGISTRY, "overview", {"by.sample": ["Nothing"]})
    assert view_caption(Analysis(REGISTRY, view)) == "Synthetic sample. 51 of 51 patients. Data to 2021-09-30."


def row_of(characteristic, frame=ROWS.frame):
    return frame[frame["Characteristic"] == characteristic].iloc[0].to_dict()


def test_table_one_reads_as_in_a_journal():
    assert list(ROWS.frame.columns) == [
        *("Section", "Characteristic", "Level", "Overall (n = 51)", "Earlier (n = 28)", "Later (n = 23)"),
        *("SMD", "p", "Test", "Missing"),
    ]
    assert list(dict.fromkeys(ROWS.frame["Section"])) == [
        *("Demographics", "Clinical features", "Laboratory", "Treatment", "Outcome")
    ]
    assert row_of("Age (years)") == {
        "Section": "Demographics",
        "Characteristic": "Age (years)",
        "Level": "mean ± SD",
        "Overall (n = 51)": "52.0 ± 14.1",
        "Earlier (n = 28)": "53.2 ± 13.9",
        "Later (n = 23)": "50.6 ± 14.5",
        "SMD": "0.19",
        "p": "0.51",
        "Test": "Welch's t test",
        "Missing": "0",
    }
    vintage = row_of("Dialysis vintage (months)")
    assert vintage["Overall (n = 51)"] == "88.0 (65.0 to 161.0)"
    assert vintage["Missing"] == "4 (7.8%)"
    assert row_of("Diabetes")["Level"] == "Yes"
    assert row_of("Infection †")["Overall (n = 51)"] == "14 (27.5%)"
    assert (row_of("Lesion type")["SMD"], row_of("Lesion type")["p"]) == ("–", "<0.001")


def test_notes_name_tests_their_number_and_what_is_missing():
    said = " ".join(ROWS.notes)
    assert "Welch's t test" in said
    assert "chi-square test without Yates' correction" in said
    assert "Fisher's exact test where an expected count is below 5" in said
    assert f"{BY_STAGE.n_tests} p values, not adjusted" in said
    assert "No SMD for Lesion type: the groups have no level in common." in said
    assert "Known only after diagnosis" in said
    group = REGISTRY.patients["stage"].copy()
    group.iloc[:3] = None
    notes = table_one_notes(table_one(REGISTRY.patients, VARIABLES, group), group_label="Stage")
    assert notes[0] == "Stage is not recorded for 3 patients, who count only under Overall."
    assert not any(note.startswith("Tests") for note in notes)


def test_counts_stand_over_their_denominator_as_soon_as_one_is_missing():
    biopsy = Variable("biopsy", "Biopsy", "nominal", levels=("Done", "Not done"))
    warfarin = Variable("warfarin", "Warfarin", "binary", levels=("No", "Yes"))
    frame = pd.DataFrame(
        {
            "biopsy": pd.Categorical(["Done", "Done", "Not done", None], biopsy.levels),
            "warfarin": pd.Categorical(["No", None, "No", "No"], warfarin.levels),
        }
    )
    rows = table_one_rows(table_one(frame, [biopsy, warfarin]))
    assert list(rows.columns) == ["Section", "Characteristic", "Level", "Overall (n = 4)", "Missing"]
    assert rows["Overall (n = 4)"].tolist() == ["2/3 (66.7%)", "1/3 (33.3%)", "0/3 (0.0%)"]
    assert rows["Level"].tolist() == ["Done", "Not done", "Yes"]
    assert rows["Missing"].tolist() == ["1 (25.0%)", "", "1 (25.0%)"]


def test_awkward_tables_are_laid_out_too():
    nobody = REGISTRY.patients.iloc[:0]
    rows = table_one_rows(table_one(nobody, VARIABLES, nobody["stage"], tests=True))
    assert list(rows.columns) == ["Section", "Characteristic", "Level", "Overall (n = 0)", "Missing"]
    assert set(rows["Overall (n = 0)"]) == {"–"}
    assert len(table_one_numbers(table_one(nobody, [], None))) == 0
    one = REGISTRY.patients.iloc[:1]
    assert row_of("Age (years)", table_one_rows(table_one(one, VARIABLES)))["Overall (n = 1)"].endswith("± –")
    kept = np.arange(51) < 30
    left_out = table_one_rows(kept_and_left_out(REGISTRY.patients, VARIABLES, kept))
    assert list(left_out.columns)[4:7] == ["Kept (n = 30)", "Left out (n = 21)", "SMD"]
