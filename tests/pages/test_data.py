"""The Data page: a reader's own file from upload to numbers, and nothing of it where it does not belong."""

import logging

import pytest
from starlette.formparsers import MultiPartParser

from core.intake.limits import MAX_BYTES
from core.intake.mapping import STATES
from core.view import filter_from_levels, make_view, source_name
from pages.components.source import SERVERS_OWN
from tests.conftest import ROOT
from tests.core.intake.files import GOOD, bomb, csv_file
from tests.core.intake.test_bad_files import REFUSED
from tests.core.intake.test_equal_to_r import CODEBOOK, redcap_export
from tests.pages.test_pages import words

VETERAN = (
    (ROOT / "tests" / "registries" / "veteran.csv")
    .read_bytes()
    .replace(b'"time"', b'"time_days"')
    .replace(b'"status"', b'"died"')
)
CANARIES = ("Quokka77", "Numbat88")


def canary_file(word):
    """A good file with a word in a column's name, in a level, in identifiers and in the name of a person."""
    rows = [f"{word}{i},{word} Smith,{word}-{'ab'[i % 2]},{10 * i + 5},{i % 2}" for i in range(24)]
    return csv_file(f"id,surname,{word} group,time_days,died", *rows)


def upload(at, name, content):
    at.get_by_key("_file_patients").upload(name, content).run()
    return at


def opened(at, name="veteran.csv", content=VETERAN):
    """The Overview of a file that answers everything by itself."""
    upload(at, name, content)
    assert not at.exception
    at.get_by_key("_open").click().run()
    assert not at.exception
    return at


def test_a_file_is_read_checked_and_opened_and_every_page_follows(app):
    at = opened(app("data"))
    registry = at.session_state["_brought"]
    assert at.session_state["source"] == source_name(registry)
    for page in ("overview", "cohort", "survival", "hazard_ratios", "outcomes", "treatment", "findings", "methods"):
        at.switch_page(f"pages/{page}.py").run()
        assert not at.exception, page
        assert not at.error, page
        assert "137 of 137 patients, 128 deaths" in words(at), page
        assert "Synthetic" not in words(at), page


def test_the_servers_registry_comes_back_when_the_reader_says_so(app):
    at = opened(app("data"))
    at.get_by_key("source").set_value(SERVERS_OWN).run()
    at.switch_page("pages/overview.py").run()
    assert "51 of 51" in words(at)
    at.get_by_key("source").set_value(source_name(at.session_state["_brought"])).run()
    assert "137 of 137" in words(at)


@pytest.mark.parametrize("page", ["overview", "survival", "methods"])
def test_a_link_to_a_file_that_is_not_here_asks_for_it_and_shows_no_other(app, page):
    at = app(page, source="Upload 0123456789ab")
    assert not at.exception
    assert at.title[0].value == "This view needs a file that is not here"
    assert "51" not in words(at)
    assert "Synthetic" not in words(at)
    at.get_by_key("_servers_own").click().run()
    assert "51 of 51" in words(at)


def test_the_data_page_says_which_file_a_link_wants(app):
    at = app("data", source="Upload 0123456789ab")
    assert any("Upload 0123456789ab" in warning.value for warning in at.warning)
    assert "51 of 51" not in words(at)


@pytest.mark.parametrize(
    "what", ["no byte", "a column twice", "a PDF", "an open quote", "4,000 columns", "half a workbook"]
)
def test_a_bad_file_is_answered_in_words(app, what):
    name, content, _ = REFUSED[what]
    at = upload(app("data"), name, content)
    assert not at.exception
    assert len(at.error) == 1
    assert name in at.error[0].value


def test_a_bomb_is_refused_on_the_page(app):
    at = upload(app("data"), "a.xlsx", bomb())
    assert not at.exception
    assert "unpacks to more" in at.error[0].value


def test_what_only_the_reader_knows_is_asked_before_anything_opens(app):
    at = upload(app("data"), "veteran.csv", VETERAN.replace(b'"time_days"', b'"time"'))
    assert "In which unit is" in words(at)
    assert not [button for button in at.button if button.key == "_open"]
    unit = next(box for box in at.selectbox if box.label == "Unit of time")
    unit.set_value("days").run()
    assert "137 rows read, 137 patients kept, 0 rows excluded. 128 with the event (death)." in words(at)


def test_names_of_persons_are_pointed_out_and_not_shown(app):
    at = upload(app("data"), "a.csv", canary_file(CANARIES[0]))
    assert any("surname" in warning.value and "not shown" in warning.value for warning in at.warning)
    assert f"{CANARIES[0]} Smith" not in words(at)


