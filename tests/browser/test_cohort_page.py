"""The Cohort page in a real browser: a click on a bar filters, a ticked row opens a card, downloads reopen exactly."""

import csv
import io
from urllib.parse import parse_qs, urlsplit

import docx
import openpyxl
import pandas as pd
import pytest
from playwright.sync_api import expect

from core.export.table_one_rows import table_one_numbers
from core.export.tables import FORMULA_STARTS
from core.registry import read_registry
from core.table_one import described_variables, table_one
from tests.browser.conftest import opened, settled

pytestmark = pytest.mark.browser


def headline(page):
    return page.get_by_test_id("stSidebar").locator("h4").first


def bar(page, place, n):
    """The part of a figure that answers to a click on its n-th bar."""
    return page.locator(f".st-key-{place} svg.marks g.mark-rect.role-mark").last.locator("path").nth(n)


def query(page):
    return parse_qs(urlsplit(page.url).query)


def test_a_click_on_a_bar_sets_the_filter_and_the_link_and_a_second_click_undoes_it(sample_server, page, chromium):
    opened(page, f"{sample_server}/cohort?tab=Distributions&section.sample=Clinical+features")
    bar(page, "distribution_stage", 1).click(force=True)
    expect(headline(page)).to_contain_text("23 of 51 patients")
    assert query(page)["sample.stage"] == ["Later"]
    bar(page, "distribution_infection", 1).click(force=True)  # its control is not there yet
    expect(headline(page)).to_contain_text("8 of 51 patients")
    settled(page)
    assert query(page)["sample.infection"] == ["Yes"]
    other = chromium.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    opened(other, page.url)
    expect(headline(other)).to_contain_text("8 of 51 patients")
    other.context.close()
    bar(page, "distribution_infection", 1).click(force=True)
    expect(headline(page)).to_contain_text("23 of 51 patients")
    bar(page, "distribution_stage", 1).click(force=True)
    expect(headline(page)).to_contain_text("51 of 51 patients")
    settled(page)
    assert not {"sample.stage", "sample.infection"} & query(page).keys()


def test_a_click_on_a_range_filters_a_number_and_one_on_what_is_missing_shows_only_that(
    sample_server, page, sample_folder
):
    patients = pd.read_csv(sample_folder / "patients.csv")
    opened(page, f"{sample_server}/cohort?tab=Distributions")
    bar(page, "distribution_age", 1).click(force=True)
    n = patients["age"].between(30, 39).sum()
    expect(headline(page)).to_contain_text(f"{n} of 51 patients")
    settled(page)
    assert query(page)["sample.age"] == ["30", "39"]
    opened(page, f"{sample_server}/cohort?tab=Missing+values")
    bar(page, "missing_panel", 0).click(force=True)
    expect(headline(page)).to_contain_text(f"{patients['crp'].isna().sum()} of 51 patients")
    settled(page)
    assert query(page)["sample.crp.missing"] == ["Only these"]


def test_a_ticked_row_opens_the_card_of_that_patient_and_is_in_the_link(sample_server, page):
    opened(page, f"{sample_server}/cohort?tab=Patients")
    table = page.get_by_test_id("stDataFrame").first
    expect(table).to_be_visible()
    box = table.bounding_box()
    page.mouse.click(box["x"] + 18, box["y"] + 35 * 2.5)  # the box of the second row
    card = page.locator(".st-key-card_panel")
    expect(card.locator("svg.marks").first).to_be_visible()
    expect(card.get_by_text("Onset of lesions")).to_be_visible()
    settled(page)
    assert query(page)["patient.sample"] == ["S02"]
    assert not any(year in card.inner_text() for year in ("2015-", "2016-", "2021-"))


def test_only_the_columns_shown_come_to_the_browser(sample_server, page):
    seen = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: seen.append(frame)))
    opened(page, f"{sample_server}/cohort?tab=Patients&columns.sample=Sex")
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    said = b"".join(frame if isinstance(frame, bytes) else frame.encode() for frame in seen)
    assert b"S05" in said
    assert b"2015-12-14" not in said  # a date of diagnosis
    assert b"Nodule" not in said  # a lesion type


def downloaded(page, name, tmp_path):
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def is_harmless(cell):
    return not isinstance(cell, str) or cell == "" or cell[0] not in FORMULA_STARTS


def test_downloads_of_table_one_reopen_with_exact_numbers(sample_server, page, tmp_path, sample_folder):
    registry = read_registry(sample_folder)
    stage = registry.dictionary["stage"]
    expected = table_one_numbers(
        table_one(registry.patients, described_variables(registry.dictionary, stage), registry.patients["stage"])
    )
    opened(page, f"{sample_server}/cohort")
    expect(page.get_by_role("table").first).to_be_visible()

    content = downloaded(page, "CSV", tmp_path).read_bytes().decode("utf-8-sig")
    caption, header, *rows = csv.reader(io.StringIO(content, newline=""))
    assert "Synthetic sample. 51 of 51 patients, grouped by Stage." in caption[0]
    assert header == list(expected.columns)
    frame = pd.DataFrame(rows, columns=header)
    for column in ("mean", "sd", "median", "percent", "smd"):
        values = [float(text) if text else None for text in frame[column]]
        assert values == [None if pd.isna(value) else float(value) for value in expected[column]], column
    words = frame[["variable", "label", "unit", "level", "group", "method"]]
    assert words.map(is_harmless).all().all()

    book = openpyxl.load_workbook(downloaded(page, "Excel", tmp_path))
    assert book.sheetnames == ["Table 1", "Numbers"]
    for sheet in book:
        for row in sheet.iter_rows():
            assert all(is_harmless(cell.value) and cell.data_type != "f" for cell in row)
    numbers = [[cell.value for cell in row] for row in book["Numbers"].iter_rows(min_row=4, max_row=3 + len(expected))]
    at = list(expected.columns).index("mean")
    assert [row[at] for row in numbers] == [None if pd.isna(v) else float(v) for v in expected["mean"]]

    document = docx.Document(downloaded(page, "Word", tmp_path))
    cells = [cell.text for row in document.tables[0].rows for cell in row.cells]
    assert "52.0 ± 14.1" in cells
    assert all(map(is_harmless, cells))


def test_downloads_of_the_patients_hold_only_what_is_shown(sample_server, page, tmp_path, sample_folder):
    opened(page, f"{sample_server}/cohort?tab=Patients&columns.sample=Albumin")
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    content = downloaded(page, "CSV", tmp_path).read_bytes().decode("utf-8-sig")
    _, header, *rows = csv.reader(io.StringIO(content, newline=""))
    assert header == ["Patient", "Follow-up (days)", "Ended with", "Albumin (g/L)"]
    source = pd.read_csv(sample_folder / "patients.csv")
    assert [row[0] for row in rows] == source["patient_id"].tolist()
    assert [float(row[3]) if row[3] else None for row in rows] == [None if pd.isna(v) else v for v in source["albumin"]]


@pytest.mark.parametrize("part", ["Selection", "Timelines", "Distributions", "Missing values", "Patients", "Follow-up"])
def test_no_part_scrolls_sideways_on_a_phone(sample_server, chromium, part):
    context = chromium.new_context(viewport={"width": 400, "height": 900})
    page = opened(context.new_page(), f"{sample_server}/cohort?tab={part.replace(' ', '+')}&sample.stage=Later")
    expect(page.get_by_role("tab", name=part)).to_be_visible()
    wide = page.evaluate(
        "() => { const main = document.querySelector('[data-testid=stMain]'); return main.scrollWidth - main.clientWidth; }"
    )
    assert wide <= 0
    context.close()
