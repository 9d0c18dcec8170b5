"""What one choice is: its name in the link, its words, its options, its default."""

from dataclasses import dataclass

from core.registry import Registry

EVERYWHERE = "everywhere"


@dataclass(frozen=True)
class Setting:
    """One choice.

    ``kind``: "choice" (one of ``options``), "choices" (several of them), "number" and "slider" (from ``low``
    to ``high`` in ``step``), "switch", "tab" (one of ``options``, as tabs).
    ``page`` is the url path of the page it belongs to, or EVERYWHERE; ``also_on`` names further pages. ``options`` may depend
    on the registry: then it is a function of it. ``when`` is (name of another setting, its values or a function of the
    registry that gives them) that must hold for this one to matter; on the pages of ``always_on`` it matters whatever the
    others are, where the registry offers such a value at all.
    """

    name: str
    label: str
    kind: str
    default: object
    page: str = EVERYWHERE
    options: object = ()
    low: float = 0.0
    high: float = 0.0
    step: float = 1.0
    help: str = ""
    when: tuple[str, object] | None = None
    per_registry: bool = False  # the options are the registry's own words
    also_on: tuple[str, ...] = ()
    always_on: tuple[str, ...] = ()

    def key(self, registry: Registry) -> str:
        """The name of the query parameter and of the control."""
        return f"{self.name}.{registry.slug}" if self.per_registry else self.name

    def options_of(self, registry: Registry) -> tuple:
        return tuple(self.options(registry)) if callable(self.options) else tuple(self.options)

    def default_of(self, registry: Registry):
        return self.default(registry) if callable(self.default) else self.default
