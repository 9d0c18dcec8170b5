"""Workbooks as Excel writes them: shared texts, dates by format, hidden sheets and rows, merged cells."""

import io
import zipfile

import pytest

from core.errors import RegistryError
from core.intake.tables import read_table
from core.intake.workbook import sheet_names
from tests.core.intake.files import SHEET, good_rows, replaced_part, sheet_xml, with_noise, workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRINGS = (
    "<si><t>id</t></si><si><t>day</t></si><si><t>name</t></si>"
    "<si><r><t>Sm</t></r><r><rPr><b/></rPr><t xml:space='preserve'>all </t></r></si>"
    "<si><t>北京</t><rPh sb='0' eb='2'><t>Beijing</t></rPh></si>"
)
STYLES = (
    "<numFmts><numFmt numFmtId='170' formatCode='yyyy\\年m\\月d\\日'/><numFmt numFmtId='171' formatCode='0.0 \"mg/d\"'/></numFmts>"
    "<cellStyleXfs><xf numFmtId='14'/></cellStyleXfs>"
    "<cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='170'/><xf numFmtId='171'/></cellXfs>"
)
ROWS = (
    "<row r='1'><c r='A1' t='s'><v>0</v></c><c r='B1' t='s'><v>1</v></c><c r='C1' t='s'><v>2</v></c><c r='D1' t='inlineStr'>"
    "<is><t>dose</t></is></c></row>"
    "<row r='2' hidden='1'><c r='A2'><v>1</v></c><c r='B2' s='1'><v>43677</v></c><c r='C2' t='s'><v>3</v></c><c r='D2' s='3'><v>0.1</v></c></row>"
    "<row r='4'><c r='A4'><v>2</v></c><c r='B4' s='2'><v>43678.5</v></c><c r='C4' t='s'><v>4</v></c><c r='D4' t='b'><v>1</v></c></row>"
    "<row r='5'><c r='A5'><v>3</v></c><c r='D5' t='e'><v>#N/A</v></c></row>"
    "<row><c><v>4</v></c><c s='1'/><c t='str'><v>text</v></c><c><v>1E3</v></c></row>"
)


def excel(rows=ROWS, *, namespace=MAIN, properties="", more="", states=("visible", "hidden")) -> bytes:
    """A workbook with two sheets, "Data" and "Lists"."""
    sheets = "".join(
        f"<sheet name='{name}' sheetId='{i}' state='{state}' r:id='r{i}'/>"
        for i, (name, state) in enumerate(zip(("Data", "Lists"), states, strict=True), 1)
    )
    kinds = {"r1": "worksheet", "r2": "worksheet", "r3": "sharedStrings", "r4": "styles"}
    targets = {"r1": "/xl/worksheets/a.xml", "r2": "worksheets/b.xml", "r3": "sharedStrings.xml", "r4": "styles.xml"}
    relations = "".join(f"<Relationship Id='{r}' Type='{RELATION}/{kinds[r]}' Target='{targets[r]}'/>" for r in kinds)
    parts = {
        "xl/workbook.xml": f"<workbook xmlns='{namespace}' xmlns:r='{RELATION}'>{properties}<sheets>{sheets}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>{relations}</Relationships>",
        "xl/sharedStrings.xml": f"<sst xmlns='{namespace}'>{STRINGS}</sst>",
        "xl/styles.xml": f"<styleSheet xmlns='{namespace}'>{STYLES}</styleSheet>",
        "xl/worksheets/a.xml": f"<worksheet xmlns='{namespace}'><sheetData>{rows}</sheetData>{more}</worksheet>",
        "xl/worksheets/b.xml": f"<worksheet xmlns='{namespace}'><sheetData/></worksheet>",
    }  # fmt: skip
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("namespace", [MAIN, STRICT])
def test_cells_mean_what_excel_shows(namespace):
    table = read_table(excel(namespace=namespace), "a.xlsx")
    assert table.cells.to_dict("list") == {
        "id": ["1", "2", "3", "4"],
        "day": ["2019-07-31", "2019-08-01 12:00:00", "", ""],
        "name": ["Small", "北京", "", "text"],
        "dose": ["0.1", "TRUE", "#N/A", "1000"],
    }
    assert table.rows == (2, 4, 5, 6)


def test_dates_counted_from_1904():
    table = read_table(excel(properties="<workbookPr date1904='1'/>"), "a.xlsx")
    assert table.cells["day"].iloc[0] == "2023-08-01"


def test_hidden_sheets_come_last_and_are_called_hidden():
    assert sheet_names(excel(states=("hidden", "visible")), "a.xlsx") == {"Lists": False, "Data": True}
    assert read_table(excel(), "a.xlsx").said == ("sheet: Data",)
    assert read_table(excel(states=("hidden", "visible")), "a.xlsx", sheet="Data").said == ("sheet: Data (hidden)",)


def test_hidden_rows_and_merged_cells_are_reported():
    table = read_table(
        excel(more="<mergeCells><mergeCell ref='A4:A5'/><mergeCell ref='A1:B1'/></mergeCells>"), "a.xlsx"
    )
    assert {(f.rule.split(":")[0], f.rows, f.action) for f in table.findings} == {
        ("Merged cells", (4, 5), "kept"),
        ("Hidden in the workbook, read like any other row", (2,), "kept"),
    }


def test_cells_that_overlap_are_damage():
    rows = "<row r='1'><c r='B1'><v>1</v></c><c r='A1'><v>2</v></c></row>"
    with pytest.raises(RegistryError, match="damaged"):
        read_table(excel(rows), "a.xlsx")


@pytest.mark.parametrize(
    "made_to_be_slow",
    ["<f " * 150_000, "<c " * 150_000, ("<f/>" + " " * 2_000 + "x") * 400, "<f>" * 150_000, "<c " + "r " * 400_000],
    ids=["formulas", "cells", "spaces", "nested", "attributes"],
)
def test_a_part_that_is_made_to_be_slow_is_refused_like_any_other(made_to_be_slow):
    """With repetitions that run on, each of these takes hours."""
    content = replaced_part(workbook(good_rows()), SHEET, sheet_xml(made_to_be_slow))
    with pytest.raises(RegistryError, match=r"damaged|empty"):
        read_table(content, "a.xlsx")


@pytest.mark.parametrize(
    "content",
    [
        sheet_xml('<row r="1">' + "<c/>" * 12_000_000 + "</row>"),
        sheet_xml('<row r="1"/>').replace(b"</sheetData>", b"</sheetData>" + b"<x/>" * 12_000_000),
        sheet_xml("<x/>" * 12_000_000 + '<row r="1"/>'),
    ],
    ids=["in a row", "after the rows", "before the rows"],
)
def test_tags_without_number_are_refused_before_anything_holds_them(content):
    with pytest.raises(RegistryError, match="more than 200,000 tags"):
        read_table(replaced_part(workbook(good_rows()), SHEET, with_noise(content)), "a.xlsx")


def test_many_rows_and_texts_of_a_real_table_are_no_bomb():
    rows = [["id", "days", "died", "text"], *([f"P{i}", i, i % 2, f"text {i}"] for i in range(5000))]
    assert len(read_table(workbook(rows), "a.xlsx")) == 5000
