"""The live survival engine: plain numpy, no word of any registry, usable on any survival data."""

from core.survival.comparison import TestResult
from core.survival.contrasts import restricted_mean_difference, survival_difference
from core.survival.cox import CoxResult, cox
from core.survival.cox_each import cox_each
from core.survival.cumulative_incidence import CumulativeIncidenceResult, cumulative_incidence
from core.survival.exposure import landmark, mantel_byar, person_time, simon_makuch, split_at_exposure
from core.survival.gray import gray_test
from core.survival.kaplan_meier import KaplanMeierResult, follow_up, kaplan_meier
from core.survival.logrank import logrank_test, pairwise_logrank, trend_test
from core.survival.outcome import Outcome

__all__ = [
    "CoxResult",
    "CumulativeIncidenceResult",
    "KaplanMeierResult",
    "Outcome",
    "TestResult",
    "cox",
    "cox_each",
    "cumulative_incidence",
    "follow_up",
    "gray_test",
    "kaplan_meier",
    "landmark",
    "logrank_test",
    "mantel_byar",
    "pairwise_logrank",
    "person_time",
    "restricted_mean_difference",
    "simon_makuch",
    "split_at_exposure",
    "survival_difference",
    "trend_test",
]
