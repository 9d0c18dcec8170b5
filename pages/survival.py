"""How long do they live: Kaplan-Meier in depth."""

import streamlit as st

from pages.components.comparisons import (
    comparison_panel,
    median_panel,
    restricted_mean_panel,
    survival_at_panel,
)
from pages.components.controls import choose
from pages.components.entry import require_app
from pages.components.figures import landmark_notice, survival_panel
from pages.components.panels import heading
from pages.components.sidebar import current_analysis
from pages.components.source import load_registry

require_app()
registry = load_registry()
top = st.container()
with st.container(horizontal=True, vertical_alignment="bottom"):
    choose(registry, "show")
    choose(registry, "interval")
    choose(registry, "level")
    choose(registry, "clock")
    choose(registry, "risk_table")
    with st.container(width=260):
        choose(registry, "landmark")
analysis = current_analysis(registry, "survival")

with top:
    heading("How long do they live?", analysis)
landmark_notice(analysis)
survival_panel(analysis, key="survival_curve")
median_panel(analysis)
survival_at_panel(analysis)
restricted_mean_panel(analysis)
comparison_panel(analysis)
