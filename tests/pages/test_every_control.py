"""Every control on every page is part of the view, and so of the link; what is not says why it shapes no number."""

import ast
from pathlib import Path

import pytest

from core.cohort_choices import COHORT_PARTS
from core.registry import read_registry
from core.settings import RATIO_PARTS, settings_for
from core.view import filter_key, missing_key, more_key
from pages.components.entry import PAGES
from tests.pages.test_treatment import undated_folder  # noqa: F401  (a fixture)

ROOT = Path(__file__).parents[2]
SAMPLE = read_registry(ROOT / "data" / "sample")

# how the key of a control begins that is not part of the view, and why it need not be
NOT_PART = {
    "_share": "opens the dialog with the link",
    "_link_": "about the link itself: whether it carries numbers, and that its report was read",
    "_view_name": "the name of a kept view, which its file and link carry",
    "_keep_view": "keeps the view as it is",
    "_compare_": "which of the kept views are set side by side; the link for the set has them first",
    "_open": "opens a view or a reader's own file; what is then on the screen has its own link",
    "_take_away_": "forgets a kept view",
    "_views_file": "loads kept views, each a view of its own",
    "_download_": "a file of what is on the screen",
    "_report": "a document about what is on the screen",
    "_figure_": "format and size of a downloaded figure",
    "_reset_": "undoes filters, which are part of the view",
    "_pick_": "a click on a bar sets a filter, which is part of the view",
    "_patients_": "a ticked row sets the setting patient, which is part of the view",
    "_draw_": "starts runs whose number and seed are part of the view",
    "_confirm": "has the same numbers computed again by another program",
    "_asked_": "has what takes seconds in a large cohort computed now",
    "_words_": "opens the sentence about what is on the screen",
    "_template_": "an empty file to fill in",
    "_file_": "a file of the reader's own: the fingerprint in the link stands for what was read from it",
    "_intake_": "how a reader's own file is read: the fingerprint in the link stands for the result",
    "_let_go": "forgets a reader's own file",
    "_servers_own": "goes back to the registry of the server, whose fingerprint is in the link",
    "source": "which registry is on the screen: the link names it and carries its fingerprint",
}
WIDGETS = {
    "button", "checkbox", "toggle", "radio", "selectbox", "multiselect", "slider", "select_slider", "number_input", "text_input",
    "text_area", "date_input", "time_input", "pills", "segmented_control", "tabs", "file_uploader", "download_button",
    "data_editor", "color_picker", "feedback", "chat_input", "camera_input", "pagination",
}  # fmt: skip
DRAWN = {
    "button", "checkbox", "toggle", "radio", "selectbox", "multiselect", "slider", "select_slider", "number_input", "text_input",
    "text_area", "date_input", "time_input", "button_group", "tab_container", "file_uploader", "download_button",
    "arrow_data_frame", "arrow_vega_lite_chart", "vega_lite_chart",
}  # fmt: skip

NAMED = [path for *_, path in PAGES]
CASES = [(page, {}) for page in NAMED]
CASES += [("cohort", {"tab": part}) for part in COHORT_PARTS]
CASES += [("hazard_ratios", {"part": part}) for part in RATIO_PARTS]
CASES += [("hazard_ratios", {"part": RATIO_PARTS[1], "together.sample": ["Age", "Stage"]})]
CASES += [("survival", {"test": "Fleming-Harrington test"})]
CASES += [
    (page, {"endpoint": endpoint})
    for page in ("overview", "survival", "outcomes", "treatment")
    for endpoint in ("Early mortality", "Calciphylaxis-specific mortality", "Resolution of lesions")
]
CASES += [("overview", {"more.sample": [v.label for v in SAMPLE.dictionary.filters]})]
CASES += [
    ("overview", {"by.sample": v.label, f"cut.{v.name}.sample": "at a value"})
    for v in SAMPLE.dictionary.filters
    if v.is_numeric
]
CASES += [("overview", {"sample.stage": "Later", "sample.sex": "Female"})]


def nodes(block):
    for child in block.children.values():
        yield child
        if hasattr(child, "children"):
            yield from nodes(child)


def controls(at):
    """The keys of everything on the page that a reader can set; None for what has no key."""
    for node in nodes(at._tree):
        identity = getattr(getattr(node, "proto", None), "id", "")
        if identity.startswith("$$ID-") and node.type in DRAWN:
            key = identity.split("-", 2)[2]
            yield None if key == "None" else key


def part_of_the_view(registry):
    """Every key of a setting or a filter."""
    filters = registry.dictionary.filters
    return {
        *(setting.key(registry) for setting in settings_for(registry)),
        *(filter_key(registry, v) for v in filters),
        *(missing_key(registry, v) for v in filters if v.is_numeric and registry.n_missing(v)),
        more_key(registry),
    }


def outside(keys, registry):
    known = part_of_the_view(registry)
    return {key for key in keys if key not in known and not str(key).startswith(tuple(NOT_PART))}


@pytest.mark.parametrize(("page", "query"), CASES, ids=lambda part: part if isinstance(part, str) else str(part)[:50])
def test_every_control_that_is_drawn_is_part_of_the_view(app, page, query):
    at = app(page, **query)
    assert not at.exception
    found = set(controls(at))
    assert found
    assert not outside(found, SAMPLE)
    seen.update(found)


seen: set = set()  # over all cases


def test_every_setting_and_every_filter_has_a_control_somewhere():
    if len(seen) < 20:
        pytest.skip("only after the cases above")
    assert part_of_the_view(SAMPLE) - seen == set()


def test_the_controls_of_assumed_dates_are_part_of_the_view(app, undated_folder):  # noqa: F811
    registry = read_registry(undated_folder)
    found = set(controls(app("treatment", undated_folder)))
    assert {"assumed_courses", "assumed_first", "assumed_spacing"} <= found
    assert not outside(found, registry)


def test_the_controls_of_another_registry_are_part_of_the_view(app, pbc_folder):
    registry = read_registry(pbc_folder)
    for page in NAMED:
        assert not outside(set(controls(app(page, pbc_folder))), registry), page


def calls_of_widgets():
    """(file, line, widget, beginning of its key) of every call of a widget in the pages; "" where the key is computed."""
    for path in sorted((ROOT / "pages").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WIDGETS:
                yield path, node, key_of(node)


def key_of(call):
    key = next((word.value for word in call.keywords if word.arg == "key"), None)
    if isinstance(key, ast.Constant):
        return str(key.value)
    if isinstance(key, ast.JoinedStr) and isinstance(key.values[0], ast.Constant):
        return str(key.values[0].value)
    spread = any(word.arg is None for word in call.keywords)
    return "" if key is not None or spread else None


def test_no_control_is_hidden_from_the_walk_above():
    """Whatever has a key written in the source is on the list; computed keys come from the settings, the filters or constants."""
    makers = {"controls.py", "sidebar.py"}  # keys of settings and of filters
    computed = {
        "compare_panels.py",
        "distribution_panels.py",
        "patient_panels.py",
        "intake_state.py",
        "intake_variables.py",
        "source.py",
    }
    for path, call, key in calls_of_widgets():
        where = f"{path.name}:{call.lineno}"
        assert key is not None, f"{where} has no key"
        if key:
            assert key.startswith(tuple(NOT_PART)), where
        else:
            assert path.name in makers | computed, where


def test_a_control_outside_the_view_would_be_found():
    assert outside({"landmark", "sample.stage", "_share", "threshold", None}, SAMPLE) == {"threshold", None}
