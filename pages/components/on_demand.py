"""What takes longer than a moment in a large cohort is computed when it is asked for, and then stands until the view changes."""

import streamlit as st

from core.analysis import Analysis

MOST_AT_ONCE = 200_000  # patients; above it a model that goes through every row for every step takes seconds


def asked_for(analysis: Analysis, what: str, key: str, *more) -> bool:
    """Whether to compute now: always in a cohort of usual size, else once the button has been pressed for this very view.

    ``what`` names the computation on the button; ``more`` is what else decides about it besides the view.
    """
    n = len(analysis.cohort)
    if n <= MOST_AT_ONCE:
        return True
    this = (analysis.registry.fingerprint, analysis.view, more)
    place = f"_asked_{key}"
    if st.session_state.get(place) == this:
        return True
    st.caption(f"{n:,} patients: this takes some seconds, and is computed when you ask for it.")
    if st.button(what, key=f"_asked_{key}_button", icon=":material/play_arrow:"):
        st.session_state[place] = this
        return True
    return False