def test_names_from_a_file_are_shown_literally(app):
    content = GOOD.replace(b"age", b"**age** $x$ ![a](http://x.example/a.png)")
    at = opened(app("data"), "a.csv", content)
    assert not at.exception
    assert "![a](" not in "".join(element.value for element in at.markdown)


def test_two_sessions_with_two_files_do_not_see_each_other(app, caplog):
    caplog.set_level(logging.DEBUG)
    said = []
    for word, other in zip(CANARIES, reversed(CANARIES), strict=True):
        at = app("data")
        assert other not in words(at)
        opened(at, f"{word}.csv", canary_file(word))
        for page in ("overview", "cohort", "survival", "hazard_ratios", "methods", "data"):
            at.switch_page(f"pages/{page}.py").run()
            assert not at.exception
            said.append((word, other, words(at)))
    assert any(word in text for word, _, text in said)  # the label of a column, in its own session
    assert not any(other in text for _, other, text in said)
    assert not any(word in caplog.text for word in CANARIES)


def test_an_unforeseen_error_leaves_no_value_in_the_log_and_no_traceback_on_the_page(app, monkeypatch, caplog):
    at = opened(app("data"), "a.csv", canary_file(CANARIES[0]))

    def breaks(*args, **more):
        raise ValueError(f"bad value {CANARIES[0]}")

    monkeypatch.setattr("core.analysis.Analysis.n_event", property(breaks))
    at.run()
    assert not at.exception
    assert any("could not be made from your file" in error.value for error in at.error)
    assert CANARIES[0] not in caplog.text
    assert "ValueError" in caplog.text


def test_colon_and_pbc_open_once_the_reader_has_answered(app):
    folder = ROOT / "tests" / "registries"
    at = upload(app("data"), "colon.csv", (folder / "colon.csv").read_bytes())
    choose(at, "Unit of time", "days")
    choose(at, "Some patients stand in more than one row. Keep", "Rows in which etype is 2")
    choose(at, "The event is called", "death")
    assert "1,858 rows read, 929 patients kept, 929 rows excluded. 452 with the event (death)." in words(at)
    at = upload(app("data"), "pbc.csv", (folder / "pbc_source.csv").read_bytes())
    choose(at, "Unit of time", "days")
    for code, meaning in (("0", STATES["alive"]), ("1", STATES["competing"]), ("2", STATES["death"])):
        choose(at, code, meaning)
    choose(at, "The event is called", "death")
    choose(at, "What competes is called", "transplant")
    assert "418 rows read, 418 patients kept, 0 rows excluded. 161 with the event (death)." in words(at)
    assert not at.exception


def choose(at, label, option):
    next(box for box in at.selectbox if box.label == label).set_value(option).run()


def test_a_redcap_project_opens_without_an_answer(app):
    at = app("data")
    at.get_by_key("_file_dictionary").upload("codebook.csv", CODEBOOK)
    at = upload(at, "export.csv", redcap_export())
    assert not at.exception
    assert "137 patients kept" in words(at)
    assert "Canary" not in words(at)
    at.get_by_key("_open").click().run()
    assert not at.exception
    assert "128 deaths" in words(at)


RELAPSE = b"id,time_days,relapse,arm\n" + b"".join(
    f"P{i},{30 * i + 15},{i % 3},{'ab'[i % 2]}\n".encode() for i in range(60)
)


def test_an_event_that_is_no_death_has_its_own_name_on_every_page(app):
    at = app("survival", endpoint="Early mortality")
    at.switch_page("pages/data.py").run()
    upload(at, "relapse.csv", RELAPSE)
    for code, meaning in (("0", STATES["alive"]), ("1", STATES["death"]), ("2", STATES["competing"])):
        choose(at, code, meaning)
    choose(at, "What competes is called", "death")
    at.get_by_key("_open").click().run()
    assert not at.exception
    assert not at.error
    assert "60 of 60 patients, 20 relapses" in words(at)
    assert any(metric.label == "Median time to relapse" for metric in at.metric)
    at.switch_page("pages/survival.py").run()
    assert at.get_by_key("endpoint").options == ["Relapse", "Early relapse", "Relapse before death"]
    assert "Relapse, from diagnosis to its date" in words(at)
    assert "Log-rank" in words(at) + "".join(table.value.to_csv() for table in at.table)
    for page in ("overview", "survival", "hazard_ratios", "methods"):
        at.switch_page(f"pages/{page}.py").run()
        assert not at.exception
        assert not at.error, page
        assert page == "methods" or "deaths" not in words(at), page
    at.get_by_key("source").set_value(SERVERS_OWN).run()
    at.switch_page("pages/survival.py").run()
    assert not at.exception
    assert "51 of 51 patients, 20 deaths" in words(at)


