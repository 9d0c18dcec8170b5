"""Cox's proportional hazards model."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc, ndtr, ndtri

from core.conventions import CONF_LEVEL, TIES
from core.errors import NotEstimable
from core.survival.at_risk import risk_index
from core.survival.concordance import concordance
from core.survival.design_matrix import Covariate, DesignMatrix, complete_rows, design_matrix, read_covariates
from core.survival.outcome import Outcome
from core.survival.partial_likelihood import Maximum, maximise

NO_EVENTS = "not estimable: no events in this group"
NO_EVENTS_IN_REFERENCE = "not estimable: no events in the reference group"
SEPARATED = "not estimable: it separates those with the event completely, alone or with other covariates"


@dataclass(frozen=True, eq=False)
class CoxResult:
    """Hazard ratios of a model, one row of ``terms`` per number or level.

    terms           covariate, level ("" for a number), n, n_event (of the level; for a number, of the model),
                    is_reference, coef (log hazard ratio), std_error (of coef), estimate (hazard ratio), conf_low, conf_high,
                    statistic, p_value, note ("" or why there is no estimate). A reference row has the estimate 1
                    and no interval; NaN means not estimable.
    tests           test, statistic, df, p_value
    concordance     {"estimate", "std_error"}; NaN where it is not defined
    n, n_event      rows and events used; n_excluded rows were left out because a value is missing
    log_likelihood  (without covariates, with them)
    ties            how tied events are handled
    left_out        (covariate, why) of what could not be part of the model
    overall         one row per covariate, from ``cox_each`` only; else None
    """

    terms: pd.DataFrame
    tests: pd.DataFrame
    concordance: dict
    n: int
    n_event: int
    n_excluded: int
    log_likelihood: tuple[float, float]
    ties: str
    left_out: tuple
    overall: pd.DataFrame | None = None


def cox(outcome: Outcome, covariates, *, ties=TIES, stratify=None, conf_level=CONF_LEVEL) -> CoxResult:
    """Hazard ratios of several covariates together, with Wald intervals and tests; equal to R's ``coxph``.

    covariates: a frame (or one Series) aligned with the outcome by position. Numbers enter as they are; yes/no and
    categorical columns by level against the first level that has rows. Products of columns can be columns, so an interaction
    is one more column. stratify: one Series; each stratum has a baseline hazard of its own. ties: "efron" or "breslow".
    Causes other than 1 count as censored. Rows with a missing value are left out and counted.

    A coefficient that the likelihood drives to infinity has NaN and a note; the others are then the limits that they tend
    to, and so are the likelihood-ratio test and the concordance. A constant covariate and one determined by those before it
    are left out and named in ``left_out``.

    Raises NotEstimable without rows or events, or when nothing can be estimated; ValueError on unequal lengths.
    Method: Cox (1972); Efron (1977); score test at zero.
    """
    prepared = prepare(outcome, covariates, stratify)
    found = maximise(prepared.index(ties), prepared.design.x, prepared.stratum, prepared.directions)
    if not found.fitted.any():
        raise NotEstimable(nothing_estimable(prepared, found))
    return _result(prepared, found, ties, conf_level)


@dataclass(frozen=True, eq=False)
class Prepared:
    """Complete rows, their strata and columns: what every regression of this package starts from."""

    outcome: Outcome
    covariates: list
    design: DesignMatrix
    stratum: np.ndarray | None
    n_excluded: int
    kept: np.ndarray

    def index(self, ties: str):
        """strata -> the risk sets of these rows."""
        return lambda stratum: risk_index(self.outcome, stratum, ties)

    @property
    def directions(self) -> list[np.ndarray]:
        """Directions without a best value that can be read off the counts: levels in which no event happened."""
        p = len(self.design.x)
        event = self.outcome.event
        found = []
        for covariate in {term.covariate: None for term in self.design.terms if term.rows is not None}:
            levels = [term for term in self.design.terms if term.covariate == covariate]
            empty = [term for term in levels if not (event & term.rows).any()]
            if len(levels) < 2:
                continue
            direction = np.zeros(p)
            for term in empty:
                if term.is_reference:
                    direction[[other.column for other in levels if other.column is not None]] += 1
                else:
                    direction[term.column] -= 1
            if empty:
                found.append(direction)
        return found


def prepare(outcome: Outcome, covariates, stratify=None, *, model: str = "model") -> Prepared:
    """The complete rows of an outcome and its covariates. Raises NotEstimable when no row or no event is left."""
    read = read_covariates(covariates, len(outcome))
    if not read:
        raise ValueError("at least one covariate is needed")
    kept = complete_rows(read, len(outcome))
    strata = None
    if stratify is not None:
        stratify = stratify if isinstance(stratify, pd.Series) else pd.Series(stratify)
        codes, _ = pd.factorize(stratify)
        if len(codes) != len(outcome):
            raise ValueError("stratify must hold one value for each row of the outcome")
        kept &= codes >= 0
        strata = np.unique(codes[kept], return_inverse=True)[1]
    n_excluded = int(len(kept) - np.count_nonzero(kept))
    require_events(outcome if not n_excluded else outcome.take(kept), n_excluded, model)
    if n_excluded:
        outcome = outcome.take(kept)
        read = [covariate.take(kept) for covariate in read]
    return Prepared(outcome, read, design_matrix(read, len(outcome)), strata, n_excluded, kept)


def require_events(outcome: Outcome, n_excluded: int, model: str = "model") -> None:
    """Raises NotEstimable when there is nothing to fit a model to."""
    left_out = f" {n_excluded} rows were left out because a value is missing." if n_excluded else ""
    if not len(outcome):
        raise NotEstimable(
            f"No patients are left for this {model}.{left_out} Widen the filters or take fewer covariates."
        )
    if not outcome.n_event:
        raise NotEstimable(
            f"None of the {len(outcome)} patients had the event, so this {model} has nothing to learn from.{left_out} "
            "Widen the filters or choose another endpoint."
        )


def note_of(covariate: Covariate, term, event: np.ndarray, design: DesignMatrix) -> str:
    """Why a term of a model without a best value has no estimate."""
    if term.rows is None:
        return SEPARATED
    if not (event & term.rows).any():
        return NO_EVENTS
    reference = next(t for t in design.terms if t.covariate == term.covariate and t.is_reference)
    return SEPARATED if (event & reference.rows).any() else NO_EVENTS_IN_REFERENCE


def left_out_reasons(prepared: Prepared, found: Maximum) -> dict:
    """column -> reader's sentence, for the columns that are determined by others or do not vary."""
    by_column = {term.column: term for term in prepared.design.terms if term.column is not None}
    reasons = {}
    for column, sources in found.dependent_on.items():
        if not sources:
            reasons[column] = "it does not vary among those at risk when an event happens"
        else:
            names = list(dict.fromkeys(str(by_column[j].covariate) for j in sources))
            reasons[column] = f"it is determined by {', '.join(names)}"
    return reasons


