"""The live survival engine: plain numpy, no word of any registry, usable on any survival data."""
