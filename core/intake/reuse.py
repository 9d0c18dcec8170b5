"""A dictionary file read back as a mapping: one saved from here, or one written by hand for data/sample/README.md's format."""

import math
from dataclasses import replace

from core.errors import RegistryError
from core.intake.mapping import Mapping, known_cells, plain_causes, propose
from core.intake.tables import TextTable
from core.intake.to_registry import FOLLOW_UP, MEANS, PATIENT, safe_code
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
    described = set()
    for line in lines:
        variable, name = variables[line["name"]], column_of[line["name"]]
        if line["name"] in (PATIENT, FOLLOW_UP) and not line.get("column"):
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
        if line.get("rows"):
            column, _, value = line["rows"].partition("=")
            only = (column, value)
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
    if "cause" in roles and not causes:
        mapping = replace(mapping, causes=plain_causes(mapping.column(roles["cause"])))
    return mapping
