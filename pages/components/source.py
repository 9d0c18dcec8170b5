"""Which registry is on the screen."""

import os
from pathlib import Path

import streamlit as st

from core.errors import RegistryError
from core.registry import Registry, read_registry
from pages.components.literal import literal

FOLDER_VARIABLE = "CALCISCOPE_REGISTRY"
SAMPLE = Path(__file__).parents[2] / "data" / "sample"


def load_registry() -> Registry:
    """The registry of the folder named by CALCISCOPE_REGISTRY, or the sample. Stops with the reason if it cannot be read."""
    folder = Path(os.environ.get(FOLDER_VARIABLE) or SAMPLE)
    stamp = tuple((path.name, path.stat().st_mtime_ns) for path in sorted(folder.glob("*.csv")))
    try:
        return _read(str(folder), stamp)
    except RegistryError as error:
        st.title("This registry cannot be opened")
        st.error(literal(str(error)), icon=":material/error:")
        st.caption(f"The folder is named by the environment variable {FOLDER_VARIABLE}; without it the sample opens.")
        st.stop()


@st.cache_resource(show_spinner="Reading the registry", max_entries=4)
def _read(folder: str, stamp: tuple) -> Registry:
    return read_registry(folder)
