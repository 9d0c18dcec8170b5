"""The permanent link: every choice, the data and the release that it was made with, and the numbers that it showed.

A link can be mailed, cut off, changed or opened over other data years later. ``read_link`` says what became of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode
from zlib import crc32

from core.analysis import Analysis
from core.headline import Change, Number, changes, from_text, headline, to_text
from core.registry import Registry
from core.release import RELEASE
from core.view import (
    CHECK_KEY,
    FINGERPRINT_KEY,
    FINGERPRINT_LENGTH,
    NUMBERS_KEY,
    PAGE_KEY,
    RELEASE_KEY,
    SET_KEY,
    Ignored,
    View,
    view_from_query,
)

# any of them tells a link from an address that was typed or taken from the address bar; the first is all that a cut may leave
MARKS = (PAGE_KEY, FINGERPRINT_KEY, RELEASE_KEY, NUMBERS_KEY, CHECK_KEY)


def permanent_query(analysis: Analysis, *, with_numbers: bool = True) -> dict[str, list[str]]:
    """Every choice of the view, defaults too, with page, fingerprint, release, headline numbers and, last, a check sum."""
    view = analysis.view
    query = {PAGE_KEY: [view.page]} | view.to_query(analysis.registry) | {RELEASE_KEY: [RELEASE]}
    if with_numbers:
        query[NUMBERS_KEY] = [to_text(headline(analysis))]
    query[CHECK_KEY] = [check_sum(query)]
    return query


def permanent_link(analysis: Analysis, base: str, *, with_numbers: bool = True) -> str:
    """The link that brings this view back; ``base`` is scheme, host and path of the page."""
    return f"{base}?{urlencode(permanent_query(analysis, with_numbers=with_numbers), doseq=True)}"


def check_sum(query: Mapping[str, list[str]]) -> str:
    """Eight characters that change with any part of the query, in whatever order; a slip shows, it is no signature."""
    parts = sorted((key, text) for key, texts in query.items() if key not in (CHECK_KEY, SET_KEY) for text in texts)
    return f"{crc32(repr(parts).encode()):08x}"


@dataclass(frozen=True, eq=False)
class LinkReport:
    """What became of a link: the view that it means here, and how that differs from what its sender saw.

    ``page`` is that of the link, "" where it names none. ``ignored`` are the parts that could not be applied; ``carried`` the numbers that it was sent with (none in a link from the
    address bar); ``data`` and ``release`` are those that it names, "" where it names none.
    """

    registry: Registry
    view: View
    ignored: tuple[Ignored, ...]
    is_permanent: bool
    is_whole: bool
    page: str
    data: str
    release: str
    carried: tuple[Number, ...]

    @property
    def same_data(self) -> bool:
        return self.data == self.registry.fingerprint[:FINGERPRINT_LENGTH]

    @property
    def same_release(self) -> bool:
        return self.release == RELEASE

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """The carried numbers beside the recomputed ones; empty where the link carries none."""
        return changes(self.carried, headline(Analysis(self.registry, self.view))) if self.carried else ()

    @property
    def same_numbers(self) -> bool:
        return bool(self.changes) and all(change.same for change in self.changes)

    @property
    def is_reproduced(self) -> bool:
        """Same data, same release, everything applied, and every number the same."""
        return (
            self.is_permanent
            and self.same_data
            and self.same_release
            and self.is_whole
            and self.page == self.view.page
            and not self.ignored
            and self.same_numbers
        )

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """What differs, in words; nothing where there is nothing to say."""
        if not self.is_permanent:
            return _not_applied(self.ignored)
        said = []
        if not self.data:
            said.append("The link does not say with which data it was made.")
        elif not self.same_data:
            said.append(
                f"The link was made with other data ({self.data[:40]}) than those loaded here "
                f"({self.registry.fingerprint[:FINGERPRINT_LENGTH]}), so its numbers cannot be expected to be the same."
            )
        if self.release and not self.same_release:
            said.append(f"The link was made with release {self.release[:40]}; this is release {RELEASE}.")
        if self.page and self.page != self.view.page:
            name = _short(self.page.replace("_", " "))
            said.append(f"The link was made on another page ({name}), so the settings of that page are not here.")
        if not self.is_whole:
            said.append(
                "The link is not as it was made: a part of it was cut off or changed. Choices that are gone have their defaults."
            )
        said += _not_applied(self.ignored)
        if not self.changes:
            said += ["The link carries no numbers to compare with."] if said else []
        elif self.same_numbers:
            said += ["The headline numbers are nevertheless the same as when the link was made."] if said else []
        else:
            n = sum(not change.same for change in self.changes)
            said.append(f"{n} of {len(self.changes)} headline numbers differ from those when the link was made.")
        return tuple(said)


MOST_NAMED, LONGEST = 12, 60
FOREIGN = "no such choice here"


def _not_applied(ignored) -> tuple[str, ...]:
    """One sentence for each part that could not be applied; what belongs to another registry in one."""
    foreign = list(dict.fromkeys(part.parameter for part in ignored if part.reason == FOREIGN))
    own = [part for part in ignored if part.reason != FOREIGN]
    said = [
        f"Not applied: {_short(part.parameter)} = {_short(part.value)}: {part.reason}." for part in own[:MOST_NAMED]
    ]
    if len(own) > MOST_NAMED:
        said.append(f"Not applied: {len(own) - MOST_NAMED} more choices of this kind.")
    if foreign:
        more = f" and {len(foreign) - MOST_NAMED} more" if len(foreign) > MOST_NAMED else ""
        said.append(f"Not applied, {FOREIGN}: {', '.join(map(_short, foreign[:MOST_NAMED]))}{more}.")
    return tuple(said)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def read_link(registry: Registry, page: str, query: Mapping[str, list[str]]) -> LinkReport:
    """What a link means for this registry, and what became of it. Never raises, whatever the query holds."""
    view, ignored = view_from_query(registry, page, query)

    def first(key):
        return (query.get(key) or [""])[0]

    return LinkReport(
        registry,
        view,
        tuple(ignored),
        is_permanent=any(key in query for key in MARKS),
        is_whole=first(CHECK_KEY) == check_sum(query),
        page=first(PAGE_KEY),
        data=first(FINGERPRINT_KEY),
        release=first(RELEASE_KEY),
        carried=from_text(first(NUMBERS_KEY)),
    )
