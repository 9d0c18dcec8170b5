"""The numbers of a view as a Python and an R script compute them again: the data, the choices and what must come out."""

import math
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core import competing
from core.analysis import Analysis
from core.conventions import DAYS_PER_MONTH
from core.errors import NotEstimable
from core.export.tables import safe_text
from core.exposure_analysis import ExposureAnalysis, chosen_exposure
from core.ratios import joint_model
from core.registry import Variable
from core.settings import setting_named

COLUMN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# Columns that the scripts make themselves.
TAKEN = frozenset(
    "patient time entry time_days entry_days cause group within model_within exposure_days in_exposure_analysis".split()
)
RATIO_PARTS = (("estimate", "estimate"), ("conf_low", "lower limit"), ("conf_high", "upper limit"), ("p_value", "p"))


@dataclass(frozen=True, eq=False)
class ViewNumbers:
    """What the scripts need.

    data      one row a patient, before any landmark: days on the view's clock, causes, groups, covariates as recorded. No date
              and no identifier
    view      the choices, as plain values
    expected  name -> number; None where there is none ("not reached", nobody followed that long)
    left_out  what stands on the screen and is not computed again, each with the reason
    """

    data: pd.DataFrame
    view: dict
    expected: dict[str, float | None]
    left_out: tuple[str, ...]


def view_numbers(analysis: Analysis) -> ViewNumbers:
    """The numbers of a view for scripts. Raises NotEstimable when nobody is left."""
    analysis.require_patients()
    return _Collected(analysis).result()


