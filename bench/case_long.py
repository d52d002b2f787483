"""Two hours in two minutes, with midnight in the middle: is anything different then?"""

import contextlib
import glob
import http.client
import itertools
import math
import os
import time

import fleet
from case_control import Pair
from case_history import DEVICES, INTERVAL_MS, REPORTING, pages as pages_of
from run import case
from servers import resident_bytes

SPEED = 60           # seconds of the wall clock in one
SPAN_S = 7200        # of the wall clock
WARM_S = 3600        # before that, until the journal's memtables and its cache (64 MiB each) are full
SPIKE_MS = 100


def clock(unix_s):
    """What makes a process take its start for that moment, with a wall clock that goes fast. Waiting goes by the
    monotonic clock, which stays as it is."""
    (library,) = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    return {**os.environ, "LD_PRELOAD": library, "FAKETIME": f"{unix_s - int(time.time()):+d} x{SPEED}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class Page:
    """A connection that asks for the last pages of devices, one after the other."""

    def __init__(self, muster, sample):
        self.client = http.client.HTTPConnection("127.0.0.1", muster.http)
        self.head = {"Authorization": f"token {fleet.SampleProduct(muster).token()}"}
        self.paths = itertools.cycle(path.split("&")[0] for path in pages_of(sample))

    def sample(self):
        began = time.perf_counter()
        self.client.request("GET", next(self.paths), headers=self.head)
        answer = self.client.getresponse()
        answer.read()
        assert answer.status == 200
        return (time.perf_counter() - began) * 1e3


@case("Long run")
def long_run(run):
    """Two hours of the wall clock, 60 times as fast, over midnight: a day rolls over, the eighth day of messages
    (20,000,000 in seven days) is dropped; 5,000 devices send a report every half second each (QoS 1, 3.1.1, open loop),
    a control and a history page are asked for every 20 ms; after an hour of the same, in which memory is not yet
    compared"""
    sample = fleet.History(DEVICES, 1000000 if run.quick else 20000000)
    midnight = (sample.now // 86400 + 1) * 86400
    span, warm = (seconds / SPEED / (4 if run.quick else 1) for seconds in (SPAN_S, WARM_S))
    controls, pages, memory = [], [], []
    with sample.served(run.directory, "--time-zone", "UTC", "--device-messages", "0", online=False,
                       env=clock(int(midnight - (warm + span / 2) * SPEED))) as muster, \
            sample.reporting(muster, f"{run.directory}/names", REPORTING, INTERVAL_MS), \
            contextlib.closing(Pair(muster, fleet.SampleProduct(muster))) as pair:
        page = Page(muster, sample)
        began = time.monotonic() + warm
        while (at := time.monotonic() - began) < span:
            controls.append((at, pair.sample()))
            pages.append((at, page.sample()))
            if not memory or at - memory[-1][0] >= 1:
                memory.append((at, resident_bytes(muster.pid) / 1e6))
            time.sleep(0.02)
    for what, samples in (("control", controls), ("history page", pages)):
        near = max(ms for at, ms in samples if abs(at - span / 2) < 10)
        run.value(f"longest {what} within 10 s of midnight", "ms", [near], at_most=SPIKE_MS)
        run.value(f"longest {what}", "ms", [max(ms for _, ms in samples)], at_most=SPIKE_MS)
        run.curve("long", f"{what}: longest of each second, ms", longest(samples))
    first = max(mb for at, mb in memory if 0 <= at < span / 4)
    last = max(mb for at, mb in memory if at > span * 3 / 4)
    run.value("resident in the first quarter, at most", "MB", [first])
    run.value("resident in the last quarter, at most", "MB", [last])
    run.value("growth of that", "%", [(last / first - 1) * 100], at_most=10)
    run.curve("long", "resident, MB", [(at * SPEED / 60, mb) for at, mb in memory])


def longest(samples):
    seconds = {}
    for at, ms in samples:
        second = math.floor(at)
        seconds[second] = max(ms, seconds.get(second, 0))
    return [(second * SPEED / 60, ms) for second, ms in seconds.items()]
