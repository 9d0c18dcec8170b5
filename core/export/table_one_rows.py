"""The layout of Table 1: the numbers of core/table_one.py as text, and the sentences that belong under them."""

import math

import pandas as pd

from core.charts.wording import format_count, format_number, format_p
from core.conventions import SMALL_EXPECTED_COUNT
from core.registry import Variable
from core.registry.dictionary import ROLES, SECTIONS
from core.table_one import ALL, CHI_SQUARE, FISHER, MEAN, RANK_SUM, TableOne

SECTION, CHARACTERISTIC, LEVEL, MISSING = "Section", "Characteristic", "Level", "Missing"
SMD, P_VALUE, TEST = "SMD", "p", "Test"
NOTHING = "–"
AFTER_DIAGNOSIS = "†"
AS_IN_NOTES = {
    CHI_SQUARE: "chi-square test without Yates' correction",
    FISHER: f"Fisher's exact test where an expected count is below {SMALL_EXPECTED_COUNT}",
    RANK_SUM: "Wilcoxon rank-sum test (normal approximation, continuity correction)",
}


def table_one_rows(table: TableOne) -> pd.DataFrame:
    """Table 1 as text, one row a number or a level, ready for the screen and for downloads.

    Columns: Section, Characteristic (with unit; "†" marks what is known only after diagnosis; empty on the further levels
    of a variable), Level ("mean ± SD", "median (quartiles)" or the level), "Overall (n = 51)", one column a group as in
    "Later (n = 23)"; with groups SMD; with tests p and Test; Missing ("3 (5.9%)"). A yes-or-no variable has the row of its
    second level only. Counts are written over their denominator as soon as a value is missing.
    """
    heads = {name: f"{name or 'Overall'} (n = {format_count(n)})" for name, n in table.groups.itertuples(index=False)}
    tested = bool((table.comparisons["method"] != "").any() or (table.comparisons["reason"] != "").any())
    everybody = int(table.groups["n"].iloc[0])
    numbers, levels, compared = map(_of_each_variable, (table.numbers, table.levels, table.comparisons))
    rows = []
    for variable in sorted(table.variables, key=lambda v: ROLES.index(v.role)):
        found = (numbers if variable.is_numeric else levels).get(variable.name, [])
        if variable.is_numeric:
            lines = _number_lines(found, variable, table.summary[variable.name])
        else:
            lines = _level_lines(found, variable) or [("", dict.fromkeys(heads, NOTHING))]
        for position, (level, texts) in enumerate(lines):
            first = position == 0
            row = {SECTION: SECTIONS[variable.role], CHARACTERISTIC: _name(variable) if first else "", LEVEL: level}
            row |= {head: texts[name] for name, head in heads.items()}
            row |= (
                _comparison(compared[variable.name][0], tested)
                if first and compared
                else dict.fromkeys(_compared(table, tested), "")
            )
            row[MISSING] = _missing(found, everybody) if first else ""
            rows.append(row)
    columns = [SECTION, CHARACTERISTIC, LEVEL, *heads.values(), *_compared(table, tested), MISSING]
    return pd.DataFrame(rows, columns=columns)


def table_one_notes(table: TableOne, *, group_label: str = "the group") -> tuple[str, ...]:
    """What a reader of Table 1 must know, one sentence or two each. ``group_label`` names what groups the patients."""
    notes = []
    if table.n_ungrouped:
        who = "1 patient" if table.n_ungrouped == 1 else f"{format_count(table.n_ungrouped)} patients"
        notes.append(f"{group_label} is not recorded for {who}, who count only under Overall.")
    notes.append("Percentages are of the recorded values; quartiles are those of R (type 7).")
    if table.group_levels:
        pairs = ", the average over all pairs of groups" if len(table.group_levels) > 2 else ""
        notes.append(f"SMD: standardised mean difference without its sign{pairs}.")
    methods = [m for m in table.comparisons["method"].unique() if m]
    if table.n_tests:
        named = "; ".join(AS_IN_NOTES.get(method, method) for method in methods)
        expected = format_number(0.05 * table.n_tests, 1)
        notes.append(f"Tests: {named}.")
        notes.append(
            f"{table.n_tests} p values, not adjusted for their number: without any true difference about {expected} of "
            "them would be below 0.05."
            if table.n_tests > 1
            else "1 p value."
        )
    labels = {variable.name: variable.label for variable in table.variables}
    for column, said in (("smd_reason", "No SMD"), ("reason", None)):
        found = table.comparisons[table.comparisons[column] != ""]
        for reason, rows in found.groupby(column, sort=False):
            start = said or ("No p value" if rows["p_value"].isna().all() else CHI_SQUARE)
            notes.append(f"{start} for {', '.join(labels[name] for name in rows['variable'])}: {reason}.")
    later = [variable.label for variable in table.variables if variable.is_post_baseline]
    if later:
        notes.append(
            f"{AFTER_DIAGNOSIS} Known only after diagnosis: patients had to live long enough to have it, so groups differ "
            "in it for that reason too."
        )
    return tuple(notes)


