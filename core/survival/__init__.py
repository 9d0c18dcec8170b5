"""The live survival engine: plain numpy, no word of any registry, usable on any survival data."""

from core.survival.comparison import TestResult
from core.survival.cox import CoxResult, cox
from core.survival.kaplan_meier import KaplanMeierResult, kaplan_meier
from core.survival.logrank import logrank_test, pairwise_logrank, trend_test
from core.survival.outcome import Outcome

__all__ = [
    "CoxResult",
    "KaplanMeierResult",
    "Outcome",
    "TestResult",
    "cox",
    "kaplan_meier",
    "logrank_test",
    "pairwise_logrank",
    "trend_test",
]
