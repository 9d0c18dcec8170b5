"""Views with a name: a set of them as a file and as a link, read back with everything checked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlencode

from core.analysis import Analysis
from core.cohort import describe_filter
from core.grouping import NOTHING
from core.link import LinkReport, permanent_query, read_link
from core.registry import Registry
from core.release import RELEASE
from core.settings import setting_named
from core.view import FINGERPRINT_LENGTH, PAGE_KEY, SET_KEY, Ignored, View

FORMAT, VERSION = "CalciScope views", 1
MOST_VIEWS, MOST_BYTES, LONGEST_NAME, MOST_PARTS = 12, 200_000, 60, 500
NAME_KEY = "name"


class UnreadableViewsError(Exception):
    """A file or a link that holds no views: for whoever opened it. Says what is wrong with it."""


@dataclass(frozen=True)
class NamedView:
    """A view and what its reader calls it."""

    name: str
    view: View


@dataclass(frozen=True, eq=False)
class ReadView:
    """A named view that was read back, and what became of it on the way."""

    named: NamedView
    report: LinkReport


def clean_name(text: str) -> str:
    """A name of one line and at most 60 characters, without anything that cannot be printed."""
    kept = "".join(c for c in " ".join(str(text).split()) if c.isprintable())
    return kept[:LONGEST_NAME].strip() or "View"


def new_name(text: str, taken) -> str:
    """The cleaned name, with a number behind it where another view already has it."""
    name, n = clean_name(text), 2
    found = name
    while found in taken:
        end = f" ({n})"
        found, n = name[: LONGEST_NAME - len(end)] + end, n + 1
    return found


def suggested_name(analysis: Analysis) -> str:
    """What a view could be called: its filters, its grouping, and its endpoint where that is not the usual one."""
    registry, view = analysis.registry, analysis.view
    parts = [describe_filter(registry.dictionary[f.variable], f) for f in view.filters] or ["All patients"]
    if view["by"] != NOTHING:
        parts.append(f"by {view['by']}")
    if view["endpoint"] != setting_named(registry, "endpoint").default_of(registry):
        parts.append(view["endpoint"])
    return clean_name("; ".join(parts))


def _query_text(registry: Registry, named: NamedView) -> str:
    return urlencode(permanent_query(Analysis(registry, named.view)), doseq=True)


def set_link(registry: Registry, base: str, views: Sequence[NamedView]) -> str:
    """One link for several views: each is a parameter of it. ``base`` is the address of the page that compares."""
    texts = [f"{urlencode({NAME_KEY: named.name})}&{_query_text(registry, named)}" for named in views]
    return f"{base}?{urlencode({SET_KEY: texts}, doseq=True)}"


def to_file(registry: Registry, views: Sequence[NamedView]) -> bytes:
    """The set as a JSON file: choices and headline numbers, no patient's data."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "release": RELEASE,
        "registry": registry.name,
        "data": registry.fingerprint[:FINGERPRINT_LENGTH],
        "views": [
            {NAME_KEY: named.name, PAGE_KEY: named.view.page, "query": _query_text(registry, named)} for named in views
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False).encode()


def from_file(registry: Registry, pages, content: bytes) -> list[ReadView]:
    """The views of a file. Raises UnreadableViewsError with the reason; nothing of the file is taken at its word."""
    if len(content) > MOST_BYTES:
        raise UnreadableViewsError(f"The file is larger than {MOST_BYTES // 1000} kB. A file of views is much smaller.")
    try:
        read = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise UnreadableViewsError("The file is not JSON. Choose one that was downloaded on this page.") from None
    if not isinstance(read, Mapping) or read.get("format") != FORMAT or not isinstance(read.get("views"), list):
        raise UnreadableViewsError("The file holds no views. Choose one that was downloaded on this page.")
    if read.get("version") != VERSION:
        raise UnreadableViewsError(f"The file is of a version that release {RELEASE} does not read.")
    rows = read["views"]
    _require_some(rows)
    found: list[ReadView] = []
    for i, row in enumerate(rows, 1):
        texts = [row.get(key) for key in (NAME_KEY, PAGE_KEY, "query")] if isinstance(row, Mapping) else [None]
        if not all(isinstance(text, str) for text in texts):
            raise UnreadableViewsError(f"View {i} of the file lacks its name, its page or its choices.")
        name, page, query = texts
        found.append(_read(registry, pages, name, page, _parsed(query, i), found))
    return found


def from_link(registry: Registry, pages, texts: Sequence[str]) -> list[ReadView]:
    """The views of a link for a set. Raises UnreadableViewsError with the reason."""
    _require_some(texts)
    found: list[ReadView] = []
    for i, text in enumerate(texts, 1):
        query = _parsed(text, i)
        name, page = (query.pop(NAME_KEY, None) or [""])[0], (query.get(PAGE_KEY) or [""])[0]
        found.append(_read(registry, pages, name or f"View {i}", page, query, found))
    return found


def _require_some(rows):
    if not rows:
        raise UnreadableViewsError("No view is in it.")
    if len(rows) > MOST_VIEWS:
        raise UnreadableViewsError(f"It has {len(rows)} views; at most {MOST_VIEWS} can be kept.")


def _parsed(text: str, number: int) -> dict[str, list[str]]:
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=MOST_PARTS)
    except ValueError:
        raise UnreadableViewsError(
            f"View {number} has more than {MOST_PARTS} choices, so it is none of ours."
        ) from None


def _read(registry, pages, name, page, query, found) -> ReadView:
    known = page if page in pages else "overview"
    report = read_link(registry, known, query)
    if known != page:
        missing = Ignored(PAGE_KEY, page, "there is no such page, so the Overview is taken")
        report = replace(report, ignored=(*report.ignored, missing))
    return ReadView(NamedView(new_name(name, {r.named.name for r in found}), report.view), report)
