"""One view of one registry, asked about an exposure: what the Treatment page shows, without immortal time."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from core.analysis import Analysis, covariate_values
from core.conventions import EVENTS_PER_COEFFICIENT_REFUSED
from core.errors import NotEstimable
from core.exposures import (
    COURSES,
    COURSES_LABEL,
    START,
    STOP,
    Exposure,
    course_months,
    exposure_known,
    exposure_months,
    exposures_of,
    undated,
)
from core.registry import Registry, Variable
from core.settings import FROM_LAST_DAY
from core.survival import CoxResult, KaplanMeierResult, Outcome, TestResult, kaplan_meier, landmark, logrank_test
from core.survival.exposure import both_states, mantel_byar, simon_makuch
from core.timeline import BY_EXPOSURE, BY_FOLLOW_UP, Timeline, follow_up_only, timeline
from core.treatment import (
    ESTIMATE_COLUMNS,
    LANDMARK,
    TIME_DEPENDENT,
    adjusted,
    every_threshold,
    since_exposure,
    three_estimates,
)

EXPOSED_BY, NOT_EXPOSED_BY = "Exposed by the landmark", "Not exposed by the landmark"
BY_LANDMARK_LEVELS = (NOT_EXPOSED_BY, EXPOSED_BY)


@dataclass(frozen=True, eq=False)
class ExposureAnalysis:
    """A view and an exposure that begins during follow-up. Everything is computed when first asked for.

    Patients of whom it is not known whether or when they were exposed are left out and counted in ``n_not_known``. Every
    property that needs patients raises NotEstimable when nobody is left.
    """

    analysis: Analysis
    exposure: Exposure

    @property
    def _view(self):
        return self.analysis.view

    @cached_property
    def counted_from(self) -> str:
        last_day = dict(self._view.settings).get("counted_from") == FROM_LAST_DAY
        return STOP if self.exposure.courses and last_day else START

    @cached_property
    def definition(self) -> str:
        return self.exposure.definition(self.counted_from)

    @cached_property
    def _known(self) -> np.ndarray:
        return exposure_known(self.analysis.registry, self.exposure, counted_from=self.counted_from)

    @cached_property
    def mask(self) -> np.ndarray:
        """(n,) bool over all patients of the registry: in the cohort, and the exposure known."""
        return self.analysis.cohort.mask & self._known

    @property
    def n_not_known(self) -> int:
        return int(np.count_nonzero(self.analysis.cohort.mask & ~self._known))

    @cached_property
    def _outcome_and_rows(self) -> tuple[Outcome, np.ndarray]:
        endpoint = self.analysis.endpoint
        if self.exposure not in exposures_of(self.analysis.registry, endpoint):
            raise NotEstimable(
                f"{self.exposure.label} is what the endpoint counts, so it cannot be its own exposure. Choose another one."
            )
        outcome, rows = self.analysis.times.outcome(self.mask)
        if not len(outcome):
            raise NotEstimable("No patient passes these filters together. Undo one of them in the sidebar.")
        return outcome, rows

    @property
    def outcome(self) -> Outcome:
        return self._outcome_and_rows[0]

    @property
    def rows(self) -> np.ndarray:
        """Positions in the registry of the patients behind ``outcome``."""
        return self._outcome_and_rows[1]

    @cached_property
    def months(self) -> np.ndarray:
        """Months from diagnosis to the exposure for the rows of ``outcome``; NaN for never."""
        return exposure_months(self.analysis.registry, self.exposure, counted_from=self.counted_from)[self.rows]

    @property
    def landmark_months(self) -> int:
        return dict(self._view.settings).get("landmark_at", 0)

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """Naive, landmark and time-dependent, as ``three_estimates`` gives them."""
        return three_estimates(
            self.outcome, self.months, landmark_months=self.landmark_months, events=self.analysis.endpoint.events
        )

    @property
    def time_dependent(self) -> pd.Series:
        return self.estimate(TIME_DEPENDENT)

    def estimate(self, analysis: str) -> pd.Series:
        """One row of ``estimates``: "naive", "landmark" or "time-dependent"."""
        return self.estimates.set_index("analysis").loc[analysis]

    @property
    def immortal_months(self) -> float:
        """The time that the exposed lived through before the exposure, and that a naive analysis credits to it."""
        naive, split = (self.estimate(name)["person_months_exposed"] for name in ("naive", TIME_DEPENDENT))
        return max(float(naive - split), 0.0)

    @cached_property
    def thresholds(self) -> pd.DataFrame:
        """The estimate for every number of courses, as ``every_threshold`` gives it, of those whose courses are all dated."""
        registry = self.analysis.registry
        known = np.ones(len(self.rows), dtype=bool)
        for exposure in exposures_of(registry):
            if exposure.courses:
                known &= exposure_known(registry, exposure, counted_from=self.counted_from)[self.rows]
        times = course_months(registry, counted_from=self.counted_from)[self.rows[known]]
        return every_threshold(self.outcome.take(known), times, events=self.analysis.endpoint.events)

    @cached_property
    def moving_curves(self) -> KaplanMeierResult:
        """Simon-Makuch: patients change from one curve to the other when exposed."""
        return simon_makuch(self.outcome, self.months, split=self._states)

    @cached_property
    def moving_test(self) -> TestResult:
        """Mantel-Byar."""
        return mantel_byar(self.outcome, self.months, split=self._states)

    @cached_property
    def _states(self) -> tuple:
        """The follow-up in rows, divided at the exposure: curves and test share it."""
        return both_states(self.outcome, self.months)

    @cached_property
    def _at_landmark(self) -> tuple[Outcome, pd.Series]:
        later, kept = landmark(self.outcome, self.landmark_months)
        by_then = (self.months[kept] <= self.landmark_months).astype(np.int8)
        return later, pd.Series(pd.Categorical.from_codes(by_then, list(BY_LANDMARK_LEVELS)))

    @cached_property
    def landmark_curves(self) -> KaplanMeierResult:
        return kaplan_meier(*self._at_landmark)

    @cached_property
    def landmark_test(self) -> TestResult:
        return logrank_test(*self._at_landmark)

    @cached_property
    def others(self) -> tuple[Exposure, ...]:
        """Further exposures that the reader put into the model."""
        chosen = self._view["also_since"]
        offered = exposures_of(self.analysis.registry, self.analysis.endpoint)
        return tuple(e for e in offered if e.label in chosen and e != self.exposure)

    @cached_property
    def baseline(self) -> tuple[Variable, ...]:
        """What is known at diagnosis and the reader put into the model."""
        chosen = self._view["adjust_for"]
        return tuple(v for v in self.analysis.recorded_covariates if v.label in chosen)

    @cached_property
    def _model_data(self) -> tuple[Outcome, pd.DataFrame, pd.DataFrame]:
        registry = self.analysis.registry
        known = np.ones(len(self.rows), dtype=bool)
        times = {self.exposure.label: self.months}
        for other in self.others:
            # the same moment of a course counts for all of them
            known &= exposure_known(registry, other, counted_from=self.counted_from)[self.rows]
            times[other.label] = exposure_months(registry, other, counted_from=self.counted_from)[self.rows]
        covariates = pd.DataFrame(
            {v.name: covariate_values(v, registry.values(v.name)).array.take(self.rows) for v in self.baseline},
            index=range(len(self.rows)),
        )
        known &= covariates.notna().all(axis=1).to_numpy()
        return (
            self.outcome.take(known),
            pd.DataFrame(times)[known].reset_index(drop=True),
            covariates[known].reset_index(drop=True),
        )

    @property
    def n_model(self) -> tuple[int, int]:
        """Patients that the adjusted model uses, and events among them."""
        outcome = self._model_data[0]
        return len(outcome), outcome.n_event

    @cached_property
    def n_coefficients(self) -> int:
        covariates = self._model_data[2]
        return 1 + len(self.others) + sum(_coefficients(values) for _, values in covariates.items())

    @cached_property
    def model(self) -> CoxResult:
        """Exposures from their dates on and covariates known at diagnosis, in one model.

        Raises NotEstimable where there are too few events for so many coefficients.
        """
        outcome, times, covariates = self._model_data
        most = outcome.n_event // EVENTS_PER_COEFFICIENT_REFUSED
        if self.n_coefficients > most:
            what = self.analysis.endpoint.event if outcome.n_event == 1 else self.analysis.endpoint.events
            room = f"at most {most}" if most else "none at all"
            cure = "Take something out" if self.n_coefficients > 1 else "Widen the filters"
            raise NotEstimable(
                f"No adjusted model: {_plural(self.n_coefficients, 'coefficient')} for {outcome.n_event} {what}. With fewer than "
                f"{EVENTS_PER_COEFFICIENT_REFUSED} events for each coefficient the estimates cannot be trusted; {outcome.n_event} "
                f"{what} {'carries' if outcome.n_event == 1 else 'carry'} {room}. {cure}."
            )
        return adjusted(outcome, times, covariates)

    def timelines(self, sort: str = BY_FOLLOW_UP, *, most: int | None = None) -> Timeline:
        """Every patient with a known exposure from diagnosis on; ``sort`` as in ``timeline``, or a variable's label.

        Beyond ``most`` patients only the bars, unsorted, without their names.
        """
        if most is not None and np.count_nonzero(self.mask) > most:
            return follow_up_only(
                self.analysis.registry, self.mask, exposure=self.exposure, counted_from=self.counted_from
            )
        variable = self.analysis.registry.dictionary.by_label(sort)
        if variable is not None:
            sort = variable.name
        elif sort not in (BY_FOLLOW_UP, BY_EXPOSURE):
            sort = BY_FOLLOW_UP
        return timeline(
            self.analysis.registry, self.mask, exposure=self.exposure, counted_from=self.counted_from, sort=sort
        )

    @property
    def draws_key(self) -> tuple:
        """What decides about the draws under no effect, as plain values."""
        return (*_view_key(self.analysis), self.exposure.name, self.counted_from)


def chosen_exposure(analysis: Analysis) -> Exposure | None:
    """The exposure of the view; None where the registry records nothing with dates."""
    found = exposures_of(analysis.registry)
    return next(
        (e for e in found if e.label == dict(analysis.view.settings).get("exposure")), found[0] if found else None
    )


def undated_count(registry: Registry) -> Variable | None:
    """The number of courses where their dates are missing: what the bias can be shown for with assumed dates only."""
    return next((v for v, _ in undated(registry) if v.dated_by == COURSES), None)


@dataclass(frozen=True, eq=False)
class AssumedDraws:
    """Who had at least so many courses, where nobody knows when: what ``assumed_bias`` needs."""

    outcome: Outcome
    exposed: np.ndarray
    n_missing: int
    key: tuple

    @property
    def n_exposed(self) -> int:
        return int(np.count_nonzero(self.exposed))

    def n_shorter(self, months: float) -> int:
        """Of the exposed, those followed for less than that."""
        return int(np.count_nonzero(self.exposed & (self.outcome.time < months)))


def assumed_draws(analysis: Analysis, counted: Variable, courses: int) -> AssumedDraws:
    """The cohort's outcome and who had at least ``courses``, from the number alone. Raises NotEstimable when nobody is left."""
    number = analysis.registry.patients[counted.name].to_numpy(dtype=float)
    known = analysis.cohort.mask & ~np.isnan(number)
    outcome, rows = analysis.times.outcome(known)
    if not len(outcome):
        raise NotEstimable("No patient passes these filters together. Undo one of them in the sidebar.")
    key = (*_view_key(analysis), counted.name, courses)
    return AssumedDraws(outcome, number[rows] >= courses, int((analysis.cohort.mask & ~known).sum()), key)


