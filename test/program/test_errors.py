"""docs/errors.md is the table of errors: complete, to the letter, and true."""

import re
from pathlib import Path

import pytest

from world import REFUSALS

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (\d{3,4}) \| (\d{3}) \| (.+?) \|", re.M)
FULL_DISK = {500, 5601}  # what only a store that fails answers with; the test that has one needs root


def rows(text):
    return [(int(code), int(status), message) for code, status, message in ROW.findall(text)]


def documented():
    produced, silent = (ROOT / "docs/errors.md").read_text(encoding="utf-8").split("## Codes that no call")
    return rows(produced), rows(silent)


def test_every_row_of_the_programs_table_is_documented_once_to_the_letter():
    source = (ROOT / "src/model/api_error.h").read_text(encoding="utf-8")
    table = [(int(code), int(status), message) for status, code, message in
             re.findall(r'X\(API_\w+,\s*(\d+),\s*(\d+),[\s\\]*"(.*)"\)', source)]
    produced, silent = documented()
    assert len(table) > 60 and sorted(produced + silent) == sorted(table)


@pytest.mark.last
def test_the_suite_has_met_exactly_the_documented_codes(request):
    ran = {Path(item.path).name for item in request.session.items}
    if not {path.name for path in Path(__file__).parent.glob("test_*.py")} - {"test_demo.py"} <= ran:
        pytest.skip("counts what the whole suite has met")
    produced = set(documented()[0])
    assert REFUSALS <= produced
    assert {row for row in produced - REFUSALS if row[0] not in FULL_DISK} == set()
