"""Does the hazard ratio of one covariate depend on another?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from core.conventions import CONF_LEVEL, TIES
from core.errors import NotEstimable
from core.survival.cox import note_of, prepare, wald_table
from core.survival.design_matrix import Covariate, design_matrix
from core.survival.outcome import Outcome
from core.survival.partial_likelihood import maximise


@dataclass(frozen=True, eq=False)
class InteractionResult:
    """Likelihood-ratio test of an interaction, and the hazard ratios of ``a`` at each level of ``b``.

    effects: within (level of b, or one of its quartiles when b is a number), then the columns of ``CoxResult.terms``; n and n_event
    are those of the level of a within the level of b. All come from one model with a common baseline hazard.
    """

    method: str
    statistic: float
    df: int
    p_value: float
    n: int
    n_event: int
    n_excluded: int
    effects: pd.DataFrame


def interaction_test(
    outcome: Outcome, a, b, *, adjust=None, ties=TIES, stratify=None, conf_level=CONF_LEVEL
) -> InteractionResult:
    """Whether the hazard ratio of Series ``a`` differs between the levels of Series ``b``, given the frame ``adjust``.

    Compares the model with a, b and their products with the model without the products, on the same complete rows; equal to
    ``anova`` of the two models in R. A level in which nothing can be estimated has NaN and a note.

    Raises NotEstimable without events, or when the products add nothing that can be estimated; ValueError on equal names.
    """
    a, b = pd.Series(a), pd.Series(b)
    frame = pd.DataFrame({0: a.array, 1: b.array})
    names = ["a" if a.name is None else a.name, "b" if b.name is None else b.name]
    if adjust is not None:
        adjust = adjust.to_frame() if isinstance(adjust, pd.Series) else adjust
        names += list(adjust.columns)
        frame = pd.concat([frame, adjust.reset_index(drop=True)], axis=1)
    frame.columns = names
    prepared = prepare(outcome, frame, stratify)
    rows, event = prepared.outcome, prepared.outcome.event
    first, second, *others = prepared.covariates
    inner = design_matrix([first], len(rows))
    outer = design_matrix([second], len(rows))
    rest = design_matrix(others, len(rows)) if others else None
    other_x = np.zeros((0, len(rows))) if rest is None else rest.x
    if not len(inner.x) or not len(outer.x):
        same = names[0] if not len(inner.x) else names[1]
        raise NotEstimable(
            f"All {len(rows)} patients with known values have the same {same}, so there is nothing to compare it with. "
            "Widen the filters or choose another covariate."
        )
    products = (inner.x[:, None, :] * outer.x[None, :, :]).reshape(-1, len(rows))
    index = prepared.index(ties)
    main = maximise(index, np.concatenate([inner.x, outer.x, other_x]), prepared.stratum)
    full = maximise(index, np.concatenate([inner.x, outer.x, other_x, products]), prepared.stratum)
    df = full.df - main.df
    if df <= 0:
        raise NotEstimable(
            f"The {len(rows)} patients with {rows.n_event} events do not say whether {names[0]} matters differently by "
            f"{names[1]}: some combinations do not occur. Widen the filters or merge levels."
        )
    statistic = max(2 * (full.log_likelihood[1] - main.log_likelihood[1]), 0.0)
    # the same model, written as one effect of a at each level of b
    table = []
    levels = [(t.level, t.rows) for t in outer.terms] if not second.is_numeric else _quartiles(second)
    if second.is_numeric:
        for value, _ in levels:
            shifted = second.values - value
            x = np.concatenate([shifted[None], other_x, inner.x, inner.x * shifted])
            fit = maximise(index, x, prepared.stratum)
            table.append((value, np.ones(len(rows), dtype=bool), fit, 1 + len(other_x)))
    else:
        nested = [inner.x * members for _, members in levels]
        fit = maximise(index, np.concatenate([outer.x, other_x, *nested]), prepared.stratum)
        offset = len(outer.x) + len(other_x)
        for k, (level, members) in enumerate(levels):
            table.append((level, members, fit, offset + k * len(inner.x)))
    lines, within = [], []
    for level, members, fit, offset in table:
        for term in inner.terms:
            here = members if term.rows is None else members & term.rows
            coef = std_error = np.nan
            note = ""
            if term.column is not None:
                j = offset + term.column
                note = _absent(term, members, inner)
                if not note and fit.fitted[j]:
                    coef, std_error = fit.coef[j], np.sqrt(fit.variance[j, j])
                elif not note and j in fit.dependent_on:
                    note = "not estimable: it does not vary within this group"
                elif not note:
                    note = note_of(first, term, event & members, inner)
            lines.append(
                (
                    first.name,
                    term.level,
                    int(here.sum()),
                    int((here & event).sum()),
                    term.is_reference,
                    coef,
                    std_error,
                    note,
                )
            )
            within.append(level)
    effects = wald_table(lines, conf_level)
    effects.insert(0, "within", within)
    return InteractionResult(
        method="likelihood-ratio test of interaction",
        statistic=statistic,
        df=df,
        p_value=float(chdtrc(df, statistic)),
        n=len(rows),
        n_event=rows.n_event,
        n_excluded=prepared.n_excluded,
        effects=effects,
    )


def _quartiles(covariate: Covariate) -> list:
    return [(float(value), None) for value in np.unique(np.quantile(covariate.values, [0.25, 0.5, 0.75]))]


def _absent(term, members: np.ndarray, design) -> str:
    if term.rows is None:
        return ""
    reference = next(t for t in design.terms if t.is_reference)
    if not (members & term.rows).any():
        return "not estimable: nobody is in this group"
    return "" if (members & reference.rows).any() else "not estimable: nobody is in the reference group"
