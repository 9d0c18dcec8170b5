"""A dictionary file read back as a mapping: one saved from here, or one written by hand for data/sample/README.md's format."""

import math
from dataclasses import replace

from core.errors import RegistryError
from core.intake.conversion import safe_code
from core.intake.mapping import Mapping, known_cells
from core.intake.proposals import plain_causes, plain_competing, plain_event, propose
from core.intake.tables import TextTable
from core.intake.to_registry import FIRST_ROWS_ONLY, FOLLOW_UP, MEANS, PATIENT, STATUS
from core.intake.units import unit_trap
from core.intake.values import COMMA, POINT, YEAR_FIRST, numbers
from core.registry.dictionary import REQUIRED_COLUMNS, read_dictionary

ROLE_OF = {means: role for role, means in MEANS.items()} | {"patient_id": "patient_id"}


def reused(table: TextTable, codebook: TextTable) -> Mapping:
    """The mapping that a dictionary file states for a table. Raises RegistryError with place and cure."""
    lacking = [column for column in REQUIRED_COLUMNS if column not in codebook.cells.columns]
    if lacking:
        raise RegistryError(
            f"{codebook.name} is neither a dictionary (it lacks {', '.join(map(repr, lacking))}) nor REDCap's data dictionary. "
            "Start from the template."
        )
    lines = codebook.cells.to_dict("records")
    variables = {v.name: v for v in read_dictionary(codebook.cells, codebook.name)}
    column_of = {line["name"]: line.get("column") or line["name"] for line in lines}
    proposed = propose(table)
    changes, roles, states, causes, decimal, only, unit = {}, {}, {}, {}, proposed.decimal, None, ""
    described, event, competing = set(), "", ""
    for line in lines:
        variable, name = variables[line["name"]], column_of[line["name"]]
        event, competing = event or line.get("event", ""), competing or line.get("competing", "")
        if line.get("rows"):
            only = _rows_said(line["rows"], table)
        if line["name"] in (PATIENT, FOLLOW_UP, STATUS) and not line.get("column"):
            continue
        if variable.derived or variable.means == "data_source":
            continue
        if name not in table.cells.columns:
            if variable.means:
                raise RegistryError(
                    f"{table.name} lacks the column {name!r}, which {codebook.name} says the analysis rests on."
                )
            continue
        described.add(name)
        if role := line.get("part") or ROLE_OF.get(variable.means):
            roles[role] = name
        values = [cell for cell in known_cells(table.cells[name]).unique() if cell]
        raw = {safe_code(value): value for value in values}
        levels = tuple(
            (raw.get(code, code), label) for code, label in zip(variable.codes, variable.levels, strict=True)
        )
        factor = float(line.get("factor") or 1)
        change = dict(
            label=variable.label, kind=variable.kind, unit=variable.unit, use=variable.kind != "text", timing=variable.timing,
            dated_by=column_of.get(variable.dated_by, ""), levels=levels, factor=factor,
            dictionary={key: value for key, value in line.items() if key != "derived"}, said="",
        )  # fmt: skip
        suspected = [code for code, _ in proposed.column(name).suspects]
        change["beyond"] = line.get("beyond", "")
        if "missing" in line:
            change["missing"] = tuple(float(code) for code in line["missing"].split("|") if code)
            change["genuine"] = tuple(code for code in suspected if code not in change["missing"])
        elif variable.is_numeric:  # what the dictionary calls impossible is taken out and reported anyhow
            change["genuine"] = tuple(c for c in suspected if c < variable.hard_min or c > variable.hard_max)
        if proposed.column(name).identifier:
            change["use"] = False
        read_as = line.get("read_as", "")
        if variable.kind == "date":
            change["order"] = read_as or proposed.column(name).order or (YEAR_FIRST if not values else "")
        if variable.is_numeric:
            if "read_as" in line:
                decimal = COMMA if read_as == COMMA else POINT
            if factor == 1:
                low = variable.hard_min if math.isfinite(variable.hard_min) else math.nan
                known = numbers(known_cells(table.cells[name]), decimal or POINT)
                change["trap"] = unit_trap(variable.label, variable.unit, known, low, variable.hard_max)
        codes = dict(zip(variable.levels, variable.codes, strict=True))
        meaning = {raw.get(codes[label], codes[label]): means for label, means in variable.level_means}
        if variable.means == "status":
            states = meaning
        if variable.means == "cause_of_death":
            causes = meaning
        if variable.means == "follow_up_time":
            unit = variable.unit
        changes[name] = change
    for column in proposed.columns:
        if column.name not in described:
            changes[column.name] = {"use": False, "said": "not in the dictionary"}
    mapping = replace(
        proposed.with_columns(**changes),
        roles=roles,
        states=states,
        causes=causes,
        decimal=decimal,
        only=only,
        time_unit=unit,
    )
    mapping = replace(mapping, event=event or plain_event(mapping), competing=competing or plain_competing(mapping))
    if "time" not in roles and "status" not in roles and not mapping.event:
        mapping = replace(mapping, event="death")  # the dictionary calls it death_date
    if "cause" in roles and not causes:
        mapping = replace(mapping, causes=plain_causes(mapping.column(roles["cause"])))
    return mapping


def _rows_said(text, table):
    """Which rows count: (column, value), or ("", "") for the first of each patient."""
    if text == FIRST_ROWS_ONLY:
        return ("", "")
    code, _, value = text.partition("=")
    column = next((name for name in table.cells.columns if safe_code(name) == code), code)
    return column, next((cell for cell in known_cells(table.cells[column]).unique() if safe_code(cell) == value), value)
