"""Views that the reader keeps: kept, opened again, taken away, loaded from a file or a link."""

import streamlit as st

from core.analysis import Analysis
from core.named_views import (
    MOST_VIEWS,
    NamedView,
    ReadView,
    UnreadableViewsError,
    from_file,
    from_link,
    new_name,
    set_link,
    suggested_name,
)
from core.registry import Registry
from core.view import SET_KEY, View
from pages.components.entry import PAGES, asked_for
from pages.components.literal import literal
from pages.components.restore import ask_for

KEPT, TROUBLE, READ = "_views", "_views_trouble", "_views_read"
FIRST, SECOND = "_compare_first", "_compare_second"


def kept_views(registry: Registry) -> list[NamedView]:
    """The kept views, of the registry on the screen."""
    held, views = st.session_state.get(KEPT, (registry.fingerprint, []))
    return views if held == registry.fingerprint else []


def _keep(registry, views) -> None:
    st.session_state[KEPT] = registry.fingerprint, views


def keep_panel(analysis: Analysis) -> None:
    """A name for the view on the screen, and the button that keeps it."""
    registry = analysis.registry
    kept = kept_views(registry)
    st.markdown("**Keep it while this window is open**, to open it again or to compare it with another view.")
    if len(kept) >= MOST_VIEWS:
        st.caption(f"{MOST_VIEWS} views are kept, which is the most. Take one away on the Compare page first.")
        return
    name = st.text_input("Name", suggested_name(analysis), key="_view_name", max_chars=60)
    if st.button("Keep this view", key="_keep_view", icon=":material/bookmark_add:"):
        chosen = new_name(name or suggested_name(analysis), {named.name for named in kept})
        _keep(registry, [*kept, NamedView(chosen, analysis.view)])
        st.session_state["_kept_now"] = chosen
        st.rerun()


def say_what_was_kept() -> None:
    """Once, after the dialog has closed."""
    chosen = st.session_state.pop("_kept_now", None)
    if chosen is not None:
        st.toast(f"Kept as {literal(chosen)}. Compare it on the Compare page.", icon=":material/bookmark_added:")


def set_address(registry: Registry, base: str) -> str | None:
    """The link for all kept views, those on the screen first; None where there is none."""
    views = in_order(registry)
    return set_link(registry, base, views) if views else None


def in_order(registry: Registry) -> list[NamedView]:
    """All kept views, the two that are compared first."""
    kept = kept_views(registry)
    chosen = [st.session_state.get(key) for key in (FIRST, SECOND)]
    return [n for name in chosen for n in kept if n.name == name] + [n for n in kept if n.name not in chosen]


def take_away(registry: Registry, name: str) -> None:
    _keep(registry, [named for named in kept_views(registry) if named.name != name])


def open_again(registry: Registry, view: View) -> None:
    """Sets every control that the view needs; its page is opened in the run that follows."""
    ask_for(registry, view, files={path: file for file, _, _, path in PAGES})


def load_file(registry: Registry, key: str) -> None:
    """Adds the views of the file that was just chosen."""
    uploaded = st.session_state.get(key)
    if uploaded is not None:
        _add(registry, lambda pages: from_file(registry, pages, uploaded.getvalue()))


def load_link(registry: Registry) -> None:
    """Adds, once per session, the views of the link that opened it."""
    texts = asked_for().get(SET_KEY)
    if texts is None or st.session_state.get("_set_loaded"):
        return
    st.session_state["_set_loaded"] = True
    _add(registry, lambda pages: from_link(registry, pages, texts))


def _add(registry, read) -> None:
    st.session_state.pop(TROUBLE, None)
    kept = kept_views(registry)
    try:
        found: list[ReadView] = read(tuple(path for *_, path in PAGES))
    except UnreadableViewsError as reason:
        st.session_state[TROUBLE] = str(reason)
        return
    room = MOST_VIEWS - len(kept)
    if len(found) > room:
        st.session_state[TROUBLE] = f"At most {MOST_VIEWS} views are kept: {len(found) - room} of these are left out."
    reports = []
    for one in found[:room]:
        same = next((n for n in kept if n == one.named), None)
        if same is None:
            name = new_name(one.named.name, {n.name for n in kept})
            kept = [*kept, NamedView(name, one.named.view)]
            reports.append((name, one.report))
    _keep(registry, kept)
    st.session_state[READ] = reports
