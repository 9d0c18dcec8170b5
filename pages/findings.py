"""Do the published findings hold here: each statement of the abstract beside the same statement from this cohort."""

import streamlit as st

from core.findings import SOURCE
from pages.components.entry import require_app
from pages.components.findings_panels import associations_panel, counts_panel, go_where_asked
from pages.components.literal import literal
from pages.components.panels import heading
from pages.components.sidebar import current_analysis
from pages.components.source import load_registry

require_app()
go_where_asked()
registry = load_registry()
analysis = current_analysis(registry, "findings")

heading("Do the published findings hold here?", analysis)
st.markdown(
    f"Published: {literal(SOURCE)}. The abstract gives counts and names what was associated with death; it gives no hazard "
    "ratio, interval, p value or survival percentage. So a count can be the same, and an association can point in the same "
    "direction, no more."
)
if registry.is_synthetic:
    st.caption(
        "These data are synthetic and were made to have the published counts. Agreement here shows that the page works, not "
        "that a finding is true."
    )
st.subheader("Counts", anchor=False)
counts_panel(analysis)
st.subheader("Associations", anchor=False)
st.caption(
    f"Hazard ratios of one covariate at a time, with 95% intervals (events/patients). Early means within "
    f"{analysis.window_months} months; deaths of unknown cause count as {analysis.unknown_cause}. Both can be changed in the "
    "sidebar. As if known at diagnosis: the time before the infection, or before the third course, counts as exposed although "
    "nobody who died in it could get there. From its date on: that time counts as not exposed."
)
associations_panel(analysis)
