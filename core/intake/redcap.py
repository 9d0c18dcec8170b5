"""A REDCap project: its raw data export, read with its data dictionary.

Format of the data dictionary: one row per field, columns "Variable / Field Name", "Form Name", "Field Type", "Field Label",
"Choices, Calculations, OR Slider Labels", "Text Validation Type OR Show Slider Number", "Identifier?". In the raw export
choices stand as codes, dates as 2019-07-31 whatever their validation says, and a checkbox as one column ``field___code``
with 0 and 1 per choice.
"""

import re
from dataclasses import dataclass

import pandas as pd

from core.errors import RegistryError
from core.intake.mapping import known_cells
from core.intake.tables import TextTable
from core.intake.values import YEAR_FIRST, is_date
from core.registry.findings import Finding

NAME, FIELD_TYPE, LABEL = "variable / field name", "field type", "field label"
FORM, CHOICES, VALIDATION, IDENTIFIER = (
    "form name",
    "choices, calculations, or slider labels",
    "text validation type or show slider number",
    "identifier?",
)
INSTRUMENT, INSTANCE, EVENT = "redcap_repeat_instrument", "redcap_repeat_instance", "redcap_event_name"
_BOOKKEEPING = (INSTRUMENT, INSTANCE, EVENT, "redcap_data_access_group", "redcap_survey_identifier")
_TREATMENT = re.compile(r"course|dose|dosis|gram|infusion|cycle|chemo|therap|treat|sts|thiosul|剂量|疗程|治疗", re.I)
NOT_USED = {"descriptive": "text on the form", "file": "a file", "notes": "notes", "signature": "a signature"}


@dataclass(frozen=True, eq=False)
class RedcapExport:
    """patients, one row per record; courses, one row per instance of a repeating instrument with a date, or None;
    known, what the data dictionary says of each column of patients (fields of ``mapping.Column``)."""

    patients: TextTable
    courses: TextTable | None
    known: dict[str, dict]


def is_data_dictionary(table: TextTable) -> bool:
    names = {column.casefold() for column in table.cells.columns}
    return {NAME, FIELD_TYPE, LABEL} <= names


def from_redcap(export: TextTable, codebook: TextTable) -> RedcapExport:
    """The tables of a project and what is known of their columns. Raises RegistryError with place and cure."""
    fields = codebook.cells.rename(columns=str.casefold).to_dict("records")
    record = fields[0][NAME]
    cells = export.cells
    if record not in cells.columns:
        raise RegistryError(
            f"{export.name} lacks the column {record!r}, the first field of {codebook.name}. Export the raw data of the same "
            "project, with field names and not labels as header."
        )
    instrument = cells[INSTRUMENT] if INSTRUMENT in cells.columns else pd.Series("", index=cells.index, dtype=object)
    form_of = {field[NAME]: field.get(FORM, "") for field in fields}
    repeated_forms = _repeated(instrument, form_of, fields)
    base = instrument == ""
    findings = list(export.findings)
    patients = _one_row_each(export, cells[base], record, findings)
    in_courses = {name for name, form in form_of.items() if form in repeated_forms}
    columns = [c for c in patients.cells.columns if c not in _BOOKKEEPING and c.split("___")[0] not in in_courses]
    columns = [c for c in columns if not c.endswith("_complete") or c in form_of]
    courses = _courses(export, instrument, repeated_forms, form_of, fields, record, findings)
    patients = TextTable(
        export.name, patients.cells[columns], patients.rows, (*export.said, "REDCap project"), tuple(findings)
    )
    known = {column: _known(column, fields, patients.cells[column]) for column in columns}
    return RedcapExport(patients, courses, known)


def _repeated(instrument, form_of, fields):
    """The repeating instruments as the export names them: by form name, or by its label."""
    forms = set(form_of.values())
    return {form for form in forms if _form_key(form) in {_form_key(text) for text in instrument.unique() if text}}


def _form_key(text):
    return re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_")


