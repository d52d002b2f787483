"""What it takes to have devices online: coming, staying, and the memory of those that only stay."""

import contextlib
import json
import os
import select
import shutil
import socket
import struct
import subprocess
import time
import urllib.request

import fleet
from load import Sessions
from run import case
from servers import BUILD, Muster, Product, cpu_seconds, mosquitto, own_bytes, resident_bytes

DEVICES = 18000  # a process may have 20,000 descriptors
AT_ONCE = 1000
APART, APART_S = 200, 0.02
FEW = 2000       # that are there already when memory is measured first
SETTLED_S = 1    # until what a connecting client has set off is over


def register(run, number):
    """All devices come for the first time: registered, provisioned, logged in, subscribed. The directory that
    they leave, the product, the file of their names and what it cost."""
    place = f"{run.directory}/{number}"
    with Muster(f"{place}-data", "--product-registrations", "0") as server:
        product = Product(server)
        names = f"{place}-names"
        with Sessions(product.key, run.devices, f"127.0.0.1:{server.mqtt}", f"127.0.0.1:{server.http}",
                      names) as sessions:
            before = cpu_seconds(server.pid)
            seconds = sessions.connect(run.devices)
            spent = cpu_seconds(server.pid) - before
    return product, names, {"per_second": run.devices / seconds, "cpu_us": spent / run.devices * 1e6}


def come(run, server, sessions):
    """Some devices, then all: what each of the later ones cost."""
    sessions.connect(FEW)
    time.sleep(SETTLED_S)
    memory, cpu = own_bytes(server.pid), cpu_seconds(server.pid)
    seconds = sessions.connect(run.devices)
    cpu = cpu_seconds(server.pid) - cpu
    time.sleep(SETTLED_S)
    more = run.devices - FEW
    return {"bytes": (own_bytes(server.pid) - memory) / more, "per_second": more / seconds, "cpu_us": cpu / more * 1e6}


@case("Memory, start and growth")
def idle_sessions(run):
    """18,000 devices come and stay, each with its three subscriptions: first registering, then, to a server that
    has been started anew, known; mosquitto 2.0.11 with the same subscriptions"""
    run.devices = 4000 if run.quick else DEVICES
    stay_s = 5 if run.quick else 600
    registered, stayed = [], []

    def measure():
        product, names, cost = register(run, len(registered))
        registered.append(cost)
        with Muster(product.muster.data) as server, \
                Sessions(product.key, run.devices, f"127.0.0.1:{server.mqtt}", names=names) as sessions:
            cost = come(run, server, sessions)
            if len(registered) == run.rounds:
                stayed.append(sessions.hold(stay_s))
        return cost

    def measure_peer():
        with mosquitto(run.directory) as server, \
                Sessions("0" * 32, run.devices, f"127.0.0.1:{server.port}") as sessions:
            return come(run, server, sessions)

    own, peer = run.turns(measure, measure_peer)
    missed = [s["pings"] - s["pongs"] + s["closed"] for s in stayed]
    run.value("registered and connected per second", "", [r["per_second"] for r in registered], at_least=2000)
    run.value("CPU of it", "µs", [r["cpu_us"] for r in registered])
    run.value("connected per second", "", own["per_second"], at_least=10000)
    run.against("CPU of it", "µs", own["cpu_us"], peer["cpu_us"])
    run.value("memory of a session", "bytes", own["bytes"], at_most=1024)
    run.against("memory beside the peer's", "bytes", own["bytes"], peer["bytes"], at_most=0.5)
    run.value(f"heartbeats missed in {stay_s} s", "", missed, at_most=0)


def connect_packet(did, passcode):
    """MQTT 3.1, as the firmware says it."""
    fields = (did, did, passcode)
    body = b"\0\6MQIsdp\3\xc2" + struct.pack(">H", 120) + b"".join(
        struct.pack(">H", len(field)) + field.encode() for field in fields)
    return b"\x10" + bytes([len(body)]) + body


def log_in_together(port, known):
    """The seconds from each one's CONNECT to its CONNACK. All are connected by then; the last CONNECT is sent before the
    first CONNACK is read."""
    with contextlib.ExitStack() as open_sockets:
        poll, began, took = select.epoll(), {}, []
        sockets = [open_sockets.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in known]
        by_number = {s.fileno(): s for s in sockets}
        for s in sockets:
            poll.register(s.fileno(), select.EPOLLIN)
        for s, (did, passcode) in zip(sockets, known):
            began[s.fileno()] = time.perf_counter()
            s.sendall(connect_packet(did, passcode))
        while len(took) < len(known):
            for number, _ in poll.poll(60):
                if by_number[number].recv(16) != b"\x20\2\0\0":
                    raise RuntimeError("a login was refused")
                took.append(time.perf_counter() - began[number])
        return took


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, len(values) * p // 100)]