class _Collected:
    def __init__(self, analysis: Analysis):
        self.analysis = analysis = analysis.grouped
        self.settings = dict(analysis.view.settings)
        self.expected: dict[str, float | None] = {}
        self.left_out: list[str] = []
        self.columns: dict[str, str] = {}  # of variables: name -> column of the data
        everyone = analysis.by is not None and analysis.by.against_the_rest
        mask = np.ones(len(analysis.registry), dtype=bool) if everyone else analysis.cohort.mask
        self.outcome, self.rows = analysis.times.outcome(mask)
        self.cause = competing.cause_shown(analysis)

    def result(self) -> ViewNumbers:
        analysis = self.analysis
        times = tuple(sorted(float(t) for t in self.settings.get("at", setting_named(analysis.registry, "at").default)))
        view = {
            "endpoint": analysis.endpoint.label,
            "definition": analysis.definition_of(analysis.endpoint),
            "clock": analysis.time_title,
            "competing": bool(analysis.endpoint.competing),
            "causes": [],
            "groups": [],
            "group_by": "" if analysis.by is None else analysis.by.label,
            "times": list(times),
            "interval": analysis.conf_type,
            "level": analysis.conf_level,
            "late_entry": self.outcome.entry is not None,
            "landmark": analysis.landmark_months,
            "cause": self.cause,
            "ties": self.settings.get("ties", "efron"),
        }
        if analysis.endpoint.competing:
            view["groups"], view["causes"], view["gray"] = self._incidence(times)
            view["test"] = None
        else:
            view["groups"] = self._curves(times)
            view["test"] = self._comparison()
            view["gray"] = []
        view["covariates"], view["subdistribution"] = self._ratios()
        view["together"] = self._together()
        view["together_within"] = bool(view["together"]) and self._model_within() is not None
        view["exposure"] = self._exposure()
        data = self._data(bool(view["exposure"]))
        view["columns"] = list(data.columns)
        view["text_columns"] = [name for name in data.columns if data[name].dtype == object]
        return ViewNumbers(data, view, self.expected, tuple(self.left_out))

    def _expect(self, value, *name):
        number = float(value)
        self.expected["; ".join(name)] = number if math.isfinite(number) else None

    def _curves(self, times):
        try:
            result = self.analysis.curve
        except NotEstimable as reason:
            self.left_out.append(f"Curves: {reason}")
            return []
        for row in result.summary.itertuples(index=False):
            group = safe_text(row.stratum)
            self._expect(row.n, group, "patients")
            self._expect(row.n_event, group, "events")
            self._expect(row.median, group, "median (months)")
            self._expect(row.conf_low, group, "median, lower limit")
            self._expect(row.conf_high, group, "median, upper limit")
            self._expect(row.follow_up, group, "median follow-up (months)")
        for row in result.survival_at(times).itertuples(index=False) if times else ():
            where = (safe_text(row.stratum), f"{row.time:g} months")
            self._expect(row.n_risk, *where, "at risk")
            self._expect(row.estimate, *where, "free of the event")
            self._expect(row.conf_low, *where, "lower limit")
            self._expect(row.conf_high, *where, "upper limit")
        return [safe_text(stratum) for stratum in result.strata]

    def _incidence(self, times):
        try:
            result = competing.incidence(self.analysis)
        except NotEstimable as reason:
            self.left_out.append(f"Cumulative incidence: {reason}")
            return [], [], []
        outcome = competing.outcome_of(self.analysis)
        for group in result.strata:
            chosen = slice(None) if self.analysis.strata is None else (self.analysis.strata == group).to_numpy()
            cause = outcome.cause[chosen]
            self._expect(len(cause), safe_text(group), "patients")
            for k in result.causes:
                self._expect((cause == k).sum(), safe_text(group), f"events of cause {k}")
        for row in result.at(times).itertuples(index=False) if times else ():
            where = (safe_text(row.stratum), f"{row.time:g} months")
            self._expect(row.n_risk, *where, "at risk")
            self._expect(row.estimate, *where, f"incidence of cause {row.cause}")
            self._expect(row.conf_low, *where, f"lower limit, cause {row.cause}")
            self._expect(row.conf_high, *where, f"upper limit, cause {row.cause}")
        tested = []
        for k in result.causes:
            try:
                test = competing.comparison(self.analysis, k)
            except NotEstimable as reason:
                self.left_out.append(f"Gray's test, cause {k}: {reason}")
                continue
            self._test(f"Gray's test, cause {k}", test)
            tested.append(int(k))
        return [safe_text(group) for group in result.strata], [int(k) for k in result.causes], tested

    def _comparison(self):
        try:
            test = self.analysis.comparison
        except NotEstimable as reason:
            self.left_out.append(f"Test of the groups: {reason}")
            return None
        self._test(test.method, test)
        return {"name": test.method, **self.analysis.weighting}

    def _test(self, name, test):
        self._expect(test.statistic, name, "chi-squared")
        self._expect(test.df, name, "degrees of freedom")
        self._expect(test.p_value, name, "p")

    def _ratios(self):
        """The covariates whose ratios the scripts estimate one by one, and those of the subdistribution."""
        analysis = self.analysis
        headline = [v for v in analysis.registry.dictionary.headline if not v.is_post_baseline]
        page = analysis.view.page
        both = page == "outcomes" and analysis.endpoint.competing
        title = "Hazard ratio, each alone"
        try:
            if both:
                frame = competing.ratios(analysis, headline, self.cause)
                parts = {model: frame[frame["model"] == model] for model in frame["model"].unique()}
                alone = self._described(title, parts[competing.CAUSE_SPECIFIC], headline)
                other = self._described("Subdistribution hazard ratio", parts[competing.SUBDISTRIBUTION], headline)
                return alone, other
            variables = analysis.recorded_covariates if page == "hazard_ratios" else headline
            terms = analysis.hazard_ratios(variables, ties=self.settings.get("ties", "efron")).terms
        except NotEstimable as reason:
            self.left_out.append(f"Hazard ratios: {reason}")
            return [], []
        return self._described(title, terms[~terms["is_reference"]], variables), []

    def _described(self, title, terms, variables):
        """The covariates all of whose ratios can be estimated, as the scripts need them; their numbers are expected."""
        described = []
        for variable in variables:
            own = terms[terms["covariate"] == variable.name]
            if own.empty or own["estimate"].isna().any() or own["std_error"].isna().any() or (own["note"] != "").any():
                self.left_out.append(f"{title}, {variable.label}: no estimate, or not for every level.")
                continue
            described.append(self._covariate(variable, own["level"]))
            for term in own.itertuples(index=False):
                name = (title, safe_text(variable.label_with_step), *([safe_text(term.level)] if term.level else []))
                for column, words in RATIO_PARTS:
                    self._expect(getattr(term, column), *name, words)
        return described

    def _covariate(self, variable: Variable, levels):
        usable = COLUMN_NAME.fullmatch(variable.name) and variable.name not in TAKEN
        column = self.columns.setdefault(
            variable.name, variable.name if usable else f"covariate_{len(self.columns) + 1}"
        )
        return {
            "column": column,
            "label": safe_text(variable.label_with_step),
            "kind": "number" if variable.is_numeric else "levels",
            "step": variable.step if variable.is_numeric else 1,
            "levels": [safe_text(level) for level in levels if level != ""],
        }

    def _model_within(self) -> Variable | None:
        return self.analysis.registry.dictionary.by_label(self.settings.get("together_within", ""))

    def _together(self):
        analysis, chosen = self.analysis, self.settings.get("together", ())
        variables = [v for v in analysis.recorded_covariates if v.label in chosen]
        if not variables:
            return []
        title = "Hazard ratio, one model"
        if self.settings["firth"]:
            self.left_out.append(f"{title}: Firth's penalised likelihood is in neither script.")
            return []
        try:
            model = joint_model(analysis, variables, ties=self.settings["ties"], within=self._model_within())
        except NotEstimable as reason:
            self.left_out.append(f"{title}: {reason}")
            return []
        terms = model.result.terms
        terms = terms[~terms["is_reference"]]
        if terms["estimate"].isna().any():
            self.left_out.append(f"{title}: not every ratio has an estimate.")
            return []
        return self._described(title, terms, variables)

    def _exposure(self):
        exposure = chosen_exposure(self.analysis) if self.analysis.view.page == "treatment" else None
        if exposure is None:
            return None
        self.seen = ExposureAnalysis(self.analysis, exposure)
        try:
            estimates = self.seen.estimates
        except NotEstimable as reason:
            self.left_out.append(f"Exposure: {reason}")
            return None
        estimable = []
        for row in estimates.itertuples(index=False):
            if math.isnan(row.estimate):
                self.left_out.append(f"Exposure, {row.analysis}: {row.note}")
                continue
            estimable.append(row.analysis)
            title = f"Exposure, {row.analysis}"
            for column, words in RATIO_PARTS:
                self._expect(getattr(row, column), title, safe_text(exposure.label), words)
            self._expect(row.n_event, title, "events")
            self._expect(row.n_event_exposed, title, "events while exposed")
        mantel_byar = True
        try:
            test = self.seen.moving_test
            self._expect(test.statistic, "Mantel-Byar test", "chi-squared")
            self._expect(test.p_value, "Mantel-Byar test", "p")
        except NotEstimable as reason:
            mantel_byar = False
            self.left_out.append(f"Mantel-Byar test: {reason}")
        self.left_out.append("The adjusted model, the numbers of courses and the draws without effect of this page.")
        return {
            "label": safe_text(exposure.label),
            "definition": self.seen.definition,
            "landmark": self.seen.landmark_months,
            "estimable": estimable,
            "mantel_byar": mantel_byar,
        }

    def _data(self, with_exposure):
        analysis, outcome = self.analysis, self.outcome
        patients = analysis.registry.patients.iloc[self.rows].reset_index(drop=True)
        cause = np.minimum(outcome.cause, 2) if analysis.endpoint.competing else outcome.cause
        made = {
            "patient": np.arange(1, len(outcome) + 1),
            "time_days": _days(outcome.time),
            "cause": cause,
        }
        if outcome.entry is not None:
            made["entry_days"] = _days(outcome.entry)
        group = pd.Series("All", index=patients.index)
        if analysis.by is not None:
            group = analysis.by.values.iloc[self.rows].reset_index(drop=True)
        made["group"] = _texts(group)
        within = analysis.registry.dictionary.by_label(self.settings.get("within", ""))
        made["within"] = _texts(pd.Series("All", index=patients.index) if within is None else patients[within.name])
        if self._model_within() is not None:
            made["model_within"] = _texts(patients[self._model_within().name])
        if with_exposure:
            inside = np.isin(self.rows, self.seen.rows)
            exposed_at = np.full(len(self.rows), np.nan)
            exposed_at[inside] = self.seen.months[np.searchsorted(self.seen.rows, self.rows[inside])]
            made["in_exposure_analysis"] = inside.astype(int)
            made["exposure_days"] = _days(exposed_at)
        for name, column in self.columns.items():
            values = patients[name]
            made[column] = (
                values.to_numpy(dtype=float) if analysis.registry.dictionary[name].is_numeric else _texts(values)
            )
        return pd.DataFrame(made)


def _days(months):
    """Months as days, whole where they were days."""
    return np.round(months * DAYS_PER_MONTH, 6)


def _texts(values: pd.Series) -> pd.Series:
    return values.astype(object).map(safe_text, na_action="ignore")
