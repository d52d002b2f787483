"""Several nodes over one database, and what must hold of them together."""

import contextlib
import copy
import os
import threading
import time

import psycopg2

from mqtt import Closed, Device
from postgres import Postgres
from server import ENOUGH_S, PATIENCE, Server, run, wait_until
from world import World, request

# The sizes of a long run, or those of CI.
LONG = os.environ.get("MUSTER_CLUSTER", "") == "long"
LEASE_S = 10  # NODES_LEASE_MS
SOON_S = 30 * PATIENCE  # a node that hears nothing notices within a second what another one has done
TIME_ZONE = "Asia/Shanghai"


def size(short, long):
    return long if LONG else short


class Cluster:
    def __init__(self, directory, nodes=3, uris=None, **settings):
        """uris(cluster, number): how each node reaches the database; else all do directly."""
        self.directory = directory
        self.directory.mkdir()
        self.postgres = Postgres(**settings).start()
        self.databases = [self.postgres]  # to be ended
        self.nodes = []
        self.count, self.uris = nodes, uris or (lambda cluster, number: cluster.uri)

    @property
    def uri(self):
        return self.postgres.uri("muster")

    def start(self):
        self.postgres.execute("CREATE DATABASE muster ENCODING UTF8 TEMPLATE template0")
        done = run("migrate", "--store", self.uri)
        assert done.returncode == 0, done.stderr
        for _ in range(self.count):
            self.add()
        return self

    def add(self):
        number = len(self.nodes)
        node = Server(self.directory / f"node{number}", "--store", self.uris(self, number), "--time-zone", TIME_ZONE,
                      "--device-messages", "0", "--device-bytes", "0")
        self.nodes.append(node)
        return node.start()

    def world(self, hourly_quota=1000000):
        """A fresh enterprise and product, seen through each node."""
        world = World(self.nodes[0])
        world.configure(hourly_quota=hourly_quota)
        _ = world.token
        return [at(world, node) for node in self.nodes]

    def sql(self, statement, *values):
        with contextlib.closing(psycopg2.connect(self.uri)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else None

    def living(self):
        """How many nodes are not over, as the database says."""
        return self.sql("SELECT count(*) FROM journal.boot WHERE over IS NULL")[0][0]

    def end(self):
        """Cleanly, and nothing is wrong in the database afterwards."""
        for node in self.nodes:
            node.end()
        checked = run("check", "--store", self.uri)
        assert checked.returncode == 0, checked.stdout + checked.stderr

    def remove(self):
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                node.kill()
            with open(f"{node.data}.log", "w", encoding="utf-8") as f:  # for whoever asks why a test has failed
                f.writelines(node.log)
        for postgres in self.databases:
            postgres.end()


def at(world, node):
    """The same enterprise and product, through another node."""
    other = copy.copy(world)
    other.server = node
    return other


def lives(node):
    return node.process.poll() is None


def wait_for_online(worlds, count, seconds=ENOUGH_S, what="all ends"):
    """Until each node shows so many devices online."""
    wait_until(lambda: all(world.get("devices/search", is_online=1).json["meta"]["total"] == count for world in worlds),
               seconds, what)


def connect(world, registered, **options):
    """A device, logged in and subscribed, at the node of this world."""
    return world.device(registered=registered, level=4, **options)


def login_somewhere(worlds, registered, first=0, stopping=None):
    """As a device does it: it tries one node after the other until one lets it in. (the device, the node's number);
    (None, _) if it was told to stop."""
    end, number = time.monotonic() + ENOUGH_S, first
    while not (stopping and stopping.is_set()):
        world = worlds[number % len(worlds)]
        with contextlib.suppress(Closed, OSError):
            device = Device(world.server.mqtt, *registered, world.product_key, 4)
            try:
                if device.connect() == 0:
                    return device.subscribe_as_firmware(), number % len(worlds)
            except (Closed, OSError):
                pass
            device.close()
        assert time.monotonic() < end, f"no node lets {registered[0]} in"
        number += 1
        time.sleep(0.05)
    return None, number


def rows(world, did, call):
    """All rows of a device's history, the oldest first."""
    found = []
    while True:
        page = world.get(f"devices/{did}/{call}", limit=1000, skip=len(found), sort="asc").json
        found += page["objects"]
        if not page["objects"] or len(found) >= page["meta"]["total"]:
            assert len(found) == page["meta"]["total"]
            return found


def check_sessions(world, did, online=None):
    """The records alternate, and the newest one of an online device is its login."""
    log = rows(world, did, "online")
    kinds = [row["type"] for row in log]
    assert "dev_offline" not in kinds[0::2] and set(kinds[1::2]) <= {"dev_offline"}, kinds
    times = [row["timestamp"] for row in log]
    assert times == sorted(times), times
    if online is not None:
        assert (kinds[-1] != "dev_offline") == online, kinds
    return log


def search(world, **criteria):
    """All rows of a search."""
    found = []
    while True:
        page = world.get("devices/search", limit=1000, skip=len(found), **criteria).json
        found += page["objects"]
        if not page["objects"] or len(found) >= page["meta"]["total"]:
            return found


REPORTS = ("devices/summary", "summary", "devices/report/liveness", "devices/report/rt", "devices/locations",
           "fault/report/devices", "fault/report/events", "alert/report/devices", "alert/report/events")


def reports(world):
    """Everything that is counted, and each device's state."""
    told = {path: world.get(path).json for path in REPORTS}
    told["search"] = sorted(search(world, show_disabled=1), key=lambda row: row["did"])
    return told


def check_agreement(worlds, seconds=SOON_S):
    """All nodes come to say the same; returns what they say."""
    last = []

    def agree():
        last[:] = [reports(world) for world in worlds]
        return all(told == last[0] for told in last)

    try:
        wait_until(agree, seconds, what="agreement")
    except AssertionError:
        for number, told in enumerate(last[1:], 1):
            for path, content in told.items():
                if content == last[0][path]:
                    continue
                if path == "search":
                    mine, others = ({row["did"]: row for row in rows} for rows in (last[0][path], content))
                    content = [(mine.get(d), others.get(d)) for d in mine.keys() | others.keys() if mine.get(d) != others.get(d)][:3]
                    assert not content, f"nodes 0 and {number} differ: {content}"
                assert content == last[0][path], f"node {number}, {path}"
        raise
    return last[0]


def check_recount(cluster, worlds):
    """A node that starts now, and counts what is in the database, says what the others say."""
    return check_agreement([*worlds, at(worlds[0], cluster.add())])


class Background(threading.Thread):
    """Does something again and again until it is told to stop; what it raises, stop() raises."""

    def __init__(self, step):
        super().__init__(daemon=True)
        self.step, self.stopping, self.error = step, threading.Event(), None
        self.start()

    def run(self):
        try:
            while not self.stopping.is_set():
                self.step()
        except BaseException as e:
            self.error = e

    def stop(self):
        self.stopping.set()
        self.join(ENOUGH_S)
        assert not self.is_alive(), "it hangs"
        if self.error:
            raise self.error


__all__ = ["Background", "Cluster", "ENOUGH_S", "LEASE_S", "LONG", "PATIENCE", "SOON_S", "at", "check_agreement",
           "check_recount", "check_sessions", "connect", "lives", "login_somewhere", "reports", "request", "rows", "search",
           "size", "wait_for_online"]
