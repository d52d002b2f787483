"""The data file that the runs fill, and the table that is written from it into docs/performance.md."""

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
    if 0 < abs(value) < 0.1:
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
    """what, muster, peer, ratio, target, verdict"""
    verdict = {True: "reached", False: "**missed**", None: ""}[figure["reached"]]
    ratio = number(figure["ratio"]) + "×" if figure["ratio"] is not None else ""
    return [figure["what"], number(figure["muster"], figure["unit"]), number(figure["peer"], figure["unit"]), ratio,
            target(figure), verdict]


def table(results, names):
    lines = ["| case | figure | muster | peer | ratio | to reach | |", "|---|---|---|---|---|---|---|"]
    for name in names:
        head = f"`{name}`"
        for figure in results[name]["figures"]:
            lines.append("| " + " | ".join([head] + cells(figure)) + " |")
            head = ""
    return lines


def legend(results, names):
    return [f"- `{name}`: {results[name]['title']}" for name in names]


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


def write_page(order):
    with open(PAGE, encoding="utf-8") as f:
        text = f.read()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    results = load()
    names = [name for name in order if name in results]
    parts = [table(results, names), legend(results, names), origins(results, names), images()]
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(before + BEGIN + "\n" + "\n\n".join("\n".join(part) for part in parts if part) + "\n\n" + END + after)