def nothing_estimable(prepared: Prepared, found: Maximum) -> str:
    """The sentence for a model of which no coefficient has an estimate."""
    reasons = left_out_reasons(prepared, found)
    said = []
    for covariate in prepared.covariates:
        terms = [t for t in prepared.design.terms if t.covariate == covariate.name]
        if covariate.name in prepared.design.constant:
            said.append(f"{covariate.name}: {prepared.design.constant[covariate.name]}")
            continue
        term = next(t for t in terms if t.column is not None)
        why = reasons.get(term.column) or note_of(covariate, term, prepared.outcome.event, prepared.design)
        said.append(f"{covariate.name}: {why.removeprefix('not estimable: ')}")
    return (
        f"No hazard ratio can be estimated from {len(prepared.outcome)} patients with {prepared.outcome.n_event} events "
        f"({'; '.join(said)}). Widen the filters or choose other covariates."
    )


def _result(prepared: Prepared, found: Maximum, ties: str, conf_level: float) -> CoxResult:
    outcome = prepared.outcome
    terms, left_out = term_rows(prepared, found)
    null, best = found.log_likelihood
    wald = np.nan
    if not found.unbounded:
        chosen = np.flatnonzero(found.fitted)
        wald = float(found.coef[chosen] @ np.linalg.solve(found.variance[np.ix_(chosen, chosen)], found.coef[chosen]))
    statistic = np.array([max(2 * (best - null), 0.0), wald, found.score_test])
    tests = pd.DataFrame(
        {
            "test": ["likelihood ratio", "Wald", "score"],
            "statistic": statistic,
            "df": found.df,
            "p_value": chdtrc(found.df, statistic),
        }
    )
    estimate, std_error = concordance(outcome, found.position, prepared.stratum)
    return CoxResult(
        terms=wald_table(terms, conf_level),
        tests=tests,
        concordance={"estimate": estimate, "std_error": std_error},
        n=len(outcome),
        n_event=outcome.n_event,
        n_excluded=prepared.n_excluded,
        log_likelihood=(null, best),
        ties=ties,
        left_out=left_out,
    )


