"""Files that readers bring, in many forms, end in the curves that R computes from the same data."""

import csv
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.endpoints import OVERALL, endpoint_times
from core.intake.courses import propose_courses
from core.intake.proposals import propose
from core.intake.questions import questions, row_choices
from core.intake.redcap import from_redcap, is_data_dictionary
from core.intake.reuse import reused
from core.intake.tables import read_table
from core.intake.to_registry import dictionary_file, open_registry
from core.survival import kaplan_meier, logrank_test
from tests.conftest import ROOT
from tests.core.intake.files import workbook
from tests.reference.loading import assert_close, reference

R = reference("intake")
FILES = ROOT / "tests" / "registries"


def raw(name):
    with open(FILES / name, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def file_of(name):
    return (FILES / name).read_bytes()


def kinds(mapping, table):
    return {question.kind for question in questions(mapping, table)}


def assert_curves_of_r(registry, label, what):
    """Every step of every curve, the medians and the log-rank statistic."""
    variable = registry.dictionary.by_label(label)
    times = endpoint_times(registry, OVERALL)
    outcome, rows = times.outcome(np.ones(len(registry), dtype=bool))
    strata = registry.values(variable.name).iloc[rows].reset_index(drop=True)
    result = kaplan_meier(outcome, strata)
    expected = R[what]
    ends = np.cumsum(expected["rows"])
    for i, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
        level = expected["level"][i]
        mine = str(level) if str(level) in variable.levels else variable.levels[i]
        curve = result.curve[(result.curve["stratum"] == mine) & (result.curve["time"] > 0)]
        assert_close(curve["time"], expected["time"][start:end], f"{mine}: times", rtol=1e-9)
        assert_close(curve["estimate"], expected["estimate"][start:end], f"{mine}: survival", rtol=1e-9)
        median = result.quantile(0.5)
        assert_close(median.loc[median["stratum"] == mine, "time"], [expected["median"][i]], f"{mine}: median")
    assert_close([logrank_test(outcome, strata).statistic], [expected["chisq"]], "log-rank")


def veteran(data, name, **options):
    table = read_table(data, name, **options)
    mapping = propose(table)
    assert kinds(mapping, table) == {"time_unit", "event"}
    return open_registry(table, replace(mapping, time_unit="days", event="death"))


def test_veteran_as_r_exports_it():
    registry = veteran(file_of("veteran.csv"), "veteran.csv")
    assert (registry.n_read, len(registry), int((registry.follow_up["state"] == "death").sum())) == (137, 137, 128)
    assert_curves_of_r(registry, "celltype", "veteran")


def test_colon_as_r_exports_it_asks_which_of_the_two_rows_of_a_patient_count():
    table = read_table(file_of("colon.csv"), "colon.csv")
    mapping = replace(propose(table), time_unit="days")
    assert kinds(mapping, table) == {"rows", "event"}
    mapping = replace(mapping, event="death")
    assert row_choices(mapping, table) == [("etype", "1"), ("etype", "2")]
    registry = open_registry(table, replace(mapping, only=("etype", "2")))
    assert (registry.n_read, len(registry), registry.n_excluded) == (1858, 929, 929)
    assert_curves_of_r(registry, "rx", "colon")


def test_pbc_as_r_exports_it_asks_what_its_codes_mean():
    table = read_table(file_of("pbc_source.csv"), "pbc.csv")
    mapping = replace(propose(table), time_unit="days")
    assert kinds(mapping, table) == {"states", "event"}
    mapping = replace(mapping, states={"0": "alive", "1": "competing", "2": "death"})
    assert kinds(mapping, table) == {"competing", "event"}
    mapping = replace(mapping, event="death", competing="transplant")
    registry = open_registry(table, mapping)
    assert len(registry) == 418
    assert_curves_of_r(registry, "stage", "pbc")
    assert_close(registry.values("albumin").mean(), pd.read_csv(FILES / "pbc_source.csv")["albumin"].mean(), "albumin")


def chinese_pbc() -> bytes:
    header, *rows = raw("pbc_source.csv")
    names = {
        "id": "患者编号",
        "time": "随访天数",
        "status": "结局",
        "age": "年龄",
        "albumin": "白蛋白",
        "stage": "分期",
    }
    words = {"status": {"0": "存活", "1": "移植", "2": "死亡"}, "stage": {str(i): f"{i}期" for i in range(1, 5)}}
    lines = ["某医院登记表;;;;;", "", ";".join(names.values())]
    for row in rows:
        cells = dict(zip(header, row, strict=True))
        lines.append(";".join(words.get(name, {}).get(cells[name], cells[name].replace(".", ",")) for name in names))
    return "\r\n".join(lines).encode("gb18030")


def test_semicolons_decimal_commas_and_chinese_words_in_gb18030():
    table = read_table(chinese_pbc(), "登记.csv")
    assert "GB18030" in table.said[0]
    mapping = propose(table)
    assert mapping.states == {"存活": "alive", "死亡": "death"}  # what a transplant means is asked
    assert kinds(mapping, table) == {"states"}
    registry = open_registry(table, replace(mapping, states=mapping.states | {"移植": "competing"}, competing="移植"))
    assert len(registry) == 418
    assert registry.follow_up["file_row"].min() == 4
    assert_curves_of_r(registry, "分期", "pbc")
    albumin = next(variable.name for variable in registry.dictionary if variable.label == "白蛋白")
    assert_close(registry.values(albumin).mean(), pd.read_csv(FILES / "pbc_source.csv")["albumin"].mean(), "albumin")


def excel_veteran() -> bytes:
    header, *rows = raw("veteran.csv")
    numbers = [[int(cell) if cell.lstrip("-").isdigit() else cell for cell in row] for row in rows]
    titles = [["Veterans' Administration lung cancer trial"], ["exported in 2024", None, None], []]
    return workbook([*titles, header, *numbers, ["Total", None, None, 128]], "Trial", {"Notes": [["nothing", "here"]]})


def test_a_workbook_with_title_rows_and_a_row_of_totals():
    registry = veteran(excel_veteran(), "veteran.xlsx", sheet="Trial")
    assert (registry.n_read, len(registry), registry.n_excluded) == (138, 137, 1)
    assert registry.follow_up["file_row"].min() == 5
    assert {(f.rule, f.rows) for f in registry.findings} == {
        ("Title above the header", (1, 2)), ("Row of totals, not a patient", (142,))
    }  # fmt: skip
    assert_curves_of_r(registry, "celltype", "veteran")


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [("utf-8", "\t"), ("utf-8-sig", ","), ("utf-16", "\t"), ("utf-16", ","), ("utf-16-le", ";")],
)
def test_characters_and_delimiters_change_nothing(encoding, delimiter):
    text = "\r\n".join(delimiter.join(row) for row in raw("veteran.csv"))
    assert_curves_of_r(veteran(text.encode(encoding), "veteran.txt"), "celltype", "veteran")