def table_one_numbers(table: TableOne) -> pd.DataFrame:
    """All numbers of Table 1 unrounded, one row a variable, level and group.

    Columns: variable label unit level group ("Overall" for all patients) n n_missing mean sd median q1 q3 min max count
    percent, and on the first row of each variable smd smd_largest method statistic p_value.
    """
    frames = [frame.assign(order=range(len(frame))) for frame in (table.numbers, table.levels) if len(frame)]
    columns = "variable level group n n_missing mean sd median q1 q3 min max count percent".split()
    if not frames:
        return pd.DataFrame(columns=columns)
    place = {variable.name: i for i, variable in enumerate(table.variables)}
    frame = pd.concat(frames, ignore_index=True)
    frame = frame.assign(place=frame["variable"].map(place)).sort_values(["place", "order"]).reset_index(drop=True)
    frame = frame.reindex(columns=columns).astype({"count": "Int64"})
    first = ~frame["variable"].duplicated()
    compared = table.comparisons.set_index("variable")[["smd", "smd_largest", "method", "statistic", "p_value"]]
    compared = compared.reindex(frame["variable"]).reset_index(drop=True)
    frame = pd.concat([frame, compared.where(first)], axis=1)
    by_name = {variable.name: variable for variable in table.variables}
    frame.insert(1, "label", [by_name[name].label for name in frame["variable"]])
    frame.insert(2, "unit", [by_name[name].unit for name in frame["variable"]])
    return frame.assign(group=frame["group"].replace(ALL, "Overall"), level=frame["level"].fillna(""))


def _name(variable: Variable) -> str:
    return variable.label_with_unit + (f" {AFTER_DIAGNOSIS}" if variable.is_post_baseline else "")


def _of_each_variable(frame) -> dict:
    """variable -> its rows, in order."""
    rows = {}
    for row in frame.itertuples(index=False):
        rows.setdefault(row.variable, []).append(row)
    return rows


def _number_lines(rows, variable, summary):
    if summary == MEAN:
        digits = max(variable.decimals, 1)
        texts = {
            row.group: NOTHING
            if row.n == 0
            else f"{format_number(row.mean, digits)} ± {format_number(row.sd, digits) if row.n > 1 else NOTHING}"
            for row in rows
        }
        return [("mean ± SD", texts)]
    # half a unit between two patients is shown, not rounded
    whole = all(value % 1 == 0 for row in rows for value in (row.median, row.q1, row.q3) if value == value)
    digits = variable.decimals if whole else max(variable.decimals, 1)
    texts = {}
    for row in rows:
        middle, low, high = (format_number(value, digits) for value in (row.median, row.q1, row.q3))
        texts[row.group] = NOTHING if row.n == 0 else f"{middle} ({low} to {high})"
    return [("median (quartiles)", texts)]


def _level_lines(rows, variable):
    """The levels with their texts by group; none where nobody has a value."""
    if not rows:
        return []
    over_n = any(row.n_missing > 0 for row in rows)
    lines = {}
    for row in rows:
        of = f"/{format_count(row.n)}" if over_n else ""
        text = f"{format_count(row.count)}{of} ({format_number(row.percent, 1)}%)" if row.n else NOTHING
        lines.setdefault(row.level, {})[row.group] = text
    if variable.kind == "binary":
        no, yes = variable.levels
        return [(yes, lines[yes] if yes in lines else _nobody([row for row in rows if row.level == no], over_n))]
    return list(lines.items())


def _nobody(first, over_n):
    """The texts of a yes-or-no variable that nobody has."""
    return {
        row.group: (f"0/{format_count(row.n)} (0.0%)" if over_n else "0 (0.0%)") if row.n else NOTHING for row in first
    }


def _compared(table, tested):
    if not table.group_levels:
        return []
    return [SMD, P_VALUE, TEST] if tested else [SMD]


def _comparison(row, tested):
    texts = {SMD: NOTHING if math.isnan(row.smd) else _smd_text(row.smd)}
    if tested:
        known = not math.isnan(row.p_value)
        texts |= {P_VALUE: format_p(row.p_value) if known else NOTHING, TEST: row.method if known else ""}
    return texts


def _smd_text(smd):
    return "<0.01" if 0 < smd < 0.005 else format_number(smd, 2)


def _missing(rows, everybody):
    n_missing = next((row.n_missing for row in rows if row.group == ALL), everybody)
    return f"{format_count(n_missing)} ({format_number(100 * n_missing / everybody, 1)}%)" if n_missing else "0"
