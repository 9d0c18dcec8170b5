"""Write the Mayo Clinic's data on primary biliary cholangitis as a registry folder.

    python tests/registries/write_pbc.py FOLDER

FOLDER then holds patients.csv and dictionary.csv in the format of data/sample/README.md; there is no course table. It
shows that the dashboard follows the dictionary alone: another disease, follow-up in days instead of dates, death and
transplantation as end states, other variables, codes and units.

pbc_source.csv is the data set `pbc` of R's package survival, as `write.csv(survival::pbc, "pbc_source.csv",
row.names = FALSE, na = "", quote = FALSE)` writes it; published in T. M. Therneau and P. M. Grambsch, Modeling Survival
Data: Extending the Cox Model, Springer 2000.
"""

import argparse
import csv
import shutil
from pathlib import Path

HERE = Path(__file__).parent


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with open(HERE / "pbc_source.csv", newline="", encoding="utf-8") as source:
        rows = list(csv.DictReader(source))
    for row in rows:
        row["id"] = f"P{int(row['id']):03d}"
    with open(folder / "patients.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    shutil.copyfile(HERE / "pbc_dictionary.csv", folder / "dictionary.csv")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write R's pbc data as a registry folder.")
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)


if __name__ == "__main__":
    main()