def table_bytes(rows) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


CELLTYPES = {"squamous": "1", "smallcell": "2", "adeno": "3", "large": "4"}
CODEBOOK = table_bytes(
    [
        ["Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
         "Choices, Calculations, OR Slider Labels", "Field Note", "Text Validation Type OR Show Slider Number", "Identifier?"],
        ["record_id", "baseline", "", "text", "Record", "", "", "", ""],
        ["pat", "baseline", "", "text", "How we call the patient", "", "", "", "y"],
        ["cells", "baseline", "", "radio", "<b>Cell type</b>", "1, Squamous | 2, Small cell | 3, Adeno | 4, Large", "", "", ""],
        ["karno", "baseline", "", "text", "Karnofsky score", "", "", "integer", ""],
        ["sym", "baseline", "", "checkbox", "Symptoms", "1, Cough | 2, Pain, in the chest", "", "", ""],
        ["entry", "baseline", "", "text", "Date of diagnosis", "", "", "date_dmy", ""],
        ["seen", "baseline", "", "text", "Last contact", "", "", "date_dmy", ""],
        ["vital", "baseline", "", "radio", "Vital status", "0, Alive | 1, Dead", "", "", ""],
        ["cstart", "chemo", "", "text", "Start of course", "", "", "date_ymd", ""],
        ["cdose", "chemo", "", "text", "Dose in grams", "", "", "number", ""],
    ]
)  # fmt: skip


def redcap_export() -> bytes:
    rows = [["record_id", "redcap_repeat_instrument", "redcap_repeat_instance", "pat", "cells", "karno", "sym___1", "sym___2", "entry",
             "seen", "vital", "baseline_complete", "cstart", "cdose", "chemo_complete"]]  # fmt: skip
    for i, cells in enumerate(pd.read_csv(FILES / "veteran.csv", dtype=str).to_dict("records")):
        end = pd.Timestamp("2019-03-01") + pd.Timedelta(days=int(cells["time"]))
        rows.append([f"R{i}", "", "", f"Canary {i}", CELLTYPES[cells["celltype"]], cells["karno"], str(i % 2), str(i % 3 % 2), "2019-03-01",
                     f"{end:%Y-%m-%d}", cells["status"], "2", "", "", ""])  # fmt: skip
        if i % 2 == 0:
            rows.append([f"R{i}", "chemo", "1", *[""] * 9, "2019-03-01", "12.5", "2"])
    rows.append(["R999", "chemo", "1", *[""] * 9, "2019-03-01", "12.5", "2"])
    rows.append(["R1", "chemo", "1", *[""] * 9, "2018-03-01", "12.5", "2"])
    return table_bytes(rows)


