"""The Findings page through Streamlit's test harness."""

from core.findings import VERDICTS
from tests.pages.test_pages import NO_NUMBER, words


def verdicts(at):
    return [verdict for text in at.markdown for verdict in VERDICTS if f"-badge[{verdict}]" in text.value]


def test_every_published_count_is_the_same_on_the_sample(app):
    at = app("findings")
    assert verdicts(at).count("same count") == 8
    assert "different count" not in verdicts(at)
    assert "No hazard ratio, interval or p value was published" in words(at)


def test_the_page_compares_the_cohort_on_the_screen(app):
    at = app("findings")
    at.get_by_key("sample.stage").set_value(["Later"]).run()
    assert verdicts(at).count("different count") >= 4
    assert "not estimable" in verdicts(at)
    assert not NO_NUMBER.search(words(at))


def test_the_early_window_can_be_changed_here_whatever_the_endpoint(app):
    at = app("findings")
    assert "Known at diagnosis (12/51)" in words(at)
    at.get_by_key("window").set_value("12 months").run()
    assert "Early means within 12 months" in words(at)


def test_another_registry_is_compared_and_what_it_lacks_is_said(app, pbc_folder):
    at = app("findings", pbc_folder)
    assert not at.exception
    assert "Not recorded in this registry: infection" in words(at).replace("\\", "")
    assert "cannot be compared" in verdicts(at)
    assert "synthetic" not in words(at)


def test_nobody_left_is_said_in_words(app):
    at = app("findings")
    at.get_by_key("sample.stage").set_value(["Later"])
    at.get_by_key("more.sample").set_value(["Lesion type"]).run()
    at.get_by_key("sample.lesion_type").set_value(["Livedo"]).run()
    assert not at.exception
    assert not NO_NUMBER.search(words(at))
