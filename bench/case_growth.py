"""What becomes of the costs when the fleet becomes ten times as large."""

import shutil
import time

import fleet
import load
from case_reports import kinds
from case_search import KINDS, moments
from run import case
from servers import Muster, cpu_seconds, resident_bytes

SIZES = (10000, 100000, 1000000)
REPORTING = 5000  # of the devices, a report a second each


def searches(sample):
    return [f"/v1/products/{fleet.KEY}/devices/search?" + query.format(
        tenth=fleet.gid("tenth"), leaf=fleet.gid("leaf"), **moments(sample)) for query, _, _ in KINDS.values()]


def reports(sample):
    return [f"/v1/products/{fleet.KEY}{path}" for path, _ in kinds(sample.today).values()]


def start_once(data):
    with Muster(data) as muster:
        return {"cpu_s": cpu_seconds(muster.pid), "bytes": resident_bytes(muster.pid)}


def ingest(muster, sample, names, seconds):
    """CPU of the server per report."""
    with sample.reporting(muster, names, REPORTING, 1000):
        time.sleep(2)  # until each has reported
        before = cpu_seconds(muster.pid)
        time.sleep(seconds)
        return {"cpu_us": (cpu_seconds(muster.pid) - before) / (REPORTING * seconds) * 1e6}


@case("Memory, start and growth")
def growth(run):
    """Search (the kinds of `search` in turn), report on the fleet (the kinds of `reports` in turn), a device's report
    (5,000 of the devices, a report a second each, QoS 1, 3.1.1, open loop) and start at 10,000, 100,000 and 1,000,000
    devices; CPU of the server for each"""
    lines = {"search, µs": [], "report on the fleet, µs": [], "report of a device, µs": [], "start, ms": []}
    for devices in SIZES[:2] if run.quick else SIZES:
        sample = fleet.Fleet(devices)
        data = sample.copy(run.directory)
        start_once(data)
        (start,) = run.turns(lambda: start_once(data))
        shutil.rmtree(data)
        with sample.served(run.directory, "--device-messages", "0") as muster:
            headers = [f"Authorization: token {fleet.SampleProduct(muster).token()}"]

            def ask(paths):
                return load.http(muster.pid, muster.url(""), paths, headers, max(1, run.seconds // 2), 2,
                                 f"{run.directory}/paths")

            found = run.turns(lambda: ask(searches(sample)), lambda: ask(reports(sample)),
                              lambda: ingest(muster, sample, f"{run.directory}/names", run.seconds))
        for (name, line), values in zip(lines.items(), [*(f["cpu_us"] for f in found),
                                                        [s * 1e3 for s in start["cpu_s"]]]):
            what, unit = name.split(", ")
            run.value(f"{devices:,} devices: {what}", unit, values)
            line.append((devices, run.figures[-1]["muster"]))
        run.value(f"{devices:,} devices: resident after start", "MB", [b / 1e6 for b in start["bytes"]])
    for name, line in lines.items():
        run.curve("growth", name, line)
