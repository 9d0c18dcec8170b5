"""From a reader's own file to a registry: read, understand, ask, convert. Nothing is guessed or lost in silence."""
