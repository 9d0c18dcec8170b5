"""What goes with a higher hazard: Cox models, alone and together, within subgroups, and the shape of an effect."""

import streamlit as st

from pages.components.controls import choose, tabs
from pages.components.entry import require_app
from pages.components.panels import heading
from pages.components.ratio_panels import (
    each_panel,
    each_table,
    joint_panel,
    shape_panel,
    subgroups_panel,
)
from pages.components.second_engine import confirmation
from pages.components.sidebar import current_analysis
from pages.components.source import load_registry
from pages.components.treatment_panels import later_panel

require_app()
registry = load_registry()
top = st.container()
with st.container(horizontal=True, vertical_alignment="bottom"):
    choose(registry, "ties")
analysis = current_analysis(registry, "hazard_ratios")

with top:
    heading("What goes with a higher hazard?", analysis)
parts = tabs(registry, "part")
with parts["Each on its own"] as part:
    if part.open:
        with st.container(horizontal=True):
            with st.container(width=240):
                choose(registry, "sort")
            with st.container(width=220):
                choose(registry, "risk_by")
        each_panel(analysis)
        later_panel(analysis)
        each_table(analysis)
        confirmation(analysis, analysis.recorded_covariates)
with parts["Several together"] as part:
    if part.open:
        joint_panel(analysis)
with parts["Subgroups"] as part:
    if part.open:
        subgroups_panel(analysis)
with parts["Shape of an effect"] as part:
    if part.open:
        shape_panel(analysis)