def shown_kinds(seen: ExposureAnalysis) -> tuple[str, ...]:
    """What to mark on the timelines: the exposure, the first other dated event, and resolution."""
    registry = seen.analysis.registry
    dated = [e for e in exposures_of(registry) if not e.courses]
    healed = [
        e for e in dated if registry.dictionary[registry.dictionary[e.variable].dated_by].means == "resolution_date"
    ]
    others = [e for e in dated if e not in healed][:1]
    chosen = [seen.exposure] if not seen.exposure.courses else []
    return tuple(dict.fromkeys(e.label for e in (*others, *healed, *chosen)))


def since_their_dates(analysis: Analysis) -> pd.DataFrame:
    """What is known only after diagnosis, each from its date on and on its own: the rows of a forest plot.

    variable, label, n_not_known (patients left out because it is not known whether or when), then the columns of
    ``three_estimates``. Courses are one row, per additional course. Raises NotEstimable when nobody is left.
    """
    rows, counted = [], False
    for exposure in exposures_of(analysis.registry, analysis.endpoint):
        if exposure.courses and counted:
            continue
        seen = ExposureAnalysis(analysis, exposure)
        label = exposure.label
        if exposure.courses:
            counted = True
            found = seen.thresholds.iloc[-1]
            label = f"{_course_name(analysis.registry, exposure)}, {found['label']}"
        else:
            found = since_exposure(seen.outcome, seen.months, events=analysis.endpoint.events)
        numbers = {name: found[name] for name in ESTIMATE_COLUMNS}
        rows.append({"variable": exposure.variable, "label": label, "n_not_known": seen.n_not_known} | numbers)
    return pd.DataFrame(rows, columns=["variable", "label", "n_not_known", *ESTIMATE_COLUMNS])


