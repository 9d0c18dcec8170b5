"""How long do they live: Kaplan-Meier in depth."""

import streamlit as st

from pages.components.controls import choose
from pages.components.entry import require_app
from pages.components.figures import survival_panel
from pages.components.link import draw_share
from pages.components.panels import heading
from pages.components.sidebar import current_analysis
from pages.components.source import load_registry
from pages.components.tables import survival_at_panel, survival_summary_panel

require_app()
registry = load_registry()
with st.container(horizontal=True):
    choose(registry, "clock")
    choose(registry, "interval")
analysis = current_analysis(registry, "survival")

heading("How long do they live?", analysis)
draw_share(analysis)
survival_panel(analysis, key="survival_curve", at_risk="extended")
survival_summary_panel(analysis)
survival_at_panel(analysis)
