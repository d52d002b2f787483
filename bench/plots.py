"""The plots in docs/, drawn by gnuplot from the curves of the data file."""

import math
import os
import subprocess

from results import ROOT

LATENCY = """set xlabel 'share of requests that are faster'
set ylabel 'ms'
set logscale y
set xtics ('50 %%' 0.301, '90 %%' 1, '99 %%' 2, '99.9 %%' 3, '99.99 %%' 4)
set xrange [0:4]
"""
GROWTH = """set xlabel 'devices'
set logscale xy
set xrange [8000:1500000]
set xtics ('10,000' 1e4, '100,000' 1e5, '1,000,000' 1e6)
"""
LONG = """set xlabel 'minutes of the wall clock, midnight at 60'
set logscale y
"""
COLOURS = 8  # that gnuplot has before it begins anew
PLOTS = {"latency": LATENCY, "growth": GROWTH, "long": LONG}


def nines(percentile):
    """The place of 90, 99, 99.9 on an axis where each nine takes the same room."""
    return -math.log10(1 - percentile / 100)


def draw(results):
    for plot, settings in PLOTS.items():
        curves = [c for r in results.values() for c in r["curves"] if c["plot"] == plot]
        if curves:
            _gnuplot(os.path.join(ROOT, f"docs/{plot}.svg"), settings, curves, plot == "latency")


def _gnuplot(file, settings, curves, by_nines):
    blocks, lines = [], []
    for i, curve in enumerate(curves):
        points = [(nines(x) if by_nines else x, y) for x, y in curve["points"]]
        blocks.append(f"$c{i} << EOD\n" + "\n".join(f"{x} {y}" for x, y in points) + "\nEOD\n")
        lines.append(f"$c{i} with linespoints dashtype {1 + i // COLOURS} pointtype 7 pointsize 0.4 "
                     f"title \"{curve['label']}\"")
    script = ("set terminal svg size 800,520 font 'sans-serif,13' background '#ffffff' noenhanced\n"
              f"set output '{file}'\nset grid\nset key below left Left reverse\nset border 3\nset tics nomirror\n"
              + settings + "".join(blocks) + "plot " + ", ".join(lines) + "\n")
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
