"""Who is in it: Table 1, how the filters lead here, timelines, distributions, missing values, patients, follow-up."""

from core.cautions import AFTER_BASELINE
from core.cohort_choices import DISTRIBUTIONS, FOLLOW_UP, MISSING, PATIENTS, SELECTION, TABLE, TIMELINES
from pages.components.controls import tabs
from pages.components.distribution_panels import distributions_panel, pair_panel
from pages.components.entry import require_app
from pages.components.follow_up_panels import accrual_panel, follow_up_panel
from pages.components.missing_panels import lost_panel, missing_panel
from pages.components.panels import heading, show_cautions
from pages.components.patient_panels import card_panel, patients_panel, timelines_panel
from pages.components.sidebar import current_analysis
from pages.components.source import load_registry
from pages.components.table_one_panels import selection_panel, table_one_panel
from pages.components.tables import findings_panel

PARTS = {
    TABLE: (table_one_panel,),
    SELECTION: (selection_panel,),
    TIMELINES: (timelines_panel,),
    DISTRIBUTIONS: (distributions_panel, pair_panel),
    MISSING: (missing_panel, lost_panel, lambda analysis: findings_panel(analysis.registry)),
    PATIENTS: (patients_panel, card_panel),
    FOLLOW_UP: (follow_up_panel, accrual_panel),
}

require_app()
registry = load_registry()
analysis = current_analysis(registry, "cohort")

heading("Who is in this cohort?", analysis)
show_cautions(analysis, (AFTER_BASELINE,))
for label, tab in tabs(registry, "tab").items():
    if tab.open:
        with tab:
            for draw in PARTS[label]:
                draw(analysis)