def _course_name(registry, exposure):
    return COURSES_LABEL if exposure.variable == COURSES else registry.dictionary[exposure.variable].label


def estimates_sentences(seen: ExposureAnalysis, form) -> tuple[str, str]:
    """The answer in words: the time-dependent estimate first, then what the fixed label would have said and why.

    ``form(estimate, conf_low, conf_high)`` writes a ratio with its interval.
    """
    naive, split = seen.estimate("naive"), seen.estimate(TIME_DEPENDENT)
    events, label = seen.analysis.endpoint.events, seen.exposure.label
    if math.isnan(split["estimate"]):
        first = f"{label}: no hazard ratio from its date on. {split['note']}"
    else:
        ratio = form(split["estimate"], split["conf_low"], split["conf_high"])
        if split["conf_low"] <= 1 <= split["conf_high"]:
            verdict = "a lower and a higher hazard are both compatible with these data."
        else:
            verdict = (
                f"{'lower' if split['conf_high'] < 1 else 'higher'} among the exposed than among those not exposed yet."
            )
        first = f"{label}: hazard ratio {ratio} once exposure counts from its date on: {verdict}"
    if math.isnan(naive["estimate"]):
        return first, f"As a label fixed at diagnosis no ratio can be estimated either. {naive['note']}"
    ratio = form(naive["estimate"], naive["conf_low"], naive["conf_high"])
    second = f"As a label fixed at diagnosis the same patients give {ratio}."
    if seen.immortal_months > 0:
        who = "the one exposed patient" if naive["n_exposed"] == 1 else f"the {naive['n_exposed']:,} exposed"
        second += (
            f" That credits {who} with {seen.immortal_months:,.0f} person-months before the exposure, in which none of the {events} "
            "could be theirs: whoever had one earlier was never exposed."
        )
    return first, second


def landmark_sentence(seen: ExposureAnalysis) -> str:
    """What the landmark leaves out."""
    row = seen.estimate(LANDMARK)
    events = seen.analysis.endpoint.events if row["events_left_out"] != 1 else seen.analysis.endpoint.event
    return (
        f"The landmark at {_plural(seen.landmark_months, 'month')} leaves out {_plural(row['n_left_out'], 'patient')} and "
        f"{row['events_left_out']:,} {events}."
    )


def _view_key(analysis) -> tuple:
    return (
        analysis.registry.fingerprint,
        analysis.endpoint.name,
        analysis.window_months,
        analysis.unknown_cause,
        repr(analysis.view.filters),
    )


def _coefficients(values: pd.Series) -> int:
    return max(values.nunique() - 1, 0) if isinstance(values.dtype, pd.CategoricalDtype) else 1


def _plural(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n:,} {what}s"
