"""The refusals of docs/errors.md, and those that the tests of a run meet: after a run of the whole suite the
two are the same. Workers of pytest-xdist hand theirs over at their end (conftest.py)."""

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ROW = re.compile(r"^\| (\d{3,4}) \| (\d{3}) \| (.+?) \|", re.M)
FULL_DISK = {500, 5601}  # what only a store that fails answers with; the test that has one needs root

MET = set()    # (error code, status, message)
FILES = set()  # names of the files whose tests ran


def met(code, status, message):
    MET.add((code, status, message))


def rows(text):
    return [(int(code), int(status), message) for code, status, message in ROW.findall(text)]


def documented():
    """(what the program answers with, what no call produces)"""
    produced, silent = (ROOT / "docs/errors.md").read_text(encoding="utf-8").split("## Codes that no call")
    return rows(produced), rows(silent)


def whole_suite():
    return {path.name for path in HERE.glob("test_*.py")} - {"test_demo.py"} <= FILES


def differences():
    """What is wrong after a run of the whole suite, a line each."""
    produced = set(documented()[0])
    return [*(f"met but not in docs/errors.md: {row}" for row in sorted(MET - produced)),
            *(f"in docs/errors.md but met by no test: {row}" for row in sorted(produced - MET)
              if row[0] not in FULL_DISK)]
