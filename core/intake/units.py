"""Laboratory values in the wrong unit: noticed by their size, converted when the reader says so."""

import re
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class UnitTrap:
    """A number that seems to be in ``found`` although ``expected`` is usual; times ``factor`` makes it so."""

    found: str
    expected: str
    factor: float


# name, expected unit, its usual range, other units as (unit, factor to the expected one)
_LABORATORY = (
    (r"albumin|(^|[^a-z])alb($|[^a-z])|白蛋白", "g/L", (15, 60), (("g/dL", 10.0),)),
    (r"h(a)?emoglobin|(^|[^a-z])(hb|hgb)($|[^a-z])|血红蛋白", "g/L", (40, 220), (("g/dL", 10.0),)),
    (r"calcium|(^|[^a-z])ca($|[^a-z])|血钙", "mmol/L", (1.2, 4.0), (("mg/dL", 0.2495),)),
    (r"phosph(ate|orus)|(^|[^a-z])phos($|[^a-z])|血磷", "mmol/L", (0.3, 2.9), (("mg/dL", 0.3229),)),
    (r"creatinine|(^|[^a-z])(crea|scr)($|[^a-z])|肌酐", "µmol/L", (25, 2500), (("mg/dL", 88.42),)),
    (r"(^|[^a-z])i?pth($|[^a-z])|parathyroid hormone|甲状旁腺激素", "pg/mL", (5, 5000), ()),
    (r"(^|[^a-z])crp($|[^a-z])|c-?reactive|C反应蛋白", "mg/L", (0, 600), ()),
)
_IN_LABEL = re.compile(r"^(.*?)\s*[(\[（]\s*([^()\[\]（）]{1,15})\s*[)\]）]\s*$")
KNOWN_UNITS = re.compile(
    r"(%|y|yr|yrs|years?|months?|days?|weeks?|h|hours?|岁|年|月|天|kg(/m[2²])?|cm|mm|m|mmhg|[munpµμ]?g/(d?l|ml|day|kg|24h)|"
    r"[mµμnp]?mol/l|m?[ui]u?/m?l|10\^?\d+/l|10[⁰-⁹]+/l|mm/h|points?|分)",
    re.I,
)


def split_unit(label: str) -> tuple[str, str]:
    """("Albumin", "g/dL") from "Albumin (g/dL)"; the unit is "" where the label names none."""
    found = _IN_LABEL.fullmatch(label)
    if found and KNOWN_UNITS.fullmatch(found.group(2).strip()):
        return found.group(1).strip(), found.group(2).strip()
    return label, ""


def unit_trap(label: str, unit: str, values, low: float = np.nan, high: float = np.nan) -> UnitTrap | None:
    """The unit that values seem to be in, where that is not the expected one.

    ``unit``, ``low`` and ``high`` are what a dictionary expects; without them the usual laboratory unit is expected.
    """
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    middle = float(np.median(values))
    for pattern, expected, (least, most), others in _LABORATORY:
        if not re.search(pattern, label, re.I):
            continue
        if unit and unit.casefold() != expected.casefold() and not np.isfinite(low):
            return next((UnitTrap(o, expected, f) for o, f in others if o.casefold() == unit.casefold()), None)
        least = low if np.isfinite(low) else least
        most = high if np.isfinite(high) else most
        if least <= middle <= most:
            return None
        return next((UnitTrap(o, expected, f) for o, f in others if least <= middle * f <= most), None)
    return None
