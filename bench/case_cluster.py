"""Several nodes over one PostgreSQL, all on this machine with the load: what a report costs, what nodes cost each other."""

import contextlib
import http.client
import itertools
import json
import os
import subprocess
import time

import fleet
from case_control import Pair, percentiles
from case_ingest import SETTLE_S, Shape
from nodes import COPY_BENCH, Nodes, commits, make_database, percentile_ms, postgres
from run import case
from servers import ROOT, Muster, Process, Product, cpu_seconds, resident_bytes

SHAPES = [Shape(2000, 1), Shape(200, 4)]
DEVICES = 2000
CONNECTIONS = 64  # that register at the same time
BATCHES = "SELECT sum(batch) FROM journal.boot"
MESSAGES = "SELECT count(*) FROM journal.message"
BYTES = "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('journal.message')"


@contextlib.contextmanager
def cluster(server, database, directory, count):
    """Nodes over a new database, the product, and a file with the names of its devices for each node."""
    make_database(server, database)
    with Nodes(server, database, directory, count) as nodes:
        product = Product(nodes[0])
        names = f"{directory}/{database}-names"
        product.add_devices(DEVICES, names)
        with open(names, encoding="ascii") as f:
            lines = f.readlines()
        files = [f"{names}-{n}" for n in range(count)]
        for n, file in enumerate(files):
            with open(file, "w", encoding="ascii") as f:
                f.writelines(lines[n::count])
        yield nodes, product, files


