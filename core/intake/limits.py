"""How large a file may be. All are checked before the file is parsed."""

MAX_BYTES = 20_000_000
MAX_ROWS = 50_000
MAX_COLUMNS = 1_000
MAX_CELLS = 3_000_000
MAX_CELL_LENGTH = 32_767  # what a cell of a spreadsheet can hold
MAX_LINE_BYTES = 2_000_000  # of a text file; a row of a thousand long cells has a fifth of it
MAX_ZIP_MEMBERS = 1_000
MAX_UNPACKED_BYTES = 60_000_000  # all parts of a workbook together
MAX_SHARED_BYTES = 15_000_000  # the texts of a workbook, which are held as a whole
MAX_OTHER_BYTES = 5_000_000  # its list of sheets, or its formats
MAX_TAGS = 200_000  # of a workbook between two rows, or in its list of sheets or its formats
MAX_SHARED_TAGS = 1_000_000  # some 300,000 different texts
MAX_ZIP_RATIO = 100  # of a part above 1 MB; tables reach about 20
