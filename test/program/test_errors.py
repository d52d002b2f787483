"""docs/errors.md is the table of errors: complete, to the letter, and true."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (\d{3,4}) \| (\d{3}) \| (.+?) \|", re.M)


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


def test_every_code_that_calls_answer_with_has_a_test_that_produces_it():
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py")
                    if path.name != os.path.basename(__file__))
    for code, status, _ in documented()[0]:
        assert re.search(rf"\b{code}\b", tests), f"no test meets {code} ({status})"
