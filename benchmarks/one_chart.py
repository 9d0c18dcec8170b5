"""The floor of benchmarks/redraw.py: a page with one control and one empty chart, nothing else."""

import altair as alt
import pandas as pd
import streamlit as st

chosen = st.sidebar.pills("Stage", ["Earlier", "Later"], selection_mode="multi", key="stage")
axis = alt.Chart(pd.DataFrame({"time": [], "estimate": []}), title=", ".join(chosen) or "All").mark_line()
st.altair_chart(axis.encode(x="time:Q", y="estimate:Q"), width="stretch")