def term_rows(prepared: Prepared, found: Maximum | None) -> tuple[list[tuple], tuple]:
    """What ``wald_table`` needs of each term, and what was left out. Without a fit everything is constant."""
    event = prepared.outcome.event
    reasons = {} if found is None else left_out_reasons(prepared, found)
    by_name = {covariate.name: covariate for covariate in prepared.covariates}
    left_out = list(prepared.design.constant.items())
    rows = []
    for term in prepared.design.terms:
        coef = std_error = np.nan
        note = ""
        if term.column is None and term.covariate in prepared.design.constant:
            note = f"left out: {prepared.design.constant[term.covariate]}"
        elif term.column in reasons:
            note = f"left out: {reasons[term.column]}"
            name = f"{term.covariate} ({term.level})" if term.rows is not None else term.covariate
            left_out.append((name, reasons[term.column]))
        elif term.column is not None and found.fitted[term.column]:
            coef, std_error = found.coef[term.column], np.sqrt(found.variance[term.column, term.column])
        elif term.column is not None:
            note = note_of(by_name[term.covariate], term, event, prepared.design)
        n = len(event) if term.rows is None else int(np.count_nonzero(term.rows))
        n_event = int(np.count_nonzero(event if term.rows is None else event & term.rows))
        rows.append((term.covariate, term.level, n, n_event, term.is_reference, coef, std_error, note))
    return rows, tuple(left_out)


def wald_table(rows: list[tuple], conf_level: float) -> pd.DataFrame:
    """The terms frame from rows of (covariate, level, n, n_event, is_reference, coef, std_error, note)."""
    covariate, level, n, n_event, is_reference, coef, std_error, note = zip(*rows, strict=True)
    coef, std_error = np.array(coef, dtype=float), np.array(std_error, dtype=float)
    reference = np.array(is_reference, dtype=bool)
    statistic = coef / std_error
    half = ndtri((1 + conf_level) / 2) * std_error
    with np.errstate(over="ignore", under="ignore"):
        estimate, low, high = (finite(np.exp(v)) for v in (coef, coef - half, coef + half))
    return pd.DataFrame(
        {
            "covariate": list(covariate),
            "level": list(level),
            "n": np.array(n, dtype=np.int64),
            "n_event": np.array(n_event, dtype=np.int64),
            "is_reference": reference,
            "coef": coef,
            "std_error": std_error,
            "estimate": np.where(reference, 1.0, estimate),
            "conf_low": low,
            "conf_high": high,
            "statistic": statistic,
            "p_value": 2 * ndtr(-np.abs(statistic)),
            "note": list(note),
        },
        copy=False,
    )


def finite(values: np.ndarray) -> np.ndarray:
    """The same ratios, with NaN for those too large or too small to be told from infinity or zero."""
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)