def test_the_file_of_a_link_brings_back_its_page_and_its_filters(app):
    first = opened(app("data"))
    registry = first.session_state["_brought"]
    treated = filter_from_levels(registry.dictionary.by_label("trt"), ["2"])
    view = make_view(registry, "overview", [treated], {"by": "celltype", "endpoint": "Early mortality"})
    at = app("overview", **view.to_query(registry))
    assert at.title[0].value == "This view needs a file that is not here"
    at.switch_page("pages/data.py").run()
    upload(at, "veteran.csv", VETERAN)
    at.get_by_key("_open").click().run()
    assert not at.exception
    assert "68 of 137 patients" in words(at)
    assert at.get_by_key("endpoint").value == "Early mortality"
    assert any("by celltype" in heading.value for heading in at.subheader)


def test_another_file_than_that_of_the_link_opens_as_it_is(app):
    at = app("overview", source="Upload 0123456789ab", endpoint="Early mortality")
    at.switch_page("pages/data.py").run()
    upload(at, "veteran.csv", VETERAN)
    assert any("another file, or the same with other answers" in warning.value for warning in at.warning)
    at.get_by_key("_open").click().run()
    assert not at.exception
    assert "137 of 137 patients" in words(at)


def test_no_upload_passes_through_a_file_on_the_disk():
    """Starlette writes parts of a form above this size into a temporary file."""
    assert MultiPartParser.spool_max_size > MAX_BYTES


def test_numbers_that_stand_for_nothing_are_asked_about_on_the_page(app):
    lines = [
        f"P{i},{30 * i + 15},{i % 2},{999 if i % 4 == 0 else 40 + i % 24},{('<0.5', '3.2', '8', '12.5', '30')[i % 5]}"
        for i in range(60)
    ]
    at = upload(app("data"), "a.csv", csv_file("id,time_days,died,age,crp", *lines))
    assert "In 'age' 999 occurs 15 times and nothing else lies near it." in words(at)
    choose(at, "age: 999 occurs 15 times and nothing else lies near it", "Not recorded")
    choose(at, "crp: 12 values are written like <0.5. They count as", "the limit itself")
    at.get_by_key("_open").click().run()
    assert not at.exception
    registry = at.session_state["_brought"]
    assert registry.values("age").max() == 63
    assert registry.values("crp").min() == 0.5


def test_the_events_own_indicator_is_no_covariate(app):
    lines = [
        f"P{i},2019-01-{i % 28 + 1:02d},2021-01-{i % 28 + 1:02d},{'2020-03-04' if i % 2 else ''},{2 - i % 2},{1 + i // 3 % 2}"
        for i in range(60)
    ]
    at = upload(app("data"), "a.csv", csv_file("id,start,last_contact,relapse_date,relapse,arm", *lines))
    assert "says the same as the event" not in words(at)
    choose(at, "Event, such as death (date; empty without)", "relapse_date")
    choose(at, "The event is called", "relapse")
    assert "Proposed as not used, because it says the same as the event: relapse." in words(at)
    at.get_by_key("_open").click().run()
    assert not at.exception
    registry = at.session_state["_brought"]
    assert "arm" in [variable.name for variable in registry.dictionary]
    assert "relapse" not in [variable.name for variable in registry.dictionary]


def test_what_began_on_a_date_is_proposed_as_known_only_later(app):
    lines = [
        f"P{i},2019-01-{i % 28 + 1:02d},2021-01-{i % 28 + 1:02d},{i // 2 % 2},{2 - i % 2},{'2020-03-04' if i % 2 else ''}"
        for i in range(60)
    ]
    at = upload(app("data"), "a.csv", csv_file("id,start,last_contact,died,steroid,steroid_date", *lines))
    assert "Proposed as known only later, since the date in brackets: steroid (steroid_date)." in words(at).replace(
        "\\", ""
    )
    at.get_by_key("_open").click().run()
    assert not at.exception
    steroid = at.session_state["_brought"].dictionary["steroid"]
    assert (steroid.is_post_baseline, steroid.dated_by) == (True, "steroid_date")
