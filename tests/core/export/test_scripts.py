"""The scripts of a view find the view's numbers: 30 random views in Python, some of them in a clean folder, and in R."""

import csv
import io
import json
import os
import random
import re
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from core.analysis import Analysis
from core.cohort import Filter
from core.errors import NotEstimable
from core.export.scripts import SCRIPTS, scripts_zip
from core.export.view_numbers import view_numbers
from core.registry import read_registry
from core.settings import settings_of
from core.view import filter_from_levels, filter_from_range, level_options, make_view

ROOT = Path(__file__).parents[3]
SAMPLE = read_registry(ROOT / "data" / "sample")
PAGES = ("overview", "survival", "hazard_ratios", "outcomes", "treatment")
FILES = {"README.md", "data.csv", "view.json", "expected.json", *SCRIPTS}


def view(page="survival", filters=(), registry=SAMPLE, **chosen):
    return Analysis(registry, make_view(registry, page, filters, chosen))


def random_view(registry, seed):
    """Some page, up to three filters and every setting by chance; somebody is left."""
    chance = random.Random(seed)
    while True:
        page = chance.choice(PAGES)
        filters = []
        for variable in chance.sample(registry.dictionary.filters, chance.randint(0, 3)):
            if variable.is_categorical:
                options = level_options(registry, variable)
                condition = filter_from_levels(variable, chance.sample(options, chance.randint(1, len(options))))
            else:
                low, high = registry.limits(variable)
                condition = filter_from_range(registry, variable, sorted(chance.uniform(low, high) for _ in range(2)))
            if condition.is_active:
                filters.append(condition)
        chosen = {s.name: random_setting(registry, s, chance) for s in settings_of(registry, page)}
        found = Analysis(registry, make_view(registry, page, filters, chosen))
        try:
            view_numbers(found)
        except NotEstimable:
            continue
        return found


def random_setting(registry, setting, chance):
    if setting.kind == "switch":
        return chance.random() < 0.5
    if setting.kind in ("number", "slider"):
        return round(
            setting.low + chance.randint(0, round((setting.high - setting.low) / setting.step)) * setting.step, 6
        )
    options = setting.options_of(registry)
    if setting.kind == "choices":
        chosen = chance.sample(options, chance.randint(0, min(3, len(options))))
        return tuple(option for option in options if option in chosen)
    return chance.choice(options)


def unpacked(analysis, folder):
    with zipfile.ZipFile(io.BytesIO(scripts_zip(analysis, "https://example.org/survival?data=1"))) as archive:
        archive.extractall(folder)
    return folder


def failures(output):
    return [line for line in output.splitlines() if not line.startswith("PASS")][:-1]


@pytest.mark.filterwarnings("ignore")  # of lifelines, about its own inner workings
@pytest.mark.parametrize("seed", range(30))
def test_the_python_script_finds_every_number_of_a_random_view(seed, tmp_path, capsys, monkeypatch):
    folder = unpacked(random_view(SAMPLE, seed), tmp_path)
    monkeypatch.syspath_prepend(folder)  # as where Python is started with the script
    for name in [name for name in sys.modules if name.partition(".")[0] == "python"]:
        monkeypatch.delitem(sys.modules, name)  # of the view before
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(folder / "analysis.py"), run_name="__main__")
    said = capsys.readouterr().out
    assert failures(said) == []
    assert end.value.code == 0
    assert said.count("PASS") == len(json.loads((folder / "expected.json").read_text(encoding="utf-8"))) > 0


