"""The data file that the runs fill, and the tables that are written from it into docs/performance.md."""

import datetime
import json
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FILE = os.path.join(ROOT, "bench/results.json")
PAGE = os.path.join(ROOT, "docs/performance.md")
BEGIN, END = "<!-- written by script/bench -->\n", "<!-- as far as here -->\n"


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    return f"{os.cpu_count()} × {model.group(1) if model else 'unknown CPU'}, Linux {os.uname().release}"


def load():
    if not os.path.exists(FILE):
        return {}
    with open(FILE, encoding="utf-8") as f:
        return json.load(f)


def keep(name, run, title):
    """Only this case's entry changes."""
    results = load()
    results[name] = {"title": title, "machine": machine(), "date": datetime.date.today().isoformat(),
                     "rounds": run.rounds, "figures": run.figures, "curves": run.curves}
    with open(FILE + ".new", "w", encoding="utf-8") as f:
        json.dump(results, f, indent=1, ensure_ascii=False, sort_keys=True)
        f.write("\n")
    os.replace(FILE + ".new", FILE)


def number(value, unit=""):
    """Three digits that count."""
    if value is None:
        return ""
    if abs(value) < 0.1:
        text = f"{value:.2g}"
    else:
        text = f"{value:,.{0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2}f}"
    return f"{text} {unit}".strip()


def target(figure):
    unit = "×" if figure["ratio"] is not None else " " + figure["unit"]
    parts = [f"{sign} {figure[key]:,g}{unit}" for sign, key in (("≤", "at_most"), ("≥", "at_least"))
             if figure[key] is not None]
    return ", ".join(parts).strip()


def cells(figure):
    """of what, figure, muster, peer, ratio, target, verdict: "idle: p50" is the p50 of idle"""
    of, _, what = figure["what"].rpartition(": ")
    verdict = {True: "reached", False: "**missed**", None: ""}[figure["reached"]]
    ratio = number(figure["ratio"]) + "×" if figure["ratio"] is not None else ""
    return [of, what, number(figure["muster"], figure["unit"]), number(figure["peer"], figure["unit"]), ratio,
            target(figure), verdict]


def table(figures):
    """What a figure is of stands in the first row only, and nowhere if no figure says it."""
    rows = [["of", "figure", "muster", "peer", "ratio", "to reach", ""], ["---"] * 7]
    before = ""
    for of, *others in map(cells, figures):
        rows.append([of if of != before else "", *others])
        before = of
    skip = 0 if any(of for of, *_ in rows[2:]) else 1
    return ["| " + " | ".join(row[skip:]) + " |" for row in rows]


def origins(results, names):
    """Where and when: one line where all come from the same run."""
    runs = {}
    for name in names:
        r = results[name]
        runs.setdefault((r["machine"], r["date"], r["rounds"]), []).append(f"`{name}`")
    return [f"Medians of {rounds} rounds on {where}, {date}" + (f": {', '.join(of)}" if len(runs) > 1 else "") + "."
            for (where, date, rounds), of in runs.items()]


def images():
    """Those that have been drawn (plots.py)."""
    docs = os.path.dirname(PAGE)
    return [f"![{file.removesuffix('.svg')}]({file})" for file in sorted(os.listdir(docs)) if file.endswith(".svg")]


def write_page(subjects):
    """subjects: {heading: [name of a case, …]}"""
    with open(PAGE, encoding="utf-8") as f:
        text = f.read()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    results = load()
    parts, written = [], []
    for heading, names in subjects.items():
        parts.append([f"### {heading}"])
        for name in names:
            if name in results:
                parts += [[f"`{name}`: {results[name]['title']}"], table(results[name]["figures"])]
                written.append(name)
    parts += [["### Where and when"], origins(results, written), images()]
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(before + BEGIN + "\n" + "\n\n".join("\n".join(part) for part in parts if part) + "\n\n" + END + after)
