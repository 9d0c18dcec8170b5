"""The two ways in which a reader's request can fail, each with a sentence that says what to do."""


class RegistryError(Exception):
    """The files are wrong: for whoever prepares them. Names the file, the place and the cure; never a patient's values."""


class NotEstimable(Exception):
    """This cohort cannot answer the question: for whoever asked. Says what is missing, how many, and what to change."""
