"""The arrows between the layers point one way, as the map in the README says."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = sorted((ROOT / "core").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))
# What each part of core may use besides itself and the parts before it.
ORDER = (
    ("errors",),
    ("conventions", "release"),
    ("survival",),
    ("second_engine",),
    ("registry",),
    ("intake",),
    ("cohort",),
    ("endpoints",),
    ("fisher",),
    ("table_one",),
    ("follow_up",),
    ("missing_values",),
    ("distributions",),
    ("exposures",),
    ("treatment",),
    ("no_effect",),
    ("patients",),
    ("timeline",),
    ("grouping",),
    ("cohort_choices",),
    ("settings",),
    ("view",),
    ("analysis",),
    ("exposure_analysis",),
    ("competing",),
    ("ratios",),
    ("findings",),
    ("cautions",),
    ("charts",),
    ("headline",),
    ("link",),
    ("named_views",),
    ("two_views",),
    ("export",),
)
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def part_of(path):
    return path.relative_to(ROOT / "core").parts[0].removesuffix(".py")


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CORE, ids=name)
def test_core_does_not_know_the_screen(path):
    assert not {"streamlit", "pages"} & {module.split(".")[0] for module in imported_modules(path)}


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_pages_do_not_compute_or_draw(path):
    assert not {"lifelines", "numpy", "altair", "scipy"} & {module.split(".")[0] for module in imported_modules(path)}


@pytest.mark.parametrize("path", CORE, ids=name)
def test_parts_of_core_use_only_what_comes_before_them(path):
    mine = part_of(path)
    if mine == "__init__":
        return
    used = {module.split(".")[1] for module in imported_modules(path) if module.startswith("core.")}
    later = {part for part in used if RANK[part] > RANK[mine]}
    assert not later, f"core/{mine} must not use {later}"


@pytest.mark.parametrize("path", sorted((ROOT / "core" / "survival").glob("*.py")), ids=name)
def test_the_engine_knows_only_numbers(path):
    allowed = {"core", "numpy", "scipy", "pandas"}
    standard = {"dataclasses", "itertools", "functools", "math", "typing", "collections", "enum", "warnings"}
    used = {module.split(".")[0] for module in imported_modules(path)}
    assert used <= allowed | standard
    assert {m.split(".")[1] for m in imported_modules(path) if m.startswith("core.")} <= {
        "survival",
        "errors",
        "conventions",
    }


def test_nothing_catches_warnings_for_the_whole_process():
    for path in CORE + PAGES:
        assert "catch_warnings" not in path.read_text(encoding="utf-8"), name(path)
