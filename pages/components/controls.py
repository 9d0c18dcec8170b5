"""Controls made from the table of settings, each bound to its query parameter."""

import streamlit as st

from core.registry import Registry
from core.settings import matters, setting_named, settings_of
from core.view import View, make_view, setting_from_texts

FEW_OPTIONS = 4


def choose(registry: Registry, name: str, *, label_visibility="visible"):
    """Draws the control of one setting and returns its value."""
    setting = setting_named(registry, name)
    key, default, help_text = setting.key(registry), setting.default_of(registry), setting.help or None
    _keep_setting_in_address(registry, setting)
    shared = {"key": key, "bind": "query-params", "help": help_text, "label_visibility": label_visibility}
    if setting.kind == "switch":
        return st.toggle(setting.label, default, **shared)
    if setting.kind == "number":
        # a whole number stays one
        low, high, step = (type(default)(end) for end in (setting.low, setting.high, setting.step))
        plain = "%g" if isinstance(default, float) else None  # 12, not 12.00
        return st.number_input(setting.label, low, high, default, step, format=plain, **shared)
    if setting.kind == "slider":
        return st.slider(setting.label, int(setting.low), int(setting.high), default, int(setting.step), **shared)
    options = list(setting.options_of(registry))
    if setting.kind == "choices":
        return st.multiselect(setting.label, options, list(default), **shared)
    if not setting.per_registry and len(options) <= FEW_OPTIONS and sum(map(len, options)) < 40:
        return st.segmented_control(setting.label, options, default=default, required=True, **shared) or default
    return st.selectbox(setting.label, options, options.index(default), **shared)


def tabs(registry: Registry, name: str) -> dict:
    """The tabs of a setting: {label: tab}; draw only inside the one that is open."""
    setting = setting_named(registry, name)
    labels = list(setting.options_of(registry))
    _keep_setting_in_address(registry, setting)
    made = st.tabs(labels, key=setting.key(registry), bind="query-params", on_change="rerun")
    return dict(zip(labels, made, strict=True))


def keep_in_address(key: str, control, address) -> None:
    """Has the address say what the control says, where it does not; call it before the control is drawn.

    A control that changes its place on the screen while a page is drawn is forgotten by the browser's part of the
    framework: the next page switch drops it from the address, and a change of it no longer reaches the address.
    """
    if key in st.session_state and control != address:
        st.session_state[key] = st.session_state[key]  # what is set here is written to the address


def _keep_setting_in_address(registry, setting):
    key = setting.key(registry)
    address = setting_from_texts(registry, setting, st.query_params.get_all(key), [])
    keep_in_address(key, value_of(registry, setting.name), address)


def has_effect(registry: Registry, name: str, page: str = "") -> bool:
    """Whether a setting has any effect with the others as they are; one that has none is not shown."""
    return matters(registry, setting_named(registry, name), lambda other: value_of(registry, other), page)


def value_of(registry: Registry, name: str):
    """The value that the control of a setting has now; the default where it is not on the screen.

    A control that this run has not drawn yet takes its value from the link, and so do we.
    """
    setting = setting_named(registry, name)
    key = setting.key(registry)
    value = st.session_state.get(key)
    if value is None:
        if key in st.query_params and key not in st.session_state:
            return setting_from_texts(registry, setting, st.query_params.get_all(key), [])
        return setting.default_of(registry)
    return tuple(value) if setting.kind == "choices" else value


def view_of(registry: Registry, page: str, filters) -> View:
    """The view that the controls now show."""
    return make_view(registry, page, filters, {s.name: value_of(registry, s.name) for s in settings_of(registry, page)})
