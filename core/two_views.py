"""Two views of one registry side by side: their curves, their numbers, and the patients that they share."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from core import competing
from core.analysis import Analysis
from core.conventions import CONF_LEVEL, CONF_TYPE
from core.errors import NotEstimable
from core.headline import Change, changes, headline, ungrouped
from core.survival import CumulativeIncidenceResult, KaplanMeierResult, Outcome, cumulative_incidence, kaplan_meier

BEFORE_ANY_ENTRY = -1.0  # an entry time for those who are at risk from the beginning


@dataclass(frozen=True, eq=False)
class TwoViews:
    """Two views of the same registry, each with a name. Curves and overlap are of the whole cohorts, without grouping."""

    names: tuple[str, str]
    first: Analysis
    second: Analysis

    @cached_property
    def overlap(self) -> tuple[int, int, int]:
        """Patients in the first view alone, in both, and in the second alone."""
        a, b = self.first.cohort.mask, self.second.cohort.mask
        return tuple(int(np.count_nonzero(part)) for part in (a & ~b, a & b, b & ~a))

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """Every headline number of both."""
        return changes(headline(self.first), headline(self.second))

    @cached_property
    def whole(self) -> tuple[Analysis, Analysis]:
        """Both without their grouping."""
        return tuple(ungrouped(analysis) for analysis in (self.first, self.second))

    @property
    def competes(self) -> bool:
        """Whether the curves are incidences, because another event competes."""
        return bool(self.first.endpoint.competing)

    @property
    def conf(self) -> tuple[float, str]:
        """Level and kind of the interval: those of the views where they agree, else the usual ones."""
        found = {(analysis.conf_level, analysis.conf_type) for analysis in (self.first, self.second)}
        return found.pop() if len(found) == 1 else (CONF_LEVEL, CONF_TYPE)

    @property
    def time_title(self) -> str:
        titles = {analysis.time_title for analysis in (self.first, self.second)}
        return titles.pop() if len(titles) == 1 else "Months from the start of each view's own clock"

    @property
    def differences(self) -> tuple[str, ...]:
        """What else than the patients differs between the two, in words."""
        said = []
        a, b = self.first, self.second
        if a.endpoint.label != b.endpoint.label:
            said.append(f"Different endpoints: {a.endpoint.label} and {b.endpoint.label}.")
        elif a.definition_of(a.endpoint) != b.definition_of(b.endpoint):
            said.append(
                f"{a.endpoint.label} is defined differently: {a.definition_of(a.endpoint)} / {b.definition_of(b.endpoint)}"
            )
        if a.time_title != b.time_title:
            said.append(f"Different clocks: {a.time_title} and {b.time_title}.")
        return tuple(said)

    @cached_property
    def curve(self) -> KaplanMeierResult | CumulativeIncidenceResult:
        """One curve for each view, as strata with their names; whoever is in both is in both curves.

        Each is the curve of the view alone. Raises NotEstimable where a view has no patient, or the endpoints cannot share
        an axis.
        """
        a, b = self.whole
        if a.endpoint.label != b.endpoint.label and (a.endpoint.competing or b.endpoint.competing):
            raise NotEstimable(
                f"{a.endpoint.label} and {b.endpoint.label} cannot be laid over each other: something competes with one of them. "
                "Compare views of one endpoint."
            )
        for name, analysis in zip(self.names, self.whole, strict=True):
            if not len(analysis.outcome):
                raise NotEstimable(f"Nobody is left in {name}, so it has no curve.")
        outcomes = [competing.outcome_of(analysis) if self.competes else analysis.outcome for analysis in self.whole]
        level, kind = self.conf
        estimate = cumulative_incidence if self.competes else kaplan_meier
        return estimate(_joined(outcomes), _strata(self.names, outcomes), conf_level=level, conf_type=kind)


def _joined(outcomes) -> Outcome:
    entry = None
    if any(outcome.entry is not None for outcome in outcomes):
        entry = np.concatenate([np.full(len(o), BEFORE_ANY_ENTRY) if o.entry is None else o.entry for o in outcomes])
    return Outcome(
        np.concatenate([outcome.time for outcome in outcomes]),
        np.concatenate([outcome.cause for outcome in outcomes]),
        entry,
    )


def _strata(names, outcomes) -> pd.Series:
    codes = np.repeat([0, 1], [len(outcome) for outcome in outcomes])
    return pd.Series(pd.Categorical.from_codes(codes, list(names)))