def report(shape, nodes, files, seconds):
    """One round in which each node has its part of the devices."""
    count = len(nodes)
    with contextlib.ExitStack() as stack:
        parts = [stack.enter_context(shape._replace(devices=(shape.devices + count - 1 - n) // count).connected(node.mqtt, file))
                 for n, (node, file) in enumerate(zip(nodes, files))]
        for part in parts:
            part.start(shape.warm_s())
        for part in parts:
            part.told()
        time.sleep(SETTLE_S)
        (before, told), cpu, batches = commits(nodes), nodes.cpu(), nodes.number(BATCHES)
        for part in parts:
            part.start(seconds)
        found = [part.told() for part in parts]
        time.sleep(SETTLE_S)
        (after, tells), cpu_after = commits(nodes), nodes.cpu()
        batches = nodes.number(BATCHES) - batches
    acked = sum(part["acked"] for part in found)
    decoded = tells["decoded"] - told.get("decoded", 0)
    if decoded != acked or sum(tells.values()) - sum(told.values()) != decoded:
        raise RuntimeError(f"of {acked} reports: {told}, then {tells}")
    own, database = ((a - b) / acked * 1e6 for a, b in zip(cpu_after, cpu))
    return {"per_second": sum(part["per_second"] for part in found), "muster_us": own, "database_us": database,
            "cpu_us": own + database, "p50_ms": max(part["p50_ms"] for part in found),
            "p99_ms": max(part["p99_ms"] for part in found), "batch": acked / max(batches, 1),
            "commit_p50_ms": percentile_ms(before, after, 50), "commit_p99_ms": percentile_ms(before, after, 99)}


class Copy(Process):
    """bench/copy_bench: the newest messages of a database once more, by bare COPY."""

    def __init__(self, nodes, batch):
        self.server = nodes.server
        super().__init__([COPY_BENCH, nodes.uri, str(round(batch))], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("copy_bench did not read the messages")

    def run(self):
        before = cpu_seconds(self.server.process.pid)
        self._say()
        found = json.loads(self.process.stdout.readline())
        database = (cpu_seconds(self.server.process.pid) - before) / found["rows"] * 1e6
        self._say()
        return {**found, "database_us": database, "cpu_us": found["client_us"] + database}

    def _say(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@case("Several nodes")
def cluster_reports(run):
    """Devices that send the next report when one is acknowledged (closed loop), QoS 1, to one node and to three over
    PostgreSQL 15 with its sync on: each report decoded, committed in the database, then acknowledged. Bare COPY of the
    same rows by one connection, in transactions of as many rows as the node's had, into a table with the same columns and
    index. Of three nodes, the peer is the one node. CPU: nodes and all of PostgreSQL's processes, without the load. The
    node's commit times come from the buckets of a histogram, between whose ends they are spread evenly; COPY's are exact"""
    with postgres(run.directory) as server, cluster(server, "one", run.directory, 1) as (one, _, first), \
            cluster(server, "three", run.directory, 3) as (three, _, files):
        for shape in SHAPES:
            batch = []

            def alone():
                found = report(shape, one, first, run.seconds)
                batch.append(found["batch"])
                return found

            def bare():
                with Copy(one, batch[-1]) as copy:
                    return copy.run()

            own, others, peer = run.turns(alone, lambda: report(shape, three, files, run.seconds), bare)
            tell_reports(run, shape, own, others, peer)
        run.value("a message in the database, with its index", "bytes", [one.number(BYTES) / one.number(MESSAGES)],
                  peer=peer["bytes"])


def tell_reports(run, shape, own, others, peer):
    run.value(f"{shape}: reports per second", "", own["per_second"], at_least=30000, peer=peer["per_second"])
    run.against(f"{shape}: beside COPY", "", own["per_second"], peer["per_second"], at_least=0.6)
    run.value(f"{shape}: CPU per report, node and database", "µs", own["cpu_us"], at_most=25, peer=peer["cpu_us"])
    run.value(f"{shape}: the database's part", "µs", own["database_us"], peer=peer["database_us"])
    run.value(f"{shape}: reports in a commit", "", own["batch"])
    run.value(f"{shape}: commit, p50", "ms", own["commit_p50_ms"], peer=peer["p50_ms"])
    run.value(f"{shape}: commit, p99", "ms", own["commit_p99_ms"], peer=peer["p99_ms"])
    run.value(f"{shape}: report to PUBACK, p50", "ms", own["p50_ms"])
    run.value(f"{shape}: report to PUBACK, p99", "ms", own["p99_ms"])
    run.value(f"{shape}: three nodes: reports per second", "", others["per_second"], peer=own["per_second"])
    run.against(f"{shape}: three nodes: beside one", "", others["per_second"], own["per_second"], at_least=0.8)
    run.value(f"{shape}: three nodes: CPU per report, nodes and database", "µs", others["cpu_us"], peer=own["cpu_us"])


@case("Several nodes")
def cluster_control(run):
    """`POST control` to one of three idle nodes, from the request's first byte to the device's socket being readable, one
    at a time: the device is connected to another node; the peer is a device of the same node"""
    with postgres(run.directory) as server, cluster(server, "three", run.directory, 3) as (nodes, product, _):
        with contextlib.closing(Pair(nodes[0], product, nodes[1])) as pair:
            # One device: a login elsewhere would take it over.
            across = run.turns(lambda: pair.samples(run.seconds))[0]
        with contextlib.closing(Pair(nodes[0], product)) as pair:
            same = run.turns(lambda: pair.samples(run.seconds))[0]
    run.value("another node's device: p50", "ms", across["p50_ms"], at_most=2, peer=same["p50_ms"])
    run.value("another node's device: p99", "ms", across["p99_ms"], peer=same["p99_ms"])


class Lag(Pair):
    """A device at one node, and an enterprise that asks another one."""

    # The air conditioner's report without a fault; the last bit is one.
    REPORT = bytes.fromhex("000000030b0000910401000010000000")

    def __init__(self, device_at, asked, product):
        super().__init__(device_at, product)
        self.asked = http.client.HTTPConnection("127.0.0.1", asked.http)
        self.headers = {"Authorization": f"token {product.token()}"}
        self.search = product.path(f"/devices/search?type=did&val={self.did}")
        self.report = product.path("/devices/report/rt")
        self.faulty = False

    def ask_other(self, path):
        self.asked.request("GET", path, headers=self.headers)
        return json.loads(self.asked.getresponse().read())

    def searched(self):
        return self.ask_other(self.search)["objects"][0]["is_faulty"] == self.faulty

    def reported(self):
        return self.ask_other(self.report)["count"]["faulty"] == self.faulty

    def sample(self, shown):
        """Milliseconds from the PUBACK until the other node shows the report."""
        self.faulty = not self.faulty
        self.publish(self.REPORT[:-1] + bytes([self.faulty]))
        began = time.perf_counter()
        while not shown():
            if time.perf_counter() - began > 60:
                raise RuntimeError("another node never shows the report")
        return (time.perf_counter() - began) * 1e3

    def lags(self, shown, seconds):
        end, found = time.monotonic() + seconds, []
        while time.monotonic() < end:
            found.append(self.sample(shown))
        return percentiles(found)

    def close(self):
        self.asked.close()
        super().close()


@case("Several nodes")
def cluster_lag(run):
    """A device reports a fault, or its end, to one of three nodes. From the PUBACK until another node shows it, which is
    asked over and over: in the search for the device, and in the realtime report. Idle, and while 2,000 other devices
    of the first node report once a second each (QoS 1, open loop)"""
    with postgres(run.directory) as server, cluster(server, "three", run.directory, 3) as (nodes, product, _), \
            contextlib.closing(Lag(nodes[0], nodes[1], product)) as lag:

        def loaded(shown):
            with Shape(DEVICES).connected(nodes[0].mqtt, f"{run.directory}/three-names") as devices:
                devices.start()
                time.sleep(1)  # the first reports activate the devices
                return lag.lags(shown, run.seconds)

        found = run.turns(lambda: lag.lags(lag.searched, run.seconds), lambda: lag.lags(lag.reported, run.seconds),
                          lambda: loaded(lag.searched), lambda: loaded(lag.reported))
    for load, samples in (("idle", found[:2]), ("2,000 reports/s", found[2:])):
        for name, sample in zip(("search", "report"), samples):
            run.value(f"{load}: in a {name}, p50", "ms", sample["p50_ms"])
            run.value(f"{load}: in a {name}, p99", "ms", sample["p99_ms"], at_most=100)


@case("Several nodes")
def cluster_registrations(run):
    """Devices that register at one of three nodes over 64 connections. Each is answered when its commit is durable and all
    nodes have followed it"""
    first = itertools.count(1 << 32, 1 << 24)
    with postgres(run.directory) as server, cluster(server, "three", run.directory, 3) as (nodes, product, _):

        def register():
            cpu, began = nodes.cpu(), time.monotonic()
            text = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{run.seconds}s", "-s",
                                   os.path.join(ROOT, "bench/register.lua"), nodes[0].url(""), "--", product.key,
                                   str(next(first))], check=True, capture_output=True, text=True).stdout
            lasted, found = time.monotonic() - began, json.loads(text.rsplit("summary ", 1)[1])
            if found["failed"] or not found["requests"]:
                raise RuntimeError(f"{found['failed']} of {found['requests']} registrations failed")
            spent = sum(nodes.cpu()) - sum(cpu)
            return {**found, "per_second": found["requests"] / lasted, "cpu_us": spent / found["requests"] * 1e6}

        own, = run.turns(register)
    run.value("registrations per second", "", own["per_second"], at_least=1500)
    run.value("CPU of it, nodes and database", "µs", own["cpu_us"])
    run.value("p50", "ms", own["p50_ms"])
    run.value("p99", "ms", own["p99_ms"])


@case("Several nodes")
def cluster_start(run):
    """A node that starts with 1,000,000 devices with 13 months of activity in the database, until `muster ready`; no other
    node runs, and it had ended cleanly"""
    sample = fleet.Fleet(100000 if run.quick else 1000000)
    with postgres(run.directory) as server:
        uri = sample.store(server, "fleet")

        def once():
            began, database = time.monotonic(), cpu_seconds(server.process.pid)
            with Muster(f"{run.directory}/node", "--store", uri, "--time-zone", sample.zone) as muster:
                return {"seconds": time.monotonic() - began, "cpu": cpu_seconds(muster.pid),
                        "database": cpu_seconds(server.process.pid) - database,
                        "megabytes": resident_bytes(muster.pid) / 1e6}

        once()
        own, = run.turns(once)
    run.value("until ready", "s", own["seconds"], at_most=15)
    run.value("CPU of the node", "s", own["cpu"])
    run.value("CPU of the database", "s", own["database"])
    run.value("resident", "MB", own["megabytes"])


@case("Several nodes")
def cluster_deltas(run):
    """What a node without devices pays for the reports of another one: 2,000 devices with one report in flight each, three
    nodes, all devices at the first; what an idle node costs anyway is not counted"""
    with postgres(run.directory) as server, cluster(server, "three", run.directory, 3) as (nodes, _, _):
        names, follower = f"{run.directory}/three-names", nodes[1]

        def idle():
            before, began = cpu_seconds(follower.pid), time.monotonic()
            time.sleep(run.seconds)
            return (cpu_seconds(follower.pid) - before) / (time.monotonic() - began)

        def follow():
            rest = idle()
            # The first start's. They are dropped when they are a minute old.
            deltas = "FROM journal.delta WHERE boot = (SELECT min(number) FROM journal.boot)"
            with SHAPES[0].connected(nodes[0].mqtt, names) as devices:
                devices.run(SHAPES[0].warm_s())
                time.sleep(SETTLE_S)
                _, told = commits(nodes)
                last = nodes.number(f"SELECT coalesce(max(number), 0) {deltas}")
                cpu, began = cpu_seconds(follower.pid), time.monotonic()
                found = devices.run(run.seconds)
                time.sleep(SETTLE_S)
                cpu = cpu_seconds(follower.pid) - cpu - rest * (time.monotonic() - began)
                _, tells = commits(nodes)
                size = nodes.number(f"SELECT sum(length(bytes)) {deltas} AND number > {last:.0f}")
            reports = tells["decoded"] - told.get("decoded", 0)
            return {"follower_us": cpu / reports * 1e6, "bytes": size / reports, "per_second": found["per_second"],
                    "idle": rest * 100}

        own, = run.turns(follow)
    run.value("CPU of a follower per report", "µs", own["follower_us"], at_most=1)
    run.value("bytes of a delta per report", "bytes", own["bytes"])
    run.value("reports per second meanwhile", "", own["per_second"])
    run.value("an idle node, of one core", "%", own["idle"])
