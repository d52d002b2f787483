"""Reading what a device told, while others go on telling."""

import contextlib
import json
import random
import sqlite3
import subprocess
import time

import fleet
import load
from run import case
from servers import Process

DEVICES = 10000
RATE = 10000       # messages per second that come in meanwhile
REPORTING = 1000   # from so many of the devices


class Reports(Process):
    """Devices of the sample fleet that report at a rate until the end of the `with`."""

    def __init__(self, muster, sample, names, count=REPORTING, rate=RATE):
        with contextlib.closing(sqlite3.connect(f"{sample.data}/registry.db")) as db, \
                open(names, "w", encoding="ascii") as f:
            for mac, passcode in db.execute("SELECT mac, passcode FROM device WHERE product = 1 AND is_disabled = 0 "
                                            "ORDER BY no LIMIT ?", (count,)):
                f.write(f"{mac},{passcode}\n")
        super().__init__(load.sim(fleet.SampleProduct(muster), "--http", muster.url(""), "--fleet", names, "--interval",
                                  f"{count / rate:.6f}"), stdout=subprocess.DEVNULL)
        time.sleep(2)  # until all are there


def pages(sample, count=5000):
    """Paths of the first page of two days that end at some time of the last five."""
    draw = random.Random(42)
    with contextlib.closing(sqlite3.connect(f"{sample.data}/registry.db")) as db:
        dids = [did for (did,) in db.execute("SELECT did FROM device WHERE product = 1 AND is_disabled = 0")]
    paths = []
    for _ in range(count):
        start = sample.now - 6 * 86400 + draw.randrange(4 * 86400)
        paths.append(f"/v1/products/{fleet.KEY}/devices/{draw.choice(dids)}/data?limit=20&start_ts={start}"
                     f"&end_ts={start + 2 * 86400}")
    return paths


class Rocks(Process):
    """rocks_bench, which has its messages."""

    def __init__(self, sample, messages):
        super().__init__([fleet.ROCKS_BENCH, f"{sample.home}/rocks", str(DEVICES), str(messages), str(sample.now),
                          str(RATE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def measure(self, seconds):
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@case
def history(run):
    """A page of 20 of a 2-day window of `devices/{did}/data` over HTTP on 2 connections, 20,000,000 messages stored,
    10,000 more coming in per second; RocksDB alone in process, one family, the same keys and values, counting the
    window as the page tells its total"""
    messages = 1000000 if run.quick else 20000000
    sample = fleet.History(DEVICES, messages)
    with sample.served(run.directory, "--time-zone", "UTC", "--device-messages", "0", online=False) as muster, \
            Rocks(sample, messages) as rocks:
        headers = [f"Authorization: token {fleet.SampleProduct(muster).token()}"]
        paths = pages(sample)

        def read():
            with Reports(muster, sample, f"{run.directory}/names"):
                return load.http(muster.pid, muster.url(""), paths, headers, run.seconds, 2, f"{run.directory}/paths")

        own, other = run.turns(read, lambda: rocks.measure(run.seconds))
    run.value("p50", "ms", own["p50_ms"])
    run.value("p99", "ms", own["p99_ms"], at_most=5)
    run.against("p50 against", "ms", own["p50_ms"], other["p50_ms"])
    run.against("p99 against", "ms", own["p99_ms"], other["p99_ms"])
    run.curve("latency", "history", own["curve"][-1])
