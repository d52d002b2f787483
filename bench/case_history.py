"""Reading what a device told, while others go on telling."""

import json
import random
import subprocess

import fleet
import load
from run import case
from servers import Process

DEVICES = 10000
REPORTING, INTERVAL_MS = 5000, 500  # of them report meanwhile, each so often
RATE = REPORTING * 1000 // INTERVAL_MS


def pages(sample, count=5000):
    """Paths of the first page of two days that end at some time of the last five."""
    draw = random.Random(42)
    dids = list(sample.dids())
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
                          str(REPORTING), str(RATE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def measure(self, seconds):
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@case("HTTP")
def history(run):
    """A page of 20 of a 2-day window of `devices/{did}/data` over HTTP on 2 connections, 20,000,000 messages stored,
    while 5,000 devices send a report every half second each (10,000 a second, QoS 1, 3.1.1, open loop); RocksDB alone
    in process, one family, the same keys and values, as many written meanwhile, counting the window as the page tells
    its total"""
    messages = 1000000 if run.quick else 20000000
    sample = fleet.History(DEVICES, messages)
    with sample.served(run.directory, "--time-zone", "UTC", "--device-messages", "0", online=False) as muster, \
            Rocks(sample, messages) as rocks:
        headers = [f"Authorization: token {fleet.SampleProduct(muster).token()}"]
        paths = pages(sample)

        def read():
            with sample.reporting(muster, f"{run.directory}/names", REPORTING, INTERVAL_MS):
                return load.http(muster.pid, muster.url(""), paths, headers, run.seconds, 2, f"{run.directory}/paths")

        own, other = run.turns(read, lambda: rocks.measure(run.seconds))
    run.value("p50", "ms", own["p50_ms"])
    run.value("p99", "ms", own["p99_ms"], at_most=5)
    run.against("p50 against", "ms", own["p50_ms"], other["p50_ms"])
    run.against("p99 against", "ms", own["p99_ms"], other["p99_ms"])
    run.curve("latency", "history", own["curve"][-1])
