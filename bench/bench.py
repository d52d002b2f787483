"""The benchmarks: muster and a peer on the same machine, taking turns, medians of some rounds.

These machines are shared and noisy, so what counts is the ratio within a run and the CPU time per
operation, which other tenants disturb least. What was measured replaces the entries of its cases in
bench/results.json, and the tables in docs/performance.md and its plots are made from that anew."""

import argparse
import signal
import sys
import tempfile
import traceback

import case_cluster  # noqa: F401  (each fills run.CASES)
import case_control  # noqa: F401
import case_growth  # noqa: F401
import case_history  # noqa: F401
import case_http  # noqa: F401
import case_import  # noqa: F401
import case_ingest  # noqa: F401
import case_journal  # noqa: F401
import case_long  # noqa: F401
import case_move  # noqa: F401
import case_reports  # noqa: F401
import case_search  # noqa: F401
import case_sessions  # noqa: F401
import case_start  # noqa: F401
import plots
import results
from run import CASES, SUBJECTS, Run, title

ROUNDS, SECONDS = 5, 4
ENDS = signal.SIGINT, signal.SIGTERM


def measure(name, rounds, quick):
    """The run, or None where it failed; says what came out."""
    print(f"{name}: {title(CASES[name])}", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        run = Run(directory, rounds, 1 if quick else SECONDS, quick)
        try:
            CASES[name](run)
        # The other cases are to be measured all the same.
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc()
            return None
    before = ""
    for figure in run.figures:
        of, what, own, peer, ratio, target, verdict = results.cells(figure)
        if of != before:
            print(f"  {of}")
        print(f"    {what:42} {own:>14} {peer:>14} {ratio:>9}  {target:12} {verdict.strip('*')}", flush=True)
        before = of
    return run


def end(*_):
    """What was started ends with us, which a second Ctrl-C does not disturb."""
    for number in ENDS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(2)


def main():
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("case", nargs="*", help="only these, or those whose names begin so: cluster")
    parser.add_argument("--list", action="store_true", help="name the cases")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help="one short round with small sizes, nothing is kept")
    arguments = parser.parse_args()
    if arguments.list:
        for name, function in CASES.items():
            print(f"{name}: {title(function)}")
        return 0
    chosen = [name for word in arguments.case or CASES for name in CASES if name == word or name.startswith(word + "_")]
    unknown = [word for word in arguments.case if not any(name == word or name.startswith(word + "_") for name in CASES)]
    if unknown:
        parser.error(f"no case is called {', '.join(unknown)} (see --list)")
    rounds = 1 if arguments.quick else arguments.rounds
    print(f"{results.machine()}; medians of {rounds} rounds, taking turns: muster, peer, ratio, to reach", flush=True)
    status = 0
    for number in ENDS:
        signal.signal(number, end)
    for name in dict.fromkeys(chosen):
        run = measure(name, rounds, arguments.quick)
        if run is None:
            status = 2
            continue
        if not arguments.quick:
            results.keep(name, run, title(CASES[name]))
        if any(figure["reached"] is False for figure in run.figures):
            status = max(status, 1)
    if not arguments.quick:
        plots.draw(results.load())
        results.write_page(SUBJECTS)
    return status


if __name__ == "__main__":
    sys.exit(main())
