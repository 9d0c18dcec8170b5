"""One view of one registry, and the numbers that it shows. What a page, a report or a script needs starts here."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from core.cohort import Cohort, Filter, attrition, select_cohort
from core.conventions import CONF_LEVEL, CONF_TYPE, SMALL_STRATUM
from core.endpoints import (
    FROM_DIAGNOSIS,
    FROM_ONSET,
    OTHER_CAUSE,
    Endpoint,
    EndpointTimes,
    definition_in_force,
    endpoint_times,
    endpoints_of,
)
from core.errors import NotEstimable
from core.grouping import SELECTION, Grouping, group_by_selection, group_by_variable
from core.registry import Registry, Variable
from core.survival import (
    CoxResult,
    KaplanMeierResult,
    TestResult,
    cox_each,
    kaplan_meier,
    landmark,
    logrank_test,
)
from core.survival.logrank import METHODS
from core.survival.outcome import Outcome
from core.view import View


@dataclass(frozen=True, eq=False)
class Analysis:
    """A registry seen through a view. Everything is computed when first asked for."""

    registry: Registry
    view: View
    everybody: bool = False  # over all patients of the registry, whatever the filters; see ``grouped``

    @cached_property
    def grouped(self) -> "Analysis":
        """The patients behind curves and tests by group: these, or everybody when the selection is set against the rest."""
        if self.everybody or self.by is None or not self.by.against_the_rest:
            return self
        return Analysis(self.registry, self.view, everybody=True)

    def _setting(self, name, otherwise):
        return dict(self.view.settings).get(name, otherwise)

    @cached_property
    def endpoint(self) -> Endpoint:
        return next(e for e in endpoints_of(self.registry) if e.label == self.view["endpoint"])

    @cached_property
    def window_months(self) -> int:
        return int(self.view["window"].split()[0])

    @property
    def unknown_cause(self) -> str:
        """What deaths of unknown cause count as."""
        return self._setting("unknown_cause", OTHER_CAUSE)

    def definition_of(self, endpoint: Endpoint) -> str:
        """An endpoint's definition with the reader's choices."""
        return definition_in_force(
            self.registry, endpoint, window_months=self.window_months, unknown_cause=self.unknown_cause
        )

    @cached_property
    def times(self) -> EndpointTimes:
        """Of all patients of the registry, on the clock of the page."""
        return endpoint_times(
            self.registry,
            self.endpoint,
            clock=self._setting("clock", FROM_DIAGNOSIS),
            window_months=self.window_months,
            unknown_cause=self.unknown_cause,
        )

    @cached_property
    def cohort(self) -> Cohort:
        return select_cohort(self.registry, self.view.filters)

    @cached_property
    def _followed(self) -> tuple[Outcome, np.ndarray]:
        """Before any landmark."""
        return self.times.outcome(np.ones(len(self.registry), dtype=bool) if self.everybody else self.cohort.mask)

    @cached_property
    def _outcome_and_rows(self) -> tuple[Outcome, np.ndarray]:
        outcome, rows = self._followed
        if not self.landmark_months or not len(outcome):
            return outcome, rows
        later, kept = landmark(outcome, self.landmark_months)
        return later, rows[kept]

    @property
    def landmark_months(self) -> int:
        return self._setting("landmark", 0)

    @property
    def left_out_by_landmark(self) -> tuple[int, int]:
        """Patients, and events among them, that the landmark leaves out."""
        before = self._followed[0]
        return len(before) - len(self.outcome), before.n_event - self.outcome.n_event

    @property
    def conf_level(self) -> float:
        return float(self._setting("level", f"{CONF_LEVEL:.0%}").rstrip("%")) / 100

    @property
    def conf_type(self) -> str:
        return self._setting("interval", CONF_TYPE)

    @property
    def outcome(self) -> Outcome:
        """Times in months of the cohort's patients that have one, in the order of ``rows``."""
        return self._outcome_and_rows[0]

    @property
    def rows(self) -> np.ndarray:
        """Positions in the registry of the patients behind ``outcome``."""
        return self._outcome_and_rows[1]

    @cached_property
    def n_event(self) -> int:
        """Events among the patients of the cohort."""
        return int(np.count_nonzero(self.times.event & self.cohort.mask))

    @cached_property
    def by(self) -> Grouping | None:
        """What the curves are grouped by, if anything."""
        label = self.view["by"]
        if label == SELECTION:
            return group_by_selection(self.registry, self.cohort.mask)
        variable = self.registry.dictionary.by_label(label)
        if variable is None:
            return None
        cut = self._setting(f"cut.{variable.name}", "")
        return group_by_variable(self.registry, variable, cut, self._setting(f"cut_at.{variable.name}", math.nan))

    @cached_property
    def strata(self) -> pd.Series | None:
        """The group of every row of ``outcome``; None when nothing groups."""
        return None if self.by is None else self.by.values.iloc[self.rows].reset_index(drop=True)

    def values(self, name: str) -> pd.Series:
        """A variable for the rows of ``outcome``."""
        return self.registry.patients[name].iloc[self.rows].reset_index(drop=True)

    @cached_property
    def attrition(self) -> pd.DataFrame:
        return attrition(self.registry, self.view.filters, self.times.event)

    @property
    def clock_start(self) -> str:
        return "onset of lesions" if self._setting("clock", FROM_DIAGNOSIS) == FROM_ONSET else "diagnosis"

    @property
    def time_title(self) -> str:
        """What the time axis counts."""
        if self.landmark_months:
            unit = "month" if self.landmark_months == 1 else "months"
            return f"Months from the landmark, {self.landmark_months} {unit} after {self.clock_start}"
        return f"Months from {self.clock_start}"

    def require_patients(self) -> None:
        """Raises NotEstimable when nobody is left, and names the filter to undo."""
        if len(self.outcome):
            return
        if len(self.cohort):
            why = "; ".join(f"{sentence} ({n})" for sentence, n in self.times.exclusions(self.cohort.mask))
            raise NotEstimable(f"None of the {len(self.cohort)} patients has a time on this clock: {why}.")
        culprit = emptying_filter(self.registry, self.view.filters)
        if culprit is None:
            raise NotEstimable("The registry has no patient.")
        raise NotEstimable("No patient passes these filters together. Undo one of them in the sidebar.")

    @cached_property
    def overall_curve(self) -> KaplanMeierResult:
        """The curve of the whole cohort. Raises NotEstimable when nobody is left."""
        self.require_patients()
        return kaplan_meier(self.outcome, conf_level=self.conf_level, conf_type=self.conf_type)

    @cached_property
    def curve(self) -> KaplanMeierResult:
        """The curves by group, or the overall one. Raises NotEstimable when nobody is left."""
        self.require_patients()
        if self.grouped is not self:
            return self.grouped.curve
        if self.strata is None:
            return self.overall_curve
        if self.strata.isna().all():
            raise NotEstimable(
                f"{self.by.label} is not recorded for any of these {len(self.outcome)} patients. Group by something else."
            )
        return kaplan_meier(self.outcome, self.strata, conf_level=self.conf_level, conf_type=self.conf_type)

    def require_groups(self) -> None:
        """Raises NotEstimable unless at least two groups of some size and an event are there to be compared."""
        self.require_group_sizes()
        if self.grouped.outcome.n_event == 0:
            raise NotEstimable(f"No {self.endpoint.events} here, so nothing can be compared.")

    def require_group_sizes(self) -> None:
        """Raises NotEstimable unless at least two groups of some size are there to be compared."""
        if self.grouped is not self:
            self.grouped.require_group_sizes()
            return
        self.require_patients()
        if self.strata is None:
            raise NotEstimable("A comparison needs two groups. Choose what to group by.")
        counts = self.strata.value_counts()
        present = counts[counts > 0]
        if len(present) < 2:
            only = f"only {present.index[0]}" if len(present) else "nobody"
            raise NotEstimable(f"A comparison needs two groups; here is {only}.")
        small = present[present < SMALL_STRATUM]
        if len(small):
            said = ", ".join(f"{level} ({n})" for level, n in small.items())
            raise NotEstimable(f"No p value: fewer than {SMALL_STRATUM} patients in {said}.")

    @cached_property
    def large_groups(self) -> tuple[Outcome, pd.Series, tuple[str, ...]]:
        """Outcome and groups for estimates of differences: without groups below SMALL_STRATUM, which are named.

        Raises NotEstimable when fewer than two are left.
        """
        grouped = self.grouped
        grouped.require_patients()
        if grouped.strata is None:
            raise NotEstimable("A comparison needs two groups. Choose what to group by.")
        counts = grouped.strata.value_counts()
        small = tuple(str(level) for level in self.by.levels if 0 < counts.get(level, 0) < SMALL_STRATUM)
        if (counts >= SMALL_STRATUM).sum() < 2:
            raise NotEstimable(f"No comparison: it needs two groups of at least {SMALL_STRATUM} patients.")
        kept = (grouped.strata.notna() & ~grouped.strata.isin(small)).to_numpy()
        return grouped.outcome.take(kept), grouped.strata[kept].reset_index(drop=True), small

    @property
    def within(self) -> pd.Series | None:
        """The strata within which groups are compared, for the rows of ``outcome``."""
        variable = self.registry.dictionary.by_label(self._setting("within", ""))
        return None if variable is None else self.values(variable.name)

    @cached_property
    def weighting(self) -> dict:
        """How the chosen test weighs events: keywords of ``logrank_test``."""
        method = self._setting("test", METHODS["log-rank"])
        weights = next(name for name, said in METHODS.items() if said == method)
        if weights != "fleming-harrington":
            return {"weights": weights}
        return {"weights": weights, "rho": self._setting("rho", 0.0), "gamma": self._setting("gamma", 0.0)}

    @cached_property
    def comparison(self) -> TestResult:
        """The test of the groups that the reader chose. Raises NotEstimable with what is missing."""
        self.require_groups()
        grouped = self.grouped
        return logrank_test(grouped.outcome, grouped.strata, stratify=grouped.within, **self.weighting)

    def covariates(self, variables) -> pd.DataFrame:
        """Covariates for the rows of ``outcome``, in steps, the reference level first; columns are variable names."""
        everybody = len(self.rows) == len(self.registry)
        values = self.registry.values if everybody else self.values
        return pd.DataFrame({v.name: covariate_values(v, values(v.name)) for v in variables}, copy=False)

    def hazard_ratios(self, variables, *, ties="efron") -> CoxResult:
        """Each variable alone. Raises NotEstimable when there is nobody or no event."""
        self.require_patients()
        if self.outcome.n_event == 0:
            raise NotEstimable(
                f"No {self.endpoint.events} among these {len(self.outcome)} patients, so no hazard ratio can be estimated. "
                "Widen the filters."
            )
        key = (ties, *(variable.name for variable in variables))
        if key not in self._ratios:
            self._ratios[key] = cox_each(self.outcome, self.covariates(variables), ties=ties)
        return self._ratios[key]

    @cached_property
    def _ratios(self) -> dict:
        """Models that were fitted: figure, table and sentence ask for the same ones."""
        return {}

    @cached_property
    def recorded_covariates(self) -> tuple[Variable, ...]:
        """What is known at diagnosis and could explain the outcome."""
        return tuple(v for v in self.registry.dictionary.covariates if not v.is_post_baseline)

    @cached_property
    def later_covariates(self) -> tuple[Variable, ...]:
        """What is known only later: a fixed hazard ratio of it would contain time in which nobody could die."""
        return tuple(v for v in self.registry.dictionary.covariates if v.is_post_baseline)


def covariate_values(variable: Variable, values: pd.Series) -> pd.Series:
    """A variable as a covariate: numbers in steps, categories with the reference first and without order."""
    if variable.is_numeric:
        return pd.Series(values.to_numpy(dtype=float) / variable.step, index=values.index)
    levels = [variable.reference, *(level for level in variable.levels if level != variable.reference)]
    return values.cat.set_categories(levels, ordered=False)


def emptying_filter(registry: Registry, filters) -> Filter | None:
    """The first filter after which nobody is left; None when somebody is."""
    for position, condition in enumerate(filters):
        if not len(select_cohort(registry, filters[: position + 1])):
            return condition
    return None
