"""Computes the numbers of the view again, from data.csv alone, and compares them with expected.json.

Run it in the folder it came in:  python analysis.py
Needs Python 3.10 or later with numpy, pandas, scipy and lifelines (pip install numpy pandas scipy lifelines).

lifelines computes what it computes exactly: Kaplan-Meier curves, the log-rank test, Cox models with Efron's ties. What it
does not have (late entry with its tests, other weights, competing risks, covariates that change) is written out in the
files of the folder "python". view.json holds the choices of the view: the columns to use, the times to read off, the kind
of interval.
"""

import sys

import numpy as np
from python.comparisons import comparison, gray
from python.curves import curves, incidence
from python.differences import means, risk_differences, survival_differences, time_lost
from python.exposures import adjusted, exposures
from python.models import hazard_ratios, subdistribution, subgroups
from python.view import EXPECTED, VIEW, found, read


def same(value, expected):
    if expected is None:
        return not np.isfinite(value)
    return abs(value - expected) <= 1e-6 + 1e-5 * abs(expected)


def main():
    data = read()
    if VIEW["competing"]:
        incidence(data)
        gray(data)
        if VIEW["tau"]:
            time_lost(data)
    else:
        curves(data)
        if VIEW["test"]:
            comparison(data)
        if VIEW["tau"]:
            means(data)
        if VIEW["differences"]:
            survival_differences(data)
    if VIEW["selection"]:
        data = data[data["selected"] == 1]  # curves are of everybody, models of the selected patients
    for covariate in VIEW["covariates"]:
        hazard_ratios(data, "Hazard ratio, each alone", [covariate], cause=VIEW["cause"], ties=VIEW["ties"])
    if VIEW["risks"]:
        risk_differences(data)
    if VIEW["together"]:
        within = "model_within" if VIEW["together_within"] else ""
        penalised = VIEW["penalised"]
        hazard_ratios(data, "Hazard ratio, one model", VIEW["together"], within, ties=VIEW["ties"], penalised=penalised)
    if VIEW["subgroups"]:
        subgroups(data)
    if VIEW["subdistribution"]:
        subdistribution(data, VIEW["subdistribution"])
    if VIEW["exposure"]:
        exposures(data)
    if VIEW["adjusted"]:
        adjusted(data)

    wrong = 0
    for name, expected in EXPECTED.items():
        value = found.get(name, "not computed")
        passed = name in found and same(value, expected)
        wrong += not passed
        print(
            f"{'PASS' if passed else 'FAIL'}  {name}: expected {'none' if expected is None else expected}, found {value}"
        )
    for name in found.keys() - EXPECTED.keys():
        wrong += 1
        print(f"FAIL  {name}: not expected, found {found[name]}")
    print(f"{len(EXPECTED)} numbers, {wrong} different.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    sys.exit(main())
