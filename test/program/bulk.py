"""Files of rows, and muster import and export on them."""

import csv
import io
import json
import subprocess

from server import ENOUGH_S, muster


def csv_text(rows):
    """Rows as CSV, with the columns that any of them has; a field that one has not is an empty cell."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    for row in rows:
        writer.writerow({name: cell(value) for name, value in row.items()})
    return out.getvalue()


def cell(value):
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict) else value


def ndjson_text(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


class Outcome:
    """How an import ended: its counts, and the complaint about each refused line."""

    def __init__(self, result):
        self.status, self.stdout, self.stderr = result.returncode, result.stdout.decode(), result.stderr.decode()
        self.counts = tuple(int(word) for word in self.stdout.replace(",", "").split() if word.isdigit())
        self.refused = {}
        for line in self.stderr.splitlines():
            _, _, complaint = line.partition(": line ")
            number, _, why = complaint.partition(": ")
            if number.isdigit():
                self.refused.setdefault(int(number), []).append(why)


def run_import(data, kind, content, format="csv"):
    content = content if isinstance(content, bytes) else content.encode()
    return Outcome(subprocess.run(muster("import", kind, "--data", str(data), "-", "--format", format), input=content,
                                  capture_output=True, timeout=ENOUGH_S))


def import_rows(data, kind, rows, format="csv"):
    """Rows that are all good."""
    outcome = run_import(data, kind, (csv_text if format == "csv" else ndjson_text)(rows), format)
    assert outcome.status == 0, outcome.stderr
    return outcome.counts