@case("Memory, start and growth")
def connack(run):
    """From CONNECT to CONNACK, which follows the commit of the login: 200 devices, one every 20 ms; 1,000 devices, each when
    the one before it is in; 1,000 devices whose connections stand and that say CONNECT at once. The server does nothing
    else. A client in Python, whose own time counts"""
    with Muster(f"{run.directory}/data", "--product-registrations", "0") as server:
        product = Product(server)
        names = f"{run.directory}/names"
        with Sessions(product.key, AT_ONCE, f"127.0.0.1:{server.mqtt}", f"127.0.0.1:{server.http}", names) as sessions:
            sessions.connect(AT_ONCE)
        with open(names, encoding="ascii") as f:
            known = [line.strip().split(",") for line in f]

        def apart():
            for one in known[:APART]:
                time.sleep(APART_S)
                yield log_in_together(server.mqtt, [one])[0]

        def measure():
            shapes = {"one every 20 ms": list(apart()),
                      "one after the other": [log_in_together(server.mqtt, [one])[0] for one in known],
                      "1,000 at once": log_in_together(server.mqtt, known)}
            return {f"{shape}: {name}": percentile(took, p) * 1e3 for shape, took in shapes.items()
                    for name, p in (("p50", 50), ("p99", 99), ("the slowest", 100))}

        own, = run.turns(measure)
    for what, values in own.items():
        run.value(what, "ms", values)


class NullSessions(Muster):
    """bench/null_sessions: a server with devices that need no socket and come and go as they are told."""

    def __init__(self, data):
        super().__init__(data, "--mqtt-connections-max", "2000000",
                         program=(os.path.join(BUILD, "bench/null_sessions"),), stdin=subprocess.PIPE)

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        if self.process.wait(900):  # a million ends are written
            raise RuntimeError("null_sessions did not end well")


def get(server, token, path):
    asked = urllib.request.Request(server.url(path), headers={"Authorization": f"token {token}"})
    with urllib.request.urlopen(asked) as answer:
        return json.load(answer)


def logged_as_online(server, token, key, did):
    """What the newest record of its log says."""
    now = int(time.time())
    found = get(server, token, f"/v1/products/{key}/devices/{did}/online?start_ts={now - 86400}&end_ts={now + 60}"
                               "&sort=desc&limit=1")["objects"]
    return bool(found) and found[0]["type"] != "dev_offline"


def told_over_http(server):
    """How many devices are online by the summaries, how many by searching, and how many of a hundred that are
    found as online, or as not, are told otherwise by their log."""
    summed = searched = contradicted = 0
    for key in fleet.PRODUCTS:
        token = fleet.SampleProduct(server, key).token()
        summed += get(server, token, f"/v1/products/{key}/devices/summary")["online"]
        for online in (1, 0):
            found = get(server, token, f"/v1/products/{key}/devices/search?is_online={online}&limit=20")
            searched += found["meta"]["total"] * online
            contradicted += sum(logged_as_online(server, token, key, row["did"]) != bool(online)
                                for row in found["objects"])
    return summed, searched, contradicted


@case("Memory, start and growth")
def million_sessions(run):
    """1,000,000 devices online in one process over a null transport, pinging every 50 s, 40,000 a minute going
    (saying so, cut off, falling silent, replaced by a second login) and as many coming; memory of the server with
    its 1,060,000 devices, without the 28 bytes that each takes on the other side of that transport"""
    online = 40000 if run.quick else 1000000
    per_minute = online * 4 // 100
    data = fleet.Fleet(online * 106 // 100).copy(run.directory)  # 3 % of them are disabled
    cores, peak = [], 0
    with NullSessions(data) as server:
        seconds = server.ask(f"come {online}")["seconds"]
        for _ in range(run.rounds):
            before, began = cpu_seconds(server.pid), time.monotonic()
            churned = server.ask(f"churn {per_minute} {15 if run.quick else 60}")
            cores.append((cpu_seconds(server.pid) - before) / (time.monotonic() - began) * 100)
            peak = max(peak, resident_bytes(server.pid) - churned["own_bytes"])
        end = server.ask("settle")
        summed, searched, contradicted = told_over_http(server)
        stopping = time.monotonic()
    stop = time.monotonic() - stopping
    shutil.rmtree(data)
    differences = [abs(end["here"] - n) for n in (end["sessions"], end["online"], summed, searched)]
    differences += [abs(n - end["ends"][way]) for way, n in end["went"].items()]
    differences += [abs(end["came"] - end["logins"]), end["refused"], contradicted]
    run.value("resident", "MiB", [peak / 2**20], at_most=614)
    run.value("CPU, of one core", "%", cores, at_most=25)
    run.value("coming at first, per second", "", [online / seconds])
    run.value("ending when the server stops, per second", "", [online / stop])
    run.value(f"presence wrong in {end['looked']:,} looks", "", [end["wrong"]], at_most=0)
    run.value("sums, logs and reports that differ at the end", "", [sum(differences)], at_most=0)
    run.value(f"of {end['pings']:,} heartbeats unanswered", "", [end["unanswered"]], at_most=0)
