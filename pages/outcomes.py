"""What happens to them: resolution, early and specific death, and what competes."""

import streamlit as st

from core.competing import cause_shown
from pages.components.competing_panels import (
    gray_panel,
    incidence_at_panel,
    incidence_panel,
    naive_panel,
    time_lost_panel,
    two_ratios_panel,
)
from pages.components.controls import choose, has_effect
from pages.components.entry import require_app
from pages.components.panels import heading
from pages.components.sidebar import current_analysis
from pages.components.source import load_registry
from pages.components.state_panels import states_panel

require_app()
registry = load_registry()
top = st.container()
with st.container(horizontal=True, vertical_alignment="bottom"):
    for name in ("incidence_of", "naive"):
        if has_effect(registry, name):
            choose(registry, name)
analysis = current_analysis(registry, "outcomes")
cause = cause_shown(analysis)

with top:
    heading("What happens to them?", analysis)
    states_panel(analysis)
incidence_panel(analysis, key="outcomes_curve", cause=cause, overlay=analysis.view["naive"])
if analysis.view["naive"]:
    naive_panel(analysis, cause)
incidence_at_panel(analysis)
two_ratios_panel(analysis, cause)
gray_panel(analysis)
time_lost_panel(analysis)
