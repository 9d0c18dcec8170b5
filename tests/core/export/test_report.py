"""The report: every section with its numbers, in Word and as a page of its own; no raw field name and no code for a number."""

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from docx import Document

from core.analysis import Analysis
from core.cohort import Filter
from core.conventions import CONVENTIONS
from core.errors import NotEstimable
from core.export.figures import Figure
from core.export.report import KeptView, report_of
from core.export.report_html import report_html
from core.export.report_methods import strobe_table
from core.export.report_parts import Heading, Link, Paragraph
from core.export.report_word import report_word
from core.export.tables import Table
from core.registry import read_registry
from core.view import make_view

REGISTRY = read_registry(Path(__file__).parents[3] / "data" / "sample")
LINK = "https://example.org/survival?data=123&by=Stage"
SECTIONS = [
    "The view", "Results in brief", "Methods", "Patients", "Outcome", "Hazard ratios", "Competing risks",
    "What begins after diagnosis", "Cautions and limitations", "STROBE checklist", "Definitions and conventions",
]  # fmt: skip
# words of the program, of the dictionary's names or of Python that no reader should meet
RAW = re.compile(
    r"\b(nan|None|inf|conf_low|n_event|p_value|sts_courses|dialysis_status|last_contact_date|patient_id)\b"
)


def view(page="survival", filters=(), registry=REGISTRY, **chosen):
    return Analysis(registry, make_view(registry, page, filters, chosen))


VIEWS = {
    "grouped": lambda: view(),
    "whole": lambda: view("overview", by="Nothing"),
    "competing": lambda: view("outcomes", (Filter("stage", ("Later",)),), endpoint="Resolution of lesions", by="Sex"),
    "one model": lambda: view("hazard_ratios", together=("Age", "Stage"), by="STS courses"),
    "few": lambda: view("treatment", (Filter("age", low=75),)),
    "selection": lambda: view(filters=(Filter("sex", ("Male",)),), by="This selection against the rest"),
    "late entry": lambda: view(clock="onset", landmark=3),
}


def words(report):
    said = [report.title]
    for part in report.parts:
        if isinstance(part, Table):
            said += [part.title, part.caption, *part.notes, *map(str, part.frame.columns)]
            said += part.frame.astype(str).to_numpy().ravel().tolist()
        elif isinstance(part, Figure):
            said += [part.title, part.chart.alt, part.caption]
        else:
            said += list(getattr(part, "texts", ())) or [part.text]
    return "\n".join(said)


@pytest.mark.parametrize("name", VIEWS)
def test_every_section_is_there_and_no_raw_name_or_code_for_a_number(name):
    report = report_of(VIEWS[name](), LINK)
    assert [part.text for part in report.parts if isinstance(part, Heading) and part.level == 1] == SECTIONS
    said = words(report)
    assert not RAW.search(said), RAW.search(said)
    assert "Synthetic sample: these patients are made up." in said
    assert "immortal" in said or "credits the treatment" in said
    for convention in CONVENTIONS:
        assert convention.topic in said


def test_the_numbers_are_those_of_the_view():
    report = report_of(view())
    said = words(report)
    assert "Log-rank test" in said or "log-rank test" in said
    assert "p = 0.057" in said
    assert "36.6 months" in said
    table = next(part for part in report.parts if isinstance(part, Table) and part.title == "Table 1")
    assert {"Overall (n = 51)", "Earlier (n = 28)", "Later (n = 23)"} <= set(table.frame.columns)
    assert not {"Stage", "Lesion type"} & set(table.frame["Characteristic"])  # what groups, and what it is made from
    assert [figure.title for figure in report.figures][:3] == [
        "From all patients to these",
        "Survival by stage",
        "Hazard ratios for overall mortality, each covariate on its own",
    ]


def test_a_view_with_several_covariates_has_their_model():
    report = report_of(view("hazard_ratios", together=("Age", "Stage")))
    table = next(
        part for part in report.parts if isinstance(part, Table) and part.title == "Several covariates in one model"
    )
    assert "reference" in set(table.frame["Hazard ratio (95% interval)"])
    assert "51 patients, 20 deaths, 10.0 for each coefficient." in table.notes


def test_many_covariates_stand_in_several_figures_that_can_be_read():
    titles = [
        figure.title
        for figure in report_of(view("hazard_ratios")).figures
        if "each covariate on its own" in figure.title
    ]
    assert len(titles) > 1
    assert titles[1].endswith("(2 of 3)")


def test_what_cannot_be_estimated_stands_there_with_its_reason():
    said = [
        part.text for part in report_of(view(filters=(Filter("age", low=80),))).parts if isinstance(part, Paragraph)
    ]
    assert any(text.startswith("No ") or "needs two groups" in text for text in said)


def test_nobody_left_makes_no_report():
    with pytest.raises(NotEstimable):
        report_of(view(filters=(Filter("age", low=200),)))


def test_progress_never_goes_back():
    told = []
    report = report_of(view(), LINK, lambda share, what: told.append(share))
    report_html(report, lambda share, what: told.append(1 + share))
    assert told == sorted(told)
    assert len(told) == len(SECTIONS) + len(report.figures)


