"""Buttons that hand out tables: CSV, Excel, Word, each made when it is asked for."""

from collections.abc import Callable

import streamlit as st

from core.export.tables import Table, csv_bytes, excel_bytes, word_bytes

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def downloads(name: str, *, numbers: Callable[[], Table], shown: Callable[[], Table] | None = None) -> None:
    """CSV of ``numbers``; Excel of what is shown, with the numbers on the last sheet; Word of what is shown.

    Both are made when a button is pressed. ``name`` begins the name of the files and makes the keys of the buttons unique.
    """

    def sheets():
        return [*([shown()] if shown else []), numbers()]

    exact = "Every number with all its digits"
    with st.container(horizontal=True, gap="small"):
        _button(name, "csv", "CSV", "text/csv", lambda: csv_bytes(numbers()), exact)
        _button(
            name,
            "xlsx",
            "Excel",
            EXCEL,
            lambda: excel_bytes(sheets()),
            f"As shown, and {exact.lower()}" if shown else exact,
        )
        if shown:
            _button(name, "docx", "Word", WORD, lambda: word_bytes([shown()]), "As shown")


def _button(name, ending, label, mime, make, help_text):
    st.download_button(
        label,
        data=make,
        file_name=f"calciscope_{name}.{ending}",
        mime=mime,
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        key=f"_download_{name}_{ending}",
        help=help_text,
    )
