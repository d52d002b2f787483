"""docs/compatibility.md lists every call, and none that is not there."""

import re
from pathlib import Path

from openapi import operations, read

ROOT = Path(__file__).resolve().parents[2]


def listed():
    text = (ROOT / "docs/compatibility.md").read_text(encoding="utf-8")
    for line in re.findall(r"^\| (`.*)$", text, re.M):
        calls, done, _, fresh = (cell.strip() for cell in line.strip("| ").split("|"))
        assert (done, fresh in ("now", "new", "–")) == ("yes", True), line
        for method, path in re.findall(r"`(\w+) (\S+)`", calls):
            yield method.lower(), path.replace("…", "/v1/products/{product_key}")


def test_every_call_is_listed_once_and_served(shared_server):
    served = [(method, path) for path, method, _ in operations(read(shared_server))]
    assert sorted(listed()) == sorted(served)
