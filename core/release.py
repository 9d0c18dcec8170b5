"""Which release this is: links, reports and scripts carry it, so that a number can be traced to the program that made it."""

RELEASE = "1.0"
