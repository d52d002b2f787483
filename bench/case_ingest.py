"""What a report costs from the device's socket to the disk, in the shapes that fleets have, beside a broker that
keeps nothing."""

import contextlib
import re
import time
import urllib.request
from typing import NamedTuple

import load
from run import case
from servers import Muster, Product, cpu_seconds, mosquitto

DEVICES = 10000
SETTLE_S = 0.3  # until what the last reports have set off is over
KEPT_S = 30     # that the last reports have for being committed


class Shape(NamedTuple):
    """How many devices, and how each of them reports."""

    devices: int
    in_flight: int = 0  # 0: open loop, a report a second
    qos: int = 1
    version: str = "3.1.1"

    def __str__(self):
        how = f"{self.in_flight} in flight" if self.in_flight else "a report a second each"
        loop = "closed" if self.in_flight else "open"
        return f"{self.devices:,} devices, {how}, QoS {self.qos}, {self.version}, {loop} loop"

    def warm_s(self):
        """So that each device has reported before the measured part."""
        return 0.5 if self.in_flight else 1

    def connected(self, port, names):
        loop = f"window={self.in_flight}" if self.in_flight else "interval=1000"
        return load.Reports(port, names, self.devices, loop, self.qos, self.version)


# What is to be reached: reports per second at least and CPU per report at most, as the peer's.
CLOSED = {Shape(2000, 1): (0.95, 1.25), Shape(10000, 1): (0.95, 1.25), Shape(200, 1): (0.8, 1.4),
          Shape(200, 4): (1.5, 0.75), Shape(100, 100): (2.5, 0.45)}
OPEN = {Shape(5000): 1.5, Shape(10000): 1.5, Shape(5000, qos=0, version="3.1"): 1.3,
        Shape(10000, qos=0, version="3.1"): 1.3}


def measure(shape, pid, port, names, seconds):
    """One round, with devices that have just come. per_second, cpu_us per report, p50_ms, p99_ms, unacknowledged, and
    `all` that was sent, what came before the measured part included."""
    with shape.connected(port, names) as devices:
        warm = devices.run(shape.warm_s())
        time.sleep(SETTLE_S)
        cpu = cpu_seconds(pid)
        found = devices.run(seconds)
        time.sleep(SETTLE_S)
        found["cpu_us"] = (cpu_seconds(pid) - cpu) / found["sent"] * 1e6
    found["unacknowledged"] = found["sent"] - found["acked"]
    found["all"] = warm["sent"] + found["sent"]
    return found


def committed(muster):
    """Reports on disk so far, by what became of them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{muster.ops}/metrics") as answer:
        found = re.findall(r'^muster_reports_total\{result="(\w+)"\} (\d+)$', answer.read().decode(), re.M)
    return {result: int(count) for result, count in found}


def measure_muster(shape, muster, names, seconds):
    """The same, and how many reports were lost. What is not decoded costs less, so nothing may be; and what was
    acknowledged is kept."""
    before = committed(muster)
    found = measure(shape, muster.pid, muster.mqtt, names, seconds)
    until = time.monotonic() + KEPT_S
    while True:
        more = {result: count - before[result] for result, count in committed(muster).items()}
        found["lost"] = found["all"] - more["decoded"]
        if found["lost"] <= 0 or time.monotonic() > until:
            break
        time.sleep(SETTLE_S)
    if sum(more.values()) != more["decoded"] or (shape.qos and found["lost"] > found["unacknowledged"]):
        raise RuntimeError(f"of {found['all']} reports: {more}")
    return found


@contextlib.contextmanager
def both(run):
    """Lets muster and the peer take turns at a shape: a function of the shape."""
    names = f"{run.directory}/names"
    seconds = run.seconds * 0.75
    with Muster(f"{run.directory}/data", "--device-messages", "0", "--device-bytes", "0") as muster, \
            mosquitto(run.directory) as peer:
        Product(muster).add_devices(DEVICES, names)
        yield lambda shape: run.turns(lambda: measure_muster(shape, muster, names, seconds),
                                      lambda: measure(shape, peer.pid, peer.port, names, seconds))


@case("Ingest")
def ingest_at_a_rate(run):
    """Devices that report once a second each, whatever is acknowledged (open loop): each report decoded, stored,
    synced and, with QoS 1, then acknowledged. mosquitto 2.0.11, persistence off, taking the same publishes from the
    same loader: it decodes, stores and syncs nothing. Latency: from the moment when a report was due to its PUBACK"""
    with both(run) as turns:
        for shape, most in OPEN.items():
            own, other = turns(shape)
            if shape.qos:
                run.value(f"{shape}: p50", "ms", own["p50_ms"], peer=other["p50_ms"])
                run.value(f"{shape}: p99", "ms", own["p99_ms"], at_most=25, peer=other["p99_ms"])
                run.value(f"{shape}: not acknowledged", "", own["unacknowledged"], at_most=0,
                          peer=other["unacknowledged"])
            else:
                run.value(f"{shape}: not kept", "", own["lost"], at_most=0)
            run.against(f"{shape}: CPU per report", "µs", own["cpu_us"], other["cpu_us"], at_most=most)
            mine, others = ([us * shape.devices / 1e4 for us in side["cpu_us"]] for side in (own, other))
            run.value(f"{shape}: that is, of one core", "%", mine, peer=others)


@case("Ingest")
def ingest_at_most(run):
    """Devices that send the next report when one is acknowledged (closed loop), so what the server can take at most:
    each report decoded, stored, synced, then acknowledged. mosquitto 2.0.11, persistence off, acknowledging the same
    publishes from the same loader: it decodes, stores and syncs nothing"""
    with both(run) as turns:
        for shape, (least, most) in CLOSED.items():
            own, other = turns(shape)
            run.against(f"{shape}: reports per second", "", own["per_second"], other["per_second"], at_least=least)
            run.against(f"{shape}: CPU per report", "µs", own["cpu_us"], other["cpu_us"], at_most=most)
            run.value(f"{shape}: p50", "ms", own["p50_ms"], peer=other["p50_ms"])
            run.value(f"{shape}: p99", "ms", own["p99_ms"], peer=other["p99_ms"])
