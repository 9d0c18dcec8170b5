"""Empty tables in the format of data/sample/README.md."""

from core.registry.dictionary import COLUMNS

_VARIABLES = (
    dict(name="patient_id", label="Patient", kind="text", role="identifier", means="patient_id"),
    dict(name="age", label="Age", kind="continuous", unit="years", hard_min="0", hard_max="120", role="demographic", step="10"),
    dict(name="sex", label="Sex", kind="nominal", levels="female=Female|male=Male", role="demographic"),
    dict(name="diagnosis_date", label="Diagnosis", kind="date", means="diagnosis_date"),
    dict(name="stage", label="Stage", kind="ordinal", levels="earlier=Earlier|later=Later", filter_rank="1", headline_rank="1"),
    dict(name="albumin", label="Albumin", kind="continuous", unit="g/L", hard_min="10", hard_max="60", role="laboratory", step="5"),
    dict(name="infection", label="Infection", kind="binary", levels="no=No|yes=Yes", timing="post-baseline", dated_by="infection_date"),
    dict(name="infection_date", label="Date of infection", kind="date", timing="post-baseline"),
    dict(name="death_date", label="Death", kind="date", role="outcome", timing="post-baseline", means="death_date"),
    dict(
        name="cause_of_death", label="Cause of death", kind="nominal", role="outcome", timing="post-baseline", means="cause_of_death",
        levels="calciphylaxis=Calciphylaxis|other=Other|unknown=Unknown",
        level_means="calciphylaxis=specific|other=other|unknown=unknown",
    ),
    dict(name="last_contact_date", label="Last contact", kind="date", role="outcome", timing="post-baseline", means="last_contact_date"),
)  # fmt: skip


def _lines(*lines) -> bytes:
    return "\r\n".join([*lines, ""]).encode("utf-8-sig")


TEMPLATES = {
    # file -> (words on the button, content)
    "patients.csv": ("Patients", _lines(",".join(variable["name"] for variable in _VARIABLES))),
    "sts_courses.csv": ("Courses", _lines("patient_id,course,start,stop,grams_per_infusion,infusions")),
    "dictionary.csv": (
        "Dictionary",
        _lines(
            ",".join(COLUMNS), *(",".join(variable.get(column, "") for column in COLUMNS) for variable in _VARIABLES)
        ),
    ),
}
