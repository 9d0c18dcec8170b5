"""Templates to fill in, and one example worked from file to curves."""

import streamlit as st

from core.intake.templates import TEMPLATES


def templates() -> None:
    st.subheader("Start from a template", anchor=False)
    st.caption("Three empty tables in the format that opens without questions. The sample shows them filled in.")
    with st.container(horizontal=True):
        for name, (label, content) in TEMPLATES.items():
            st.download_button(
                label, content, name, "text/csv", icon=":material/download:", on_click="ignore", key=f"_template_{name}"
            )


def help_panel() -> None:
    st.subheader("Help, with an example", anchor=False)
    with st.expander("What the file must look like"):
        st.markdown(
            """
- One row per patient, one column per variable, one row with the names of the columns. Title rows above and total rows below
  are noticed and left out.
- Follow-up in one of two ways: its **length and a status** at its end, or the **dates** of its start and of the last contact
  with the date of death or a status.
- CSV or TSV in any usual characters, decimal points or commas; or Excel (.xlsx). At most 20 MB, 50,000 rows and 1,000 columns;
  a larger registry is served from a folder.
- Empty cells, NA and the like are not recorded. A number such as 999 that stands apart is asked about, and so are values such
  as "<0.5"; nothing is converted unasked. Dates need years of four digits.
- Treatment courses stand in a second table, one row per course, with the same patient identifier.
- No names, hospital numbers, telephone numbers or dates of birth. Such columns are noticed, not shown and not used. On the
  screen and in links patients are called by their row in the file.
- What happens after diagnosis belongs under "known later", with a column of the date on which it began: name them
  `infection` and `infection_date`.
            """
        )
    with st.expander("An example: the veterans' lung cancer trial"):
        st.markdown(
            """
The file `veteran.csv`, written by R, begins like this:

| trt | celltype | time | status | karno | diagtime | age | prior |
|---|---|---|---|---|---|---|---|
| 1 | squamous | 72 | 1 | 60 | 7 | 69 | 0 |
| 1 | squamous | 411 | 1 | 70 | 5 | 64 | 10 |

1. Choose the file. It is recognised as UTF-8 with commas: 137 rows, 8 columns.
2. Look: no column tells who somebody is.
3. `time` is proposed as the length of follow-up and `status` as what happened at its end. The status is plainly 0 and 1, so
   1 is taken as the event. The unit of `time` stands nowhere: choose **days**. Nor does what the event is: choose **death**.
4. `celltype` has four levels. `trt` has the codes 1 and 2: under "Names and order of levels" call them Standard and Test.
5. All 137 rows are kept, 128 with the event. Open the registry: the curves by cell type are those of R's
   `survfit(Surv(time, status) ~ celltype, veteran)`.
            """
        )
    with st.expander("REDCap"):
        st.markdown(
            """
Export the data as **CSV / Microsoft Excel (raw data)** and download the **data dictionary** of the project. Choose the first
as patients and the second as dictionary. Labels, choices, units of validation and identifiers come from the dictionary. One
repeating instrument with a date becomes the table of courses; the report names those that are not used. Fields that are marked as identifiers are not used.
            """
        )
    with st.expander("What happens to my file"):
        st.markdown(
            """
It is held in the memory of the server while this window is open and forgotten afterwards, or when you choose "Forget this
file". Links carry your choices and a fingerprint of the data, never the data: whoever opens a link to your view is asked for
the file, and then sees the page and the filters of the link. Reloading the page starts anew and asks for the file as well; the saved
dictionary answers all questions at once.
            """
        )