def test_a_redcap_export_with_its_data_dictionary_needs_no_answer():
    codebook = read_table(CODEBOOK, "codebook.csv")
    assert is_data_dictionary(codebook)
    export = from_redcap(read_table(redcap_export(), "export.csv"), codebook)
    mapping = propose(export.patients, export.known)
    assert questions(mapping, export.patients) == []
    registry = open_registry(export.patients, mapping, export.courses, propose_courses(export.courses))
    assert len(registry) == 137
    cell_type = registry.dictionary.by_label("Cell type")
    assert cell_type.levels == ("Squamous", "Small cell", "Adeno", "Large")
    assert registry.dictionary.by_label("Symptoms: Pain, in the chest") is not None
    assert not any("call" in variable.label for variable in registry.dictionary)
    assert "Canary" not in registry.patients.to_csv() + registry.follow_up.to_csv()
    assert len(registry.courses) == 69
    outside = [f for f in registry.findings if f.rule.startswith("Course")]
    assert {f.rule: f.n_rows for f in outside} == {
        "Course of a patient who is not in export.csv": 1, "Course starts before diagnosis": 1
    }  # fmt: skip
    assert_curves_of_r(registry, "Cell type", "veteran")


@pytest.mark.parametrize("form", ["csv", "chinese"])
def test_the_saved_dictionary_answers_every_question_the_next_time(form):
    if form == "csv":
        table = read_table(file_of("colon.csv"), "colon.csv")
        mapping = replace(propose(table), time_unit="days", only=("etype", "2"), event="recurrence")
    else:
        table = read_table(chinese_pbc(), "登记.csv")
        mapping = propose(table)
        mapping = replace(mapping, states=mapping.states | {"移植": "competing"}, competing="移植")
    saved = dictionary_file(table, mapping).to_csv(index=False).encode("utf-8-sig")
    again = reused(table, read_table(saved, "dictionary.csv"))
    assert questions(again, table) == []
    first, second = open_registry(table, mapping), open_registry(table, again)
    pd.testing.assert_frame_equal(first.follow_up, second.follow_up)
    pd.testing.assert_frame_equal(first.patients, second.patients)
    assert first.fingerprint == second.fingerprint  # links to the one open with the other


def test_the_sample_with_its_dictionary_opens_as_it_does_from_its_folder(sample_folder):
    table = read_table((sample_folder / "patients.csv").read_bytes(), "patients.csv")
    courses = read_table((sample_folder / "sts_courses.csv").read_bytes(), "sts_courses.csv")
    mapping = reused(table, read_table((sample_folder / "dictionary.csv").read_bytes(), "dictionary.csv"))
    assert questions(mapping, table) == []
    registry = open_registry(table, mapping, courses, propose_courses(courses))
    assert (len(registry), int((registry.follow_up["state"] == "death").sum())) == (51, 20)
    assert len(registry.courses) == len(courses)
    assert registry.dictionary.by_label("Albumin").step == 5


def test_one_repeating_instrument_becomes_the_courses_and_the_others_are_named():
    codebook = read_table(CODEBOOK, "codebook.csv")
    more = [
        ["drawn", "bloods", "", "text", "Blood drawn on", "", "", "date_ymd", ""],
        ["note", "calls", "", "text", "Call", "", "", "", ""],
    ]
    codebook = replace(codebook, cells=pd.concat([codebook.cells, pd.DataFrame(more, columns=codebook.cells.columns)]))
    header, *rows = list(csv.reader(io.StringIO(redcap_export().decode())))
    rows = [[*row, "", ""] for row in rows]
    n_before = len(rows)
    empty = [""] * (len(header) - 3)
    rows += [["R1", "bloods", "1", *empty, "2019-04-01", ""], ["R2", "calls", "1", *empty, "", "rang"]]
    export = from_redcap(read_table(table_bytes([[*header, "drawn", "note"], *rows]), "export.csv"), codebook)
    assert export.courses.name == "export.csv, chemo"
    assert {(f.column, f.rows, f.action) for f in export.patients.findings if "Repeating" in f.rule} == {
        ("bloods", (n_before + 2,), "ignored"), ("calls", (n_before + 3,), "ignored")
    }  # fmt: skip
    assert not {"drawn", "note"} & set(export.patients.cells.columns)