CASES = {
    "curves": lambda: view(),
    "resolution": lambda: view("outcomes", endpoint="Resolution of lesions"),
    "one model": lambda: view("hazard_ratios", together=("Age", "Stage")),
    "exposure": lambda: view("treatment"),
    "Firth": lambda: view("hazard_ratios", together=("Lesion site",), firth=True),
    "subgroups": lambda: view("hazard_ratios", part="Subgroups", ties="breslow"),
    "adjusted": lambda: view("treatment", adjust_for=("Stage",), also_since=("Infection", "Bacteraemia")),
    "trend and pairs": lambda: view(by="Age", within="Sex", **{"cut.age": "in thirds"}),
    "selection": lambda: view(filters=(Filter("sex", ("Male",)),), by="This selection against the rest"),
    "late entry": lambda: view(clock="onset", by="Sex", test="Tarone-Ware test", interval="plain", level="90%"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_python_script_runs_alone_in_a_clean_folder(case, tmp_path):
    folder = unpacked(CASES[case](), tmp_path)
    ran = subprocess.run(
        [sys.executable, "-Es", "analysis.py"], cwd=folder, capture_output=True, text=True, encoding="utf-8"
    )
    assert failures(ran.stdout) == []
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.fixture(scope="session")
def rscript():
    path = shutil.which("Rscript")
    asked = 'for (p in c("survival", "cmprsk", "jsonlite")) library(p, character.only = TRUE)'
    if path is None or subprocess.run([path, "-e", asked], capture_output=True).returncode:
        message = "Rscript with survival, cmprsk and jsonlite is not there"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path


@pytest.mark.parametrize("case", [*CASES, 3, 8, 14, 21, 26])
def test_the_r_script_finds_every_number(case, tmp_path, rscript):
    folder = unpacked(CASES[case]() if case in CASES else random_view(SAMPLE, case), tmp_path)
    ran = subprocess.run([rscript, "analysis.R"], cwd=folder, capture_output=True, text=True, encoding="utf-8")
    assert failures(ran.stdout) == []
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("PASS") == len(json.loads((folder / "expected.json").read_text(encoding="utf-8")))


def test_the_other_registry_with_its_late_states(pbc_folder, tmp_path, rscript):
    pbc = read_registry(pbc_folder)
    folder = unpacked(random_view(pbc, 5), tmp_path)
    for command in ([sys.executable, "-Es", "analysis.py"], [rscript, "analysis.R"]):
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")
        assert failures(ran.stdout) == []
        assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("spoil", ["expected.json", "data.csv"])
def test_a_wrong_number_or_a_changed_patient_is_a_failure(spoil, tmp_path):
    folder = unpacked(view(), tmp_path)
    path = folder / spoil
    if spoil == "expected.json":
        expected = json.loads(path.read_text(encoding="utf-8"))
        expected["Later; 12 months; free of the event"] += 1e-3
        path.write_text(json.dumps(expected), encoding="utf-8")
    else:
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([*lines[:5], *lines[6:]]) + "\n", encoding="utf-8")
    ran = subprocess.run([sys.executable, "-Es", "analysis.py"], cwd=folder, capture_output=True, text=True)
    assert ran.returncode == 1
    assert "FAIL" in ran.stdout


def test_the_zip_holds_no_date_no_identifier_and_only_what_is_needed():
    archive = zipfile.ZipFile(io.BytesIO(scripts_zip(view(filters=(Filter("stage", ("Later",)),)))))
    assert set(archive.namelist()) == FILES
    data = archive.read("data.csv").decode("utf-8")
    assert not re.search(r"\d{4}-\d\d-\d\d", data)
    assert not set(SAMPLE.follow_up["patient"].astype(str)) & set(re.split(r"[,\n]", data)) - {"1", "2", "3"}
    rows = list(csv.DictReader(io.StringIO(data)))
    assert len(rows) == 23
    assert {"time_days", "cause", "group", "within", "sex", "age"} <= set(rows[0])
    assert "calcium" not in rows[0]


def test_the_same_view_gives_the_same_bytes():
    assert scripts_zip(view()) == scripts_zip(view())


def test_the_readme_says_the_cautions_and_what_is_not_computed_again():
    archive = zipfile.ZipFile(
        io.BytesIO(scripts_zip(view("survival", by="STS courses"), "https://example.org/s?data=1"))
    )
    said = archive.read("README.md").decode("utf-8")
    assert "known only after diagnosis" in said
    assert "https://example.org/s?data=1" in said
    for page, words in (
        ("hazard_ratios", "concordance"),
        ("treatment", "draws without effect"),
        ("outcomes", "each state"),
    ):
        assert words in " ".join(view_numbers(view(page)).left_out)


def test_nobody_left_is_said_and_no_zip_is_made():
    with pytest.raises(NotEstimable, match="No patient passes"):
        scripts_zip(view(filters=(Filter("age", low=200),)))


WHAT_IS_EXPECTED = {
    "curves": ("Restricted mean; Later less Earlier; p", "Difference; Later less Earlier; 12 months; estimate"),
    "resolution": ("Time lost; Later; cause 1; upper limit",),
    "one model": ("Risk by 12 months; Stage; Later; difference",),
    "Firth": ("Hazard ratio, one model; Lesion site; Penile; upper limit",),
    "subgroups": ("Subgroups; Sex; Male; estimate", "Subgroups; Sex; p of the interaction"),
    "adjusted": ("Exposure, adjusted; At least 3 STS courses; p", "Exposure, adjusted; Stage; Later; estimate"),
    "trend and pairs": ("Log-rank test for trend, stratified; p",),
}


@pytest.mark.parametrize("case", WHAT_IS_EXPECTED)
def test_what_the_page_shows_is_among_the_numbers(case):
    expected = view_numbers(CASES[case]()).expected
    for name in WHAT_IS_EXPECTED[case]:
        assert expected[name] is not None, [known for known in expected if known.startswith(name[:8])]
    if case == "trend and pairs":
        assert sum(name.startswith("Pair; ") for name in expected) == 2 * 3


def test_models_are_of_the_selected_patients_and_curves_of_everybody():
    analysis = CASES["selection"]()
    numbers = view_numbers(analysis)
    assert len(numbers.data) == len(SAMPLE) > numbers.data["selected"].sum() == len(analysis.cohort)
    alone = view(filters=(Filter("sex", ("Male",)),), by="Nothing")
    name = "Hazard ratio, each alone; Stage; Later; estimate"
    assert numbers.expected[name] == view_numbers(alone).expected[name]
