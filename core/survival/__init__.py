"""The live survival engine: plain numpy, no word of any registry, usable on any survival data."""

from core.survival.comparison import TestResult
from core.survival.contrasts import restricted_mean_difference, survival_difference
from core.survival.cox import CoxResult, cox
from core.survival.cox_each import cox_each
from core.survival.cumulative_incidence import CumulativeIncidenceResult, cumulative_incidence
from core.survival.exposure import landmark, mantel_byar, person_time, simon_makuch, split_at_exposure
from core.survival.fine_gray import fine_gray
from core.survival.firth import firth_cox
from core.survival.functional_form import FunctionalForm, functional_form
from core.survival.gray import gray_test
from core.survival.interaction import InteractionResult, interaction_test
from core.survival.kaplan_meier import KaplanMeierResult, follow_up, kaplan_meier
from core.survival.logrank import logrank_test, pairwise_logrank, trend_test
from core.survival.outcome import Outcome
from core.survival.proportional_hazards import proportional_hazards_test, residual_trend, schoenfeld_residuals

__all__ = [
    "CoxResult",
    "CumulativeIncidenceResult",
    "FunctionalForm",
    "InteractionResult",
    "KaplanMeierResult",
    "Outcome",
    "TestResult",
    "cox",
    "cox_each",
    "cumulative_incidence",
    "fine_gray",
    "firth_cox",
    "follow_up",
    "functional_form",
    "gray_test",
    "interaction_test",
    "kaplan_meier",
    "landmark",
    "logrank_test",
    "mantel_byar",
    "pairwise_logrank",
    "person_time",
    "proportional_hazards_test",
    "residual_trend",
    "restricted_mean_difference",
    "schoenfeld_residuals",
    "simon_makuch",
    "split_at_exposure",
    "survival_difference",
    "trend_test",
]
