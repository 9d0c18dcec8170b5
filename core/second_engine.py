"""The numbers on the screen, computed a second time by lifelines.

lifelines shares no code with core.survival. It is asked only for what it does soundly; where its conventions differ, that is
said in words. This takes a tenth of a second or more, so it belongs after the drawing, not before; lifelines is imported by
the functions that call it, since the import alone takes half a second of the first start.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from threading import Lock

import numpy as np
import pandas as pd

from core.conventions import CONF_LEVEL, QUANTILE_TOLERANCE
from core.survival import CoxResult, KaplanMeierResult, Outcome, TestResult
from core.survival.cox import SEPARATED, finite
from core.survival.logrank import METHODS

ENGINE = f"lifelines {version('lifelines')}"
AGREEMENT = 1e-6  # a number is confirmed when it differs by less
LARGEST_EXPONENT = 700  # beyond it a double overflows, or vanishes
COLUMNS = ["quantity", "where", "ours", "theirs", "difference", "agrees", "note"]
CURVE_QUANTITIES = ["Survival curve", "Interval", "Median"]
WEIGHTINGS = {METHODS["log-rank"]: None, METHODS["gehan"]: "wilcoxon", METHODS["tarone-ware"]: "tarone-ware"}

# As they come, lifelines' fits stop up to 3e-4 short of the maximum. It stops as soon as one of its three criteria is met,
# so the one on the likelihood is switched off; half steps at first keep it from overshooting.
FIT_OPTIONS = {"step_size": 0.5, "precision": 1e-16, "r_precision": 0.0, "max_steps": 200}
CAREFUL_FIT_OPTIONS = FIT_OPTIONS | {"step_size": 0.1, "max_steps": 1000}

# lifelines changes the warning filters of the whole process during a fit and puts back what it found. Two fits at once could
# put them back in the wrong order, for good.
_ONE_AT_A_TIME = Lock()

NO_LIMITS = (
    "Before the first event and once a curve has reached 0 %, lifelines gives limits without width; here there are none. "
    "These times are left out of the comparison of intervals."
)
MEDIAN_RULE = (
    "Where a curve runs at exactly 50 % for a while, the median here is the middle of that stretch, as in R; lifelines "
    "takes one of its ends."
)
EMPTY_LEVELS = (
    "A level in which nobody had the event drives its ratio to zero. lifelines is fitted without these patients, which is "
    "the limit that the other ratios of the model tend to."
)
NOT_ASKED = (
    "Concordance, tests of proportional hazards and predicted survival are not compared: lifelines uses other "
    "definitions of them."
)


@dataclass(frozen=True, eq=False)
class Confirmation:
    """What lifelines says to the numbers on the screen.

    checks     quantity, where, ours, theirs, difference, agrees, note: one row for each curve, interval, median, test and
               covariate. ``where`` is the stratum and time, or the level, with the largest difference. ``difference``:
               absolute for curves and intervals; relative for medians; for a test statistic relative, absolute below 1;
               for hazard ratios that of log ratio, limits and standard error, in standard errors. ``agrees`` is a nullable
               boolean: <NA> (and a NaN difference) where nothing was compared, and ``note`` says why
    explained  known differences of convention that matter here, one sentence or two each
    engine     name and version of the second engine
    """

    checks: pd.DataFrame
    explained: tuple[str, ...]
    engine: str = ENGINE

    @property
    def largest(self) -> float:
        """The largest difference of what was compared; NaN when nothing was, or when one side has no number."""
        compared = self.checks["difference"][self.checks["agrees"].notna()]
        return float(compared.max(skipna=False)) if len(compared) else float("nan")

    @property
    def n_compared(self) -> int:
        return int(self.checks["agrees"].notna().sum())

    @property
    def agrees(self) -> bool:
        """Something was compared, and all of it agrees."""
        return self.n_compared > 0 and bool(self.checks["agrees"].dropna().all())


def confirm(
    outcome: Outcome,
    strata: pd.Series | None,
    curve: KaplanMeierResult | None,
    test: TestResult | None,
    ratios: CoxResult | None,
    covariates: pd.DataFrame | None,
    *,
    stratify: pd.Series | None = None,
    conf_level: float = CONF_LEVEL,
) -> Confirmation:
    """Curves, medians, test and hazard ratios of a view against lifelines; never raises because lifelines fails.

    strata      what ``curve`` and ``test`` were grouped by, or None
    ratios      of ``cox_each`` or of ``cox``, with the frame of covariates that they were computed from
    stratify    what the model of ``ratios`` was stratified by, if anything
    conf_level  of the limits in ``ratios``

    Parts that are None are not looked at. Raises ValueError when the parts do not belong together.
    """
    if test is not None and strata is None:
        raise ValueError("a test needs the strata that it compared")
    if ratios is not None and covariates is None:
        raise ValueError("hazard ratios need the covariates that they were computed from")
    rows, explained = [], {}
    with np.errstate(all="ignore"):  # lifelines sets numpy's error state; leaving the block puts it back
        if curve is not None:
            rows += _curves(outcome, strata, curve, explained)
        if test is not None:
            rows += _test(outcome, strata, test)
        if ratios is not None:
            rows += _ratios(outcome, ratios, covariates, stratify, conf_level, explained)
    checks = pd.DataFrame(rows, columns=COLUMNS).astype(
        {"ours": float, "theirs": float, "difference": float, "agrees": "boolean"}
    )
    return Confirmation(checks, tuple(explained))


def _row(quantity, where, ours, theirs, difference, note="", agrees=None) -> tuple:
    return quantity, where, ours, theirs, difference, difference < AGREEMENT if agrees is None else agrees, note


def _not_compared(quantity, where, note, ours=np.nan, theirs=np.nan) -> tuple:
    return quantity, where, ours, theirs, np.nan, pd.NA, note


def _asked(quantities: list[str], where: str, compare: Callable[..., list[tuple]], *parts) -> list[tuple]:
    """The rows of a comparison; when lifelines fails, rows that say so."""
    try:
        return compare(*parts)
    except Exception as failure:  # whatever it is, the numbers on the screen stay
        said = next(iter(str(failure).strip().splitlines()), "") or type(failure).__name__
        note = f"could not be confirmed: lifelines gave no result ({said[:160]})"
        return [_not_compared(quantity, where, note) for quantity in quantities]


# Curves, intervals and medians


def _curves(outcome, strata, curve, explained) -> list[tuple]:
    members = {curve.strata[0]: slice(None)} if strata is None else _members(outcome, strata)
    if set(curve.strata) - set(members):
        raise ValueError("the curve and the strata do not belong together")
    rows = []
    for stratum, median in zip(curve.summary["stratum"], curve.summary["median"], strict=True):
        part = outcome.take(members[stratum])
        here = curve.curve[(curve.curve["stratum"] == stratum).to_numpy()]
        name = "" if strata is None else str(stratum)
        rows += _asked(CURVE_QUANTITIES, name, _curve, part, here, median, name, curve, explained)
    return rows


def _curve(part, here, median, name, curve, explained) -> list[tuple]:
    """The three rows of one stratum."""
    from lifelines import KaplanMeierFitter
    from lifelines.exceptions import StatError

    fitter = KaplanMeierFitter(alpha=1 - curve.conf_level)
    try:
        fitter.fit(part.time, part.event.astype(int), entry=part.entry)
    except StatError:
        note = "not compared: with delayed entry lifelines gives no curve when early on nobody is at risk for a while"
        return [_not_compared(quantity, name, note) for quantity in CURVE_QUANTITIES]
    return [
        _curve_row(fitter, here, name),
        _interval_row(fitter, here, name, curve.conf_type, explained),
        _median_row(fitter, float(median), name, explained),
    ]


def _members(outcome, strata) -> dict:
    """level -> positions of its rows"""
    if len(strata) != len(outcome):
        raise ValueError("strata must hold one value for each row of the outcome")
    code, levels = pd.factorize(pd.Series(strata).astype(object).to_numpy())
    return {level: np.flatnonzero(code == i) for i, level in enumerate(levels.tolist())}


def _steps(time, values, at, before) -> np.ndarray:
    """A step function that is ``before`` up to its first time."""
    return np.concatenate([[before], values])[np.searchsorted(time, at, side="right")]


def _place(stratum: str, time: float) -> str:
    return f"{stratum}, at {time:.6g}" if stratum else f"at {time:.6g}"


def _curve_row(fitted, here, stratum):
    timeline = fitted.survival_function_.index.to_numpy()
    at = np.union1d(timeline, here["time"])
    ours = _steps(here["time"].to_numpy(), here["estimate"].to_numpy(), at, 1.0)
    theirs = _steps(timeline, fitted.survival_function_.to_numpy()[:, 0], at, 1.0)
    difference = _of_probabilities(ours, theirs)
    i = int(difference.argmax())
    note = f"largest of {len(at)} times, absolute"
    return _row("Survival curve", _place(stratum, at[i]), ours[i], theirs[i], difference[i], note)


def _interval_row(fitted, here, stratum, conf_type, explained):
    if conf_type != "log-log":
        return _not_compared(
            "Interval", stratum, f"not compared: lifelines has log-log limits only, here they are {conf_type}"
        )
    inside = ((here["estimate"] > 0) & (here["estimate"] < 1)).to_numpy()
    if not inside.all():
        explained[NO_LIMITS] = True
    if not inside.any():
        return _not_compared(
            "Interval", stratum, "not compared: there are no limits, since the curve is nowhere between 0 and 1"
        )
    at = here["time"].to_numpy()[inside]
    limits = fitted.confidence_interval_
    ours = here[["conf_low", "conf_high"]].to_numpy()[inside]
    theirs = np.column_stack([_steps(limits.index.to_numpy(), column, at, 1.0) for column in limits.to_numpy().T])
    difference = _of_probabilities(ours, theirs)
    i, side = np.unravel_index(difference.argmax(), difference.shape)
    note = f"{('lower', 'upper')[side]} limit; largest of {len(at)} times, absolute"
    return _row("Interval", _place(stratum, at[i]), ours[i, side], theirs[i, side], difference[i, side], note)


def _of_probabilities(ours, theirs) -> np.ndarray:
    """Absolute differences; a number that one side lacks counts as the largest difference possible."""
    return np.nan_to_num(np.abs(ours - theirs), nan=1.0)


def _median_row(fitted, ours, stratum, explained):
    theirs = float(fitted.median_survival_time_)
    theirs = theirs if np.isfinite(theirs) else np.nan
    timeline = fitted.survival_function_.index.to_numpy()
    survival = fitted.survival_function_.to_numpy()[:, 0]
    at_half = timeline[np.abs(survival - 0.5) < QUANTILE_TOLERANCE]
    below = timeline[survival < 0.5 - QUANTILE_TOLERANCE]
    if len(at_half):
        middle = (at_half[0] + (below[0] if len(below) else timeline[-1])) / 2
        difference = abs(ours - middle) / middle if middle > 0 else abs(ours - middle)
        if difference < AGREEMENT:
            explained[MEDIAN_RULE] = True
            return _not_compared("Median", stratum, "another rule: the curve runs at exactly 50 % here", ours, theirs)
        note = "another rule; the middle of the stretch at exactly 50 % of lifelines' curve is compared"
        return _row("Median", stratum, ours, middle, difference, note)
    if np.isnan(ours) or np.isnan(theirs):
        if np.isnan(ours) and np.isnan(theirs):
            return _row("Median", stratum, ours, theirs, 0.0, "not reached in both")
        where = "here" if np.isnan(ours) else "in lifelines"
        return _row("Median", stratum, ours, theirs, np.nan, f"not reached {where}", agrees=False)
    difference = abs(ours - theirs) / max(ours, theirs) if max(ours, theirs) > 0 else 0.0
    return _row("Median", stratum, ours, theirs, difference, "relative")


# Tests


def _test(outcome, strata, test) -> list[tuple]:
    quantity = f"{test.method.removesuffix(' test')} statistic"
    if test.method not in WEIGHTINGS:
        return [
            _not_compared(quantity, "", "not compared: lifelines has no such test, or means another one by the name")
        ]
    if outcome.entry is not None:
        return [_not_compared(quantity, "", "not compared: the test of lifelines knows no delayed entry")]
    if test.df != len(test.groups) - 1:
        note = "not compared: lifelines counts a degree of freedom for groups that are never compared with another"
        return [_not_compared(quantity, "", note)]

    return _asked([quantity], "", _statistic, outcome, strata, test, quantity)


def _statistic(outcome, strata, test, quantity) -> list[tuple]:
    from lifelines.statistics import multivariate_logrank_test

    code = pd.factorize(pd.Series(strata).astype(object).to_numpy())[0]
    known = code >= 0
    time, event = outcome.time[known], outcome.event[known].astype(int)
    theirs = multivariate_logrank_test(time, code[known], event, weightings=WEIGHTINGS[test.method]).test_statistic
    difference = abs(test.statistic - theirs) / max(1.0, abs(theirs))
    return [_row(quantity, "", test.statistic, theirs, difference, f"{len(test.groups)} groups")]


# Hazard ratios


def _ratios(outcome, ratios, covariates, stratify, conf_level, explained) -> list[tuple]:
    terms = ratios.terms
    names = list(dict.fromkeys(terms["covariate"]))
    if set(names) - set(covariates.columns) or len(covariates) != len(outcome):
        raise ValueError("the hazard ratios and the covariates do not belong together")
    explained[NOT_ASKED] = True
    models = [names] if ratios.overall is None else [[name] for name in names]
    rows = []
    for model in models:
        own = terms[terms["covariate"].isin(model)]
        quantities = [f"Hazard ratio: {name}" for name in model]
        parts = outcome, own, covariates[model], stratify, ratios.ties, conf_level, explained
        rows += _asked(quantities, "", _model, *parts)
    return rows


def _model(outcome, terms, covariates, stratify, ties, conf_level, explained) -> list[tuple]:
    """One row per covariate of one model."""
    names = list(covariates.columns)
    estimable = terms["coef"].notna()

    def none(note, chosen=names):
        return [_not_compared(f"Hazard ratio: {name}", "", note) for name in chosen]

    if not estimable.any():
        return [row for name in names for row in none(_why_not(terms, name), [name])]
    if (terms["note"] == SEPARATED).any():
        culprits = ", ".join(dict.fromkeys(terms["covariate"][terms["note"] == SEPARATED].astype(str)))
        return none(
            f"not compared: {culprits} has no finite ratio, and lifelines does not compute the limit of the others"
        )
    kept = covariates.notna().all(axis=1).to_numpy()
    if stratify is not None:
        kept = kept & pd.Series(stratify).notna().to_numpy()
    event_times = outcome.time[outcome.event & kept]
    if ties != "efron" and len(np.unique(event_times)) < len(event_times):
        return none("not compared: lifelines handles ties by Efron's method only")
    columns, labels, without_events = _columns(terms, covariates)
    if (without_events & kept).any():
        explained[EMPTY_LEVELS] = True
    kept &= ~without_events
    frame = pd.DataFrame({f"c{i}": column[kept] for i, column in enumerate(columns)})
    # lifelines warns of columns with a small variance, which is a matter of the unit
    scale = frame.std().to_numpy()
    frame = (frame - frame.mean()) / scale
    frame["time"], frame["event"] = outcome.time[kept], outcome.event[kept].astype(int)
    if outcome.entry is not None:
        frame["entry"] = outcome.entry[kept]
    if stratify is not None:
        frame["stratum"] = pd.factorize(pd.Series(stratify).astype(object).to_numpy())[0][kept]
    fitted = _fit(frame, scale, conf_level, FIT_OPTIONS)
    rows = _ratio_rows(terms[estimable], labels, fitted)
    if not all(row[5] for row in rows):
        again = _fit(frame, scale, conf_level, CAREFUL_FIT_OPTIONS)
        if not (np.abs(again - fitted) < AGREEMENT * fitted[:, [3]]).all():
            return none("could not be confirmed: lifelines does not settle on one result for this model")
    found = {row[0]: row for row in rows}
    return [
        found.get(quantity) or _not_compared(quantity, "", _why_not(terms, name))
        for name in names
        for quantity in [f"Hazard ratio: {name}"]
    ]


def _why_not(terms, name) -> str:
    notes = [note for note in terms["note"][terms["covariate"] == name] if note]
    return f"not compared: {notes[0].removeprefix('not estimable: ')}" if notes else "not compared: not estimable"


def _columns(terms, covariates) -> tuple[list[np.ndarray], list[tuple], np.ndarray]:
    """The columns of the model and their (covariate, level); and which rows are in a level without events."""
    columns, labels = [], []
    without_events = np.zeros(len(covariates), dtype=bool)
    for name, values in covariates.items():
        own = terms[terms["covariate"] == name]
        if not own["is_reference"].any():
            if own["coef"].notna().any():
                columns.append(values.to_numpy(dtype=float, na_value=np.nan))
                labels.append((name, ""))
            continue
        code, levels = pd.factorize(values.astype(object).to_numpy())
        position = {level: i for i, level in enumerate(levels.tolist())}
        without_events |= np.isin(code, [position[level] for level in own["level"][own["n_event"] == 0]])
        # where nobody of the reference had the event the next level stands in for it
        inside = own[own["n_event"] > 0].iloc[1:]
        for level in inside["level"][~inside["note"].str.startswith("left out")]:
            columns.append((code == position[level]).astype(float))
            labels.append((name, level))
    return columns, labels, without_events


def _fit(frame, scale, conf_level, options) -> np.ndarray:
    """(p, 4): log hazard ratio, its limits and standard error, per unit of the covariates as they came."""
    from lifelines import CoxPHFitter

    fitter = CoxPHFitter(alpha=1 - conf_level)
    with _ONE_AT_A_TIME:
        fitter.fit(
            frame,
            "time",
            "event",
            entry_col="entry" if "entry" in frame else None,
            strata=["stratum"] if "stratum" in frame else None,
            fit_options=options,
        )
    limits = fitter.confidence_intervals_.to_numpy()
    return np.column_stack([fitter.params_, limits, fitter.standard_errors_]) / scale[:, None]


def _ratio_rows(terms, labels, fitted) -> list[tuple]:
    place = {label: i for i, label in enumerate(labels)}
    rows = []
    for name, own in terms.groupby("covariate", sort=False):
        theirs = fitted[[place[(name, level)] for level in own["level"]]]
        std_error = theirs[:, [3]]
        ours = np.column_stack(
            [np.log(own[["estimate", "conf_low", "conf_high"]].to_numpy()), own[["coef", "std_error"]]]
        )
        difference = np.abs(ours - theirs[:, [0, 1, 2, 0, 3]]) / std_error
        # a ratio or a limit whose exponential is no number is not on the screen; its coefficient is still compared
        difference[:, :3][np.abs(theirs[:, :3]) > LARGEST_EXPONENT] = 0
        largest = difference.max(axis=1)
        i = int(largest.argmax())
        agrees = None if np.isfinite(largest[i]) else False
        value = float(largest[i]) if np.isfinite(largest[i]) else np.nan
        note = "in standard errors" if len(own) == 1 else f"largest of {len(own)} levels, in standard errors"
        level = str(own["level"].iloc[i])
        rows.append(
            _row(
                f"Hazard ratio: {name}",
                level,
                own["estimate"].iloc[i],
                finite(np.exp(theirs[i, 0])),
                value,
                note,
                agrees,
            )
        )
    return rows
