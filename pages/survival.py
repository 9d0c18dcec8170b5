"""How long do they live: Kaplan-Meier in depth, and cumulative incidence where another event competes."""

import streamlit as st

from pages.components.comparisons import (
    comparison_panel,
    median_panel,
    restricted_mean_panel,
    survival_at_panel,
)
from pages.components.competing_panels import gray_panel, incidence_at_panel, no_median_panel, time_lost_panel
from pages.components.controls import choose, has_effect
from pages.components.entry import require_app
from pages.components.figures import landmark_notice, survival_panel
from pages.components.panels import heading
from pages.components.second_engine import confirmation
from pages.components.sidebar import current_analysis
from pages.components.source import load_registry

require_app()
registry = load_registry()
top = st.container()
with st.container(horizontal=True, vertical_alignment="bottom"):
    if has_effect(registry, "show"):
        choose(registry, "show")
    choose(registry, "interval")
    choose(registry, "level")
    choose(registry, "clock")
    choose(registry, "risk_table")
    with st.container(width=260):
        choose(registry, "landmark")
analysis = current_analysis(registry, "survival")
alone = not analysis.endpoint.competing

with top:
    heading("How long do they live?" if alone else "How often does it happen, and how soon?", analysis)
landmark_notice(analysis)
survival_panel(analysis, key="survival_curve")
if alone:
    median_panel(analysis)
    survival_at_panel(analysis)
    restricted_mean_panel(analysis)
    comparison_panel(analysis)
else:
    no_median_panel(analysis)
    incidence_at_panel(analysis)
    time_lost_panel(analysis)
    gray_panel(analysis)
confirmation(analysis)
