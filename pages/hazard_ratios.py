"""What goes with a higher hazard: Cox models, one covariate at a time."""

import streamlit as st

from pages.components.controls import choose
from pages.components.entry import require_app
from pages.components.figures import forest_panel
from pages.components.panels import heading
from pages.components.sidebar import current_analysis
from pages.components.source import load_registry
from pages.components.tables import hazard_ratio_table

require_app()
registry = load_registry()
top = st.container()
with st.container(horizontal=True):
    choose(registry, "ties")
analysis = current_analysis(registry, "hazard_ratios")

with top:
    heading("What goes with a higher hazard?", analysis)
forest_panel(analysis, analysis.recorded_covariates, key="forest", title="Every covariate, each on its own")
hazard_ratio_table(analysis)
