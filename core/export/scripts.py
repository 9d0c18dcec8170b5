"""The view as code: a zip with the data, a Python and an R script, and the numbers that both must find."""

import io
import json
import zipfile
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from core.analysis import Analysis
from core.cautions import cautions
from core.conventions import DAYS_PER_MONTH
from core.export.tables import view_caption
from core.export.view_numbers import ViewNumbers, view_numbers
from core.release import RELEASE

TEMPLATES = Path(__file__).parent / "reproduce"
PARTS = ("view", "curves", "differences", "comparisons", "models", "exposures")
SCRIPTS = (
    "analysis.py",
    *(f"python/{name}.py" for name in PARTS),
    "analysis.R",
    *(f"R/{name}.R" for name in PARTS),
)


def scripts_zip(analysis: Analysis, link: str = "") -> bytes:
    """data.csv, view.json, expected.json, analysis.py and analysis.R with their parts, and README.md of a view, zipped.

    ``link`` is the permanent link of the view. The data hold days since diagnosis (or onset) and the columns that the numbers
    need, no date and no identifier. Raises NotEstimable when nobody is left.
    """
    numbers = view_numbers(analysis)
    files = {
        "README.md": readme(analysis, numbers, link),
        "data.csv": data_csv(numbers.data),
        "view.json": json.dumps(numbers.view, ensure_ascii=False, indent=1),
        "expected.json": json.dumps(numbers.expected, ensure_ascii=False, indent=1),
        **{name: (TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            # always the same bytes for the same view
            member = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(member, text.encode("utf-8"))
    return buffer.getvalue()


def _in_words(covariate: dict) -> str:
    if covariate["kind"] == "number":
        return f"as recorded; the hazard ratio is for {covariate['label']}"
    return covariate["label"]


def _exposure_columns(view) -> list[str]:
    if not view["exposure"]:
        return []
    said = [
        "- in_exposure_analysis: 1 where it is known whether and when the patient was exposed",
        f"- exposure_1_days: {view['exposure']['definition']}",
    ]
    if view["adjusted"]:
        said.append("- in_adjusted_model: 1 where this is known of every exposure of the adjusted model")
        said += [f"- {e['column']}: {e['label']}, days to it" for e in view["adjusted"]["exposures"][1:]]
    return said


def data_csv(data: pd.DataFrame) -> str:
    """Numbers with all their digits, what is missing empty."""
    return data.to_csv(index=False, lineterminator="\n")


def readme(analysis: Analysis, numbers: ViewNumbers, link: str = "") -> str:
    """What is in the folder, how to run it, what the columns mean, and what is not computed again."""
    view = numbers.view
    covariates = {c["column"]: c for part in ("covariates", "risks", "subdistribution", "together") for c in view[part]}
    covariates |= {c["column"]: c for c in (view["adjusted"] or {}).get("covariates", ())}
    for c in (view["subgroups"]["effect"], *view["subgroups"]["within"]) if view["subgroups"] else ():
        covariates.setdefault(c["column"], c)
    lines = [
        "# The numbers of one view, computed again",
        "",
        view_caption(analysis),
        "",
        f"- Endpoint: {view['endpoint']}. {view['definition']}",
        f"- Clock: {view['clock'].lower()}. One month is {DAYS_PER_MONTH} days.",
        f"- Registry: {analysis.registry.name}, fingerprint {analysis.registry.fingerprint[:12]}",
        *([f"- The view: {link}"] if link else []),
        "",
        "## Run it",
        "",
        "    python analysis.py      needs numpy, pandas, scipy, lifelines",
        "    Rscript analysis.R      needs survival, cmprsk, jsonlite",
        "",
        "Both read data.csv and view.json; their parts are in the folders python and R. The one in R can be followed without "
        "knowing Python, and the other way round.",
        "",
        f"Each prints PASS or FAIL for each of {len(numbers.expected)} numbers and ends with an error if one differs by more than "
        '1 in 100,000. "none" means that there is no such number: a median that is not reached, or nobody followed that long.',
        "",
        "## data.csv",
        "",
        "One row a patient that passes the filters. No date and no identifier.",
        "",
        f"- time_days: days on the clock{', from the onset of lesions' if view['late_entry'] else ''}; landmark not yet applied",
        "- cause: 0 censored, 1 the event" + (", 2 what competes with it" if view["competing"] else ""),
        *(["- entry_days: when the patient came under observation"] if view["late_entry"] else []),
        f"- group: {view['group_by'] or 'nothing groups: all in one'}",
        "- within: strata within which groups are compared",
        *(["- selected: 1 for the patients of the selection, of whom the models are"] if view["selection"] else []),
        *_exposure_columns(view),
        *(f"- {column}: {_in_words(c)}" for column, c in covariates.items()),
        "",
        "Levels that begin with a sign that a spreadsheet takes for a formula have an apostrophe before it.",
    ]
    notices = [caution.text for caution in cautions(analysis)]
    if notices:
        lines += ["", "## Read this first", "", *(f"- {text}" for text in notices)]
    if numbers.left_out:
        lines += ["", "## Not computed again", "", *(f"- {text}" for text in numbers.left_out)]
    lines += [
        "",
        f"Expected numbers: CalciScope {RELEASE}, with numpy {version('numpy')} and pandas {version('pandas')}. The scripts were tried "
        f"with lifelines {version('lifelines')} and R's survival 3.5.",
        "",
    ]
    return "\n".join(lines)
