"""What it takes to have devices online: coming, staying, and the memory of those that only stay."""

import time

from load import Sessions
from run import case
from servers import Muster, Product, cpu_seconds, mosquitto, own_bytes

DEVICES = 18000  # a process may have 20,000 descriptors
FEW = 2000       # that are there already when memory is measured first
SETTLED_S = 1    # until what a connecting client has set off is over


def register(run, number):
    """All devices come for the first time: registered, provisioned, logged in, subscribed. The directory that
    they leave, the product, the file of their names and what it cost."""
    place = f"{run.directory}/{number}"
    with Muster(f"{place}-data", "--product-registrations", "0") as server:
        product = Product(server, run.directory)
        names = f"{place}-names"
        with Sessions(product.key, run.devices, f"127.0.0.1:{server.mqtt}", f"127.0.0.1:{server.http}", names) as sessions:
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


@case
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
    run.value("connected per second", "", own["per_second"], at_least=5000)
    run.against("CPU of it", "µs", own["cpu_us"], peer["cpu_us"])
    run.value("memory of a session", "bytes", own["bytes"], at_most=1024)
    run.against("memory beside the peer's", "bytes", own["bytes"], peer["bytes"], at_most=0.5)
    run.value(f"heartbeats missed in {stay_s} s", "", missed, at_most=0)