def _one_row_each(export, cells, record, findings):
    """One row per record; where it has several events, the first value that is recorded."""
    rows = pd.Series(export.rows, index=export.cells.index)[cells.index]
    if EVENT not in cells.columns or not cells[record].duplicated().any():
        return TextTable(export.name, cells.reset_index(drop=True), tuple(int(r) for r in rows))
    kept = cells.mask(cells == "").groupby(cells[record], sort=False).first().fillna("")
    kept[record] = kept.index
    n_values = cells.mask(cells == "").groupby(cells[record], sort=False).nunique()
    merged = cells[record].duplicated().to_numpy()
    findings.append(Finding("Further event of a record: joined with its first row", export.name, record,
                            tuple(int(r) for r in rows[merged]), "excluded"))  # fmt: skip
    for column in cells.columns:
        several = n_values[column] > 1
        if several.any() and column not in _BOOKKEEPING:
            first_rows = rows[~merged].to_numpy()[several.to_numpy()]
            findings.append(
                Finding("Differs between events of a record: the first one counts", export.name, column,
                        tuple(int(r) for r in first_rows), "kept")
            )  # fmt: skip
    return TextTable(
        export.name, kept[list(cells.columns)].reset_index(drop=True), tuple(int(r) for r in rows[~merged])
    )


def _courses(export, instrument, repeated_forms, form_of, fields, record, findings):
    """The rows of one repeating instrument that has a date: one about treatment rather than another. The others are named."""
    rows_of, tables = {}, {}
    for form in sorted(repeated_forms):
        here = instrument.map(lambda text, f=form: _form_key(text) == _form_key(f) if text else False)
        own = [f for f in fields if form_of[f[NAME]] == form and f[NAME] in export.cells.columns]
        rows = pd.Series(export.rows, index=export.cells.index)[here]
        rows_of[form] = tuple(int(row) for row in rows)
        if here.any() and any(f.get(VALIDATION, "").startswith("date") for f in own):
            columns = [record, *(f[NAME] for f in own if f.get(IDENTIFIER, "").casefold() != "y")]
            labels = {f[NAME]: _plain(f[LABEL]) for f in own}
            names = {record: f"patient_id ({record})"} | {name: f"{labels[name]} [{name}]" for name in columns[1:]}
            cells = export.cells.loc[here, columns].reset_index(drop=True).rename(columns=names)
            tables[form] = TextTable(f"{export.name}, {form}", cells, rows_of[form])
    chosen = max(tables, key=lambda form: _is_treatment(form, tables[form]), default=None)
    for form, rows in rows_of.items():
        if form != chosen:
            findings.append(Finding("Repeating instrument that is not used", export.name, form, rows, "ignored"))
    return tables.get(chosen)


def _is_treatment(form, table):
    return bool(_TREATMENT.search(" ".join([form, *table.cells.columns])))


def _known(column, fields, cells):
    """What the dictionary of the project says of a column."""
    base, _, choice = column.partition("___")
    field = next((f for f in fields if f[NAME] == base), None)
    if field is None:
        return {}
    label = _plain(field[LABEL]) or column
    kind, validation = field[FIELD_TYPE].casefold(), field.get(VALIDATION, "").casefold()
    known = {"label": label}
    if field.get(IDENTIFIER, "").casefold() in ("y", "yes", "1"):
        return known | {"use": False, "identifier": "marked as an identifier in REDCap", "first": (), "kind": "text"}
    if kind in NOT_USED:
        return known | {"use": False, "kind": "text", "said": NOT_USED[kind]}
    if kind == "checkbox":
        names = dict(_choices(field.get(CHOICES, "")))
        return known | {
            "label": f"{label}: {names.get(choice, choice)}",
            "kind": "binary",
            "levels": (("0", "No"), ("1", "Yes")),
        }
    if kind in ("yesno", "truefalse"):
        return known | {"kind": "binary", "levels": (("0", "No"), ("1", "Yes"))}
    if kind in ("radio", "dropdown", "sql"):
        levels = _choices(field.get(CHOICES, ""))
        stated = {code for code, _ in levels}
        found = {cell for cell in known_cells(cells).unique() if cell}
        if found and not found & stated and found <= {text for _, text in levels}:
            levels = tuple((text, text) for _, text in levels)  # exported with labels instead of codes
        if not levels:
            return known
        return known | {"kind": "nominal", "levels": tuple(levels), "use": True, "said": ""}
    if validation.startswith("date"):
        filled = [cell for cell in cells.unique() if cell]
        order = YEAR_FIRST if all(re.match(r"\d{4}-", cell) for cell in filled if is_date(cell)) else ""
        return known | {"kind": "date", "order": order}
    if kind in ("calc", "slider") or validation.startswith(("integer", "number")):
        return known | {"kind": "continuous", "use": True, "said": ""}
    return known


def _choices(text):
    """ "1, Yes | 2, No" as ((code, label), ..)."""
    found = []
    for part in text.split("|"):
        code, _, label = part.partition(",")
        if code.strip():
            found.append((code.strip(), _plain(label) or code.strip()))
    return tuple(found)


def _plain(label):
    return " ".join(re.sub(r"<[^>]{0,200}>", " ", label).split())
