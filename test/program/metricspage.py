"""The operator's page of figures, read as strictly as Prometheus reads it."""

import re

from world import request

SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([-+]?(?:[0-9.]+(?:e[-+]?[0-9]+)?|Inf|NaN))$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)')


class Page:
    """One reading of the page."""

    def __init__(self, content):
        self.text, self.kinds, self.samples = content, {}, {}
        helped = set()
        assert content.endswith("\n")
        for line in content.splitlines():
            if line.startswith("# HELP "):
                name = line.split(" ", 3)[2]
                assert name not in helped and line.split(" ", 3)[3]
                helped.add(name)
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert kind in ("counter", "gauge", "histogram", "summary", "untyped")
                assert name in helped and name not in self.kinds
                self.kinds[name] = kind
            else:
                self.add(*SAMPLE.match(line).groups())

    def add(self, name, labels, value):
        family = re.sub("_(bucket|sum|count)$", "", name)
        family = family if self.kinds.get(family) == "histogram" else name
        assert family in self.kinds, f"{name} has no TYPE"
        assert family == next(reversed(self.kinds)), f"{name} stands apart from its family"
        pairs = LABEL.findall(labels or "")
        assert LABEL.sub("", labels or "") == ""
        key = name, frozenset(pairs)
        assert len(dict(pairs)) == len(pairs) and key not in self.samples
        self.samples[key] = float(value.replace("Inf", "inf"))

    def get(self, name, **labels):
        return self.samples.get((f"muster_{name}", frozenset(labels.items())), 0.0)

    def sum(self, name):
        return sum(value for (sample, _), value in self.samples.items() if sample == f"muster_{name}")

    def buckets(self, family):
        found = [(float(dict(labels)["le"].replace("Inf", "inf")), value) for (name, labels), value in self.samples.items()
                 if name == f"{family}_bucket"]
        return sorted(found)


def read(server):
    answer = request(server.ops, "GET", "/metrics")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return Page(answer.body.decode())
