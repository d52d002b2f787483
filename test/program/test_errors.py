"""docs/errors.md is the table of errors: complete and to the letter. That it is true, too, a run of the whole
suite shows (refusals.py)."""

import re

from refusals import ROOT, documented


def test_every_row_of_the_programs_table_is_documented_once_to_the_letter():
    source = (ROOT / "src/model/api_error.h").read_text(encoding="utf-8")
    table = [(int(code), int(status), message) for status, code, message in
             re.findall(r'X\(API_\w+,\s*(\d+),\s*(\d+),[\s\\]*"(.*)"\)', source)]
    produced, silent = documented()
    assert len(table) > 60 and sorted(produced + silent) == sorted(table)