@pytest.mark.parametrize("name", ["grouped", "competing"])
def test_the_word_document_holds_every_part(name):
    report = report_of(VIEWS[name](), LINK)
    document = Document(io.BytesIO(report_word(report)))
    assert len(document.inline_shapes) == len(report.figures)
    for shape in document.inline_shapes:
        assert shape._inline.docPr.get("descr")
        assert shape.width.mm <= 170.1
        assert shape.height.mm <= 215.1
    assert len(document.tables) == sum(isinstance(part, Table) for part in report.parts)
    assert [p.text for p in document.paragraphs if p.style.name == "Heading 1"] == SECTIONS
    assert LINK in [relation.target_ref for relation in document.part.rels.values() if relation.is_external]
    for table in document.tables:
        assert sum(column.width.mm for column in table.columns) <= 170.5


def test_the_page_needs_nothing_from_elsewhere_and_every_picture_has_its_words():
    report = report_of(view(), LINK)
    page = report_html(report).decode("utf-8")
    assert page.count("<img ") == len(report.figures)
    assert page.count('alt="') == len(report.figures)
    assert not re.search(r'(src|href)="(?!data:image/svg\+xml;base64,|https://example\.org/survival)', page)
    assert "<script" not in page
    body = page[page.index("<body>") : page.index("</body>") + 7]
    ElementTree.fromstring(re.sub(r"(<img [^>]*)>", r"\1/>", body).replace(" class=notice", ""))  # well formed


def test_a_label_from_the_data_is_shown_as_it_is():
    page = report_html(report_of(view(filters=(Filter("stage", ("Later",)),)), "https://x.org/?a=<b>"))
    assert b"a=&lt;b&gt;" in page


def test_strobe_is_filled_where_the_program_knows():
    rows = strobe_table(view(filters=(Filter("stage", ("Later",)),))).frame.set_index("Item")["Here"]
    assert rows["6"] == "Eligible by Stage: Later."
    assert "23 patients and 13 deaths" in rows["10"]
    assert "28 left out" in rows["13"]
    assert rows["22"] == "For the authors."
    assert len(rows) == 26


def test_another_registry_without_dates_has_its_report(pbc_folder):
    pbc = read_registry(pbc_folder)
    report = report_of(view(registry=pbc))
    assert "transplant" in words(report)
    assert report_html(report)


def test_the_kept_views_have_a_section_each_with_figure_numbers_and_link():
    others = [
        KeptView("Later, from 60", view(filters=(Filter("stage", ("Later",)), Filter("age", low=60))), f"{LINK}&a=1"),
        KeptView("Nobody", view(filters=(Filter("age", low=200),)), f"{LINK}&a=2"),
        KeptView("Treated", view("treatment")),
        KeptView("Models", view("hazard_ratios", by="Nothing")),
    ]
    told = []
    report = report_of(view(), LINK, lambda share, what: told.append(what), others)
    headings = [part.text for part in report.parts if isinstance(part, Heading) and part.level == 1]
    named = [f"Kept view: {other.name}" for other in others]
    assert headings == [*SECTIONS[:8], *named, *SECTIONS[8:]]
    assert told == headings
    sections, now = {}, ""
    for part in report.parts:
        if isinstance(part, Heading) and part.level == 1:
            now = part.text
        else:
            sections.setdefault(now, []).append(part)
    later, nobody, treated, models = (sections[name] for name in named)
    table = next(part for part in later if isinstance(part, Table)).frame.set_index("Number")["Here"]
    analysis = others[0].analysis
    assert table["Patients"] == str(len(analysis.cohort)) != str(len(REGISTRY))
    assert table["Events"] == str(analysis.n_event)
    assert [part.address for part in later if isinstance(part, Link)] == [f"{LINK}&a=1"]
    assert [part.title for part in later if isinstance(part, Figure)] == ["Survival by stage"]
    assert not [part for part in nobody if isinstance(part, Figure | Table)]
    assert any("No patient passes" in getattr(part, "text", "") for part in nobody)
    assert [part.title for part in treated if isinstance(part, Figure)] == [
        "At least 3 STS courses: three analyses of the same patients"
    ]
    assert [part.title for part in models if isinstance(part, Figure)] == [
        "Hazard ratios for overall mortality, each covariate on its own"
    ]
    assert not RAW.search(words(report))
    assert len(Document(io.BytesIO(report_word(report))).inline_shapes) == len(report.figures)


def test_many_groups_stand_on_a_page_on_its_side_and_no_word_is_broken():
    report = report_of(view("outcomes", endpoint="Resolution of lesions", by="Lesion type"))
    document = Document(io.BytesIO(report_word(report)))
    assert [section.page_width.mm > 290 for section in document.sections] == [False, True, False]
    wide = next(table for table in document.tables if len(table.columns) == 12)
    assert sum(column.width.mm for column in wide.columns) <= 257.5
    whole = [row for row in wide.rows if len(row._tr.tc_lst) == 12]  # without the heads of sections
    for i, column in enumerate(wide.columns):
        room = column.width.mm - 2.4
        words_of = [word for row in whole for word in row.cells[i].text.split(" ")]
        assert max(map(len, words_of)) * 7.5 * 0.45 * 25.4 / 72 <= room  # Arial's letters are half as wide as high


def test_the_methods_say_of_the_groups_what_was_done():
    def said(**chosen):
        return " ".join(part.text for part in report_of(view(**chosen)).parts if isinstance(part, Paragraph))

    assert "grouped by stage and compared by the log-rank test." in said()
    assert "were grouped by" not in said(by="Nothing")
    assert "the groups are drawn and not tested" in said(by="STS courses")
    assert "they could not be compared" in said(filters=(Filter("stage", ("Later",)),))


def test_the_figure_shows_what_the_view_shows():
    figure = report_of(view(show="Cumulative hazard", risk_table="At risk only")).figures[1]
    assert figure.title == "Cumulative hazard by stage"
