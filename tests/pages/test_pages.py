"""Every page through Streamlit's test harness: it runs, obeys the filters, and says in words what it cannot answer."""

import json
import re
from io import BytesIO

import pandas as pd
import pyarrow as pa
import pytest

from pages.components.entry import PAGES

NAMES = [file.removeprefix("pages/").removesuffix(".py") for file, *_ in PAGES]
NO_NUMBER = re.compile(r"\b(nan|inf|NaN|e-\d\d)\b")


def words(at):
    """Everything that the page says in words."""
    said = [
        element.value
        for kind in ("title", "header", "subheader", "markdown", "caption", "info", "error")
        for element in at.get(kind)
    ]
    said += [f"{metric.label} {metric.value}" for metric in at.metric]
    for table in tables(at):
        said += [str(cell) for cell in table.to_numpy().ravel()]
    for chart in at.get("vega_lite_chart"):
        said.append(chart.proto.alt)
    return "\n".join(map(str, said))


def tables(at):
    """Every table on the page as a frame of what a reader sees; marks that keep Markdown from acting are taken out."""
    frames = [element.value for kind in ("table", "dataframe") for element in at.get(kind)]
    return [frame.map(_seen).rename(columns=_seen) for frame in frames]


def _seen(cell):
    return re.sub(r"\\(.)", r"\1", cell) if isinstance(cell, str) else cell


def table_with(at, column):
    """The first table that has such a column."""
    return next(frame for frame in tables(at) if column in frame.columns)


def charts(at):
    """(specification, {name: frame}) of every chart on the page."""
    for element in at.get("vega_lite_chart"):
        frames = {d.name: pa.ipc.open_stream(BytesIO(d.data.data)).read_pandas() for d in element.proto.datasets}
        yield json.loads(element.proto.spec), frames


@pytest.mark.parametrize("name", NAMES)
def test_a_page_opens_without_an_exception_and_without_a_code_for_a_number(app, name):
    at = app(name)
    assert not at.exception
    assert at.header
    assert not NO_NUMBER.search(words(at))
    assert at.session_state["_booted"]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_opens_on_another_registry_by_its_dictionary_alone(app, pbc_folder, name):
    at = app(name, pbc_folder)
    assert not at.exception
    assert not NO_NUMBER.search(words(at))
    assert "Synthetic" not in words(at)
    assert at.sidebar.markdown[0].value == "**pbc**"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "methods"])
def test_wherever_the_sample_appears_it_says_that_it_is_synthetic(app, name):
    assert "Synthetic sample" in words(app(name))


def test_the_overview_shows_the_published_counts(app):
    at = app()
    metrics = {metric.label: metric.value for metric in at.metric}
    assert metrics["Patients"] == "51 of 51"
    assert metrics["Deaths"] == "20"


def test_a_filter_changes_every_number_of_the_overview(app):
    at = app()
    before = {metric.label: metric.value for metric in at.metric}
    at.get_by_key("sample.stage").set_value(["Later"]).run()
    after = {metric.label: metric.value for metric in at.metric}
    assert after["Patients"] == "23 of 51"
    assert int(after["Deaths"]) < int(before["Deaths"])
    assert after["Median survival"] != before["Median survival"]


def test_a_filter_stays_when_the_page_changes(app):
    at = app()
    at.get_by_key("sample.stage").set_value(["Later"]).run()
    at.switch_page("pages/survival.py").run()
    assert "23 of 51" in words(at)


def test_a_filter_on_sts_courses_carries_the_notice_wherever_it_is_used(app):
    for name in ("overview", "survival", "hazard_ratios", "cohort"):
        at = app(name)
        assert "known only after diagnosis" not in words(at)
        at.get_by_key("sample.sts_courses").set_value((3, 8)).run()
        assert "Filtered by STS courses, known only after diagnosis" in words(at), name


@pytest.mark.parametrize("name", ["overview", "survival", "hazard_ratios", "cohort"])
def test_an_empty_cohort_is_said_in_words_with_the_way_out(app, name):
    at = app(name)
    at.get_by_key("sample.stage").set_value(["Later"])
    at.get_by_key("more.sample").set_value(["Lesion type"]).run()
    at.get_by_key("sample.lesion_type").set_value(["Livedo"]).run()
    assert not at.exception
    assert "0 of 51" in words(at)
    assert not NO_NUMBER.search(words(at))
    if name != "cohort":
        assert any("Undo one of them" in info.value for info in at.info)


def test_one_patient_without_an_event_gives_a_curve_and_no_ratio(app):
    at = app()
    at.get_by_key("more.sample").set_value(["Age", "Body mass index"]).run()
    for age in range(18, 90):  # the first age that one living patient alone has
        at.get_by_key("sample.age").set_value((age, age)).run()
        metrics = {metric.label: metric.value for metric in at.metric}
        if metrics["Patients"] == "1 of 51" and metrics["Deaths"] == "0":
            break
    assert metrics["Median survival"] == "not reached"
    assert any("no hazard ratio can be estimated" in info.value for info in at.info)
    assert not NO_NUMBER.search(words(at))


def test_a_registry_that_cannot_be_read_says_why_and_shows_no_other(app, tmp_path):
    at = app("overview", tmp_path)
    assert not at.exception
    assert "lacks dictionary.csv and patients.csv" in at.error[0].value.replace("\\", "")
    assert not at.metric


def test_labels_are_shown_literally(app, tmp_path, sample_folder):
    for file in ("patients.csv", "sts_courses.csv"):
        (tmp_path / file).write_bytes((sample_folder / file).read_bytes())
    dictionary = pd.read_csv(sample_folder / "dictionary.csv", dtype=str, keep_default_na=False)
    dictionary.loc[dictionary["name"] == "sex", "label"] = '**Sex** $x^2$ <b>≤ "[a](b)"'
    dictionary.to_csv(tmp_path / "dictionary.csv", index=False)
    at = app("overview", tmp_path)
    assert not at.exception
    for element in [*at.get("markdown"), *at.get("caption"), *at.get("subheader")]:
        assert "**Sex**" not in element.value
