"""From files to a checked registry: dictionary, reading, checks."""

from core.registry.dictionary import Dictionary, Variable, read_dictionary
from core.registry.findings import Finding
from core.registry.reading import read_registry
from core.registry.registry import Registry

__all__ = ["Dictionary", "Finding", "Registry", "Variable", "read_dictionary", "read_registry"]
