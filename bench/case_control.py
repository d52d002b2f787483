"""How soon a device hears what an enterprise tells it."""

import json
import select
import socket
import statistics
import time

import load
from run import case
from servers import Muster, Product


def text(s):
    return len(s).to_bytes(2, "big") + s.encode()


def packet(first, body):
    return bytes([first, len(body)]) + body


def connect(port):
    s = socket.create_connection(("127.0.0.1", port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.settimeout(30)
    return s


def percentiles(found):
    cut = statistics.quantiles(found, n=1000)
    return {"p50_ms": cut[499], "p99_ms": cut[989],
            "curve": [(p, cut[round(p * 10) - 1]) for p in (1, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9)]}


class Pair:
    """An enterprise on a connection that stays open, and a device that has registered and listens, on the same node or
    on another one."""

    def __init__(self, muster, product, home=None):
        self.client = connect(muster.http)
        answer = self.ask("POST", "/dev/devices", f"passcode=123456&mac={product.mac}&product_key={product.key}")
        self.did = did = answer.split("did=")[1][:22]
        self.device = connect((home or muster).mqtt)
        self.device.sendall(packet(0x10, text("MQTT") + b"\4\xc2\x0e\x10" + text(did) + text(did) + text("123456")))
        assert self.device.recv(4) == b"\x20\2\0\0"
        self.device.sendall(packet(0x82, b"\0\1" + text(f"app2dev/{did}/#") + b"\0"))
        assert self.device.recv(5)[0] == 0x90
        self.control = ("POST", product.path(f"/devices/{did}/control"), json.dumps({"attrs": {"set_temp": 20}}),
                        f"Authorization: token {product.token()}\r\nContent-Type: application/json\r\n")
        while home and not self.reaches():
            time.sleep(0.01)

    def reaches(self):
        """Another node may not have heard of the login yet."""
        self.send(*self.control)
        return self.client.recv(65536).startswith(b"HTTP/1.1 200") and self.device.recv(65536)[0] == 0x30

    def send(self, method, path, body, head=""):
        self.client.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}"
                            .encode())

    def ask(self, *request):
        self.send(*request)
        answer = self.client.recv(65536).decode()
        assert answer.startswith("HTTP/1.1 20"), answer
        return answer

    def publish(self, payload):
        """A report with QoS 1; returns with its PUBACK."""
        self.device.sendall(packet(0x32, text(f"dev2app/{self.did}") + b"\0\1" + payload))
        assert self.device.recv(4) == b"\x40\2\0\1"

    def sample(self):
        """Milliseconds from writing the request's first byte to the device having something to read."""
        began = time.perf_counter()
        self.send(*self.control)
        ready, _, _ = select.select([self.device], [], [], 30)
        took = time.perf_counter() - began
        assert ready and self.device.recv(65536)[0] == 0x30
        assert self.client.recv(65536).startswith(b"HTTP/1.1 200")
        return took * 1e3

    def samples(self, seconds):
        end, found = time.monotonic() + seconds, []
        while time.monotonic() < end:
            found.append(self.sample())
            time.sleep(0.001)  # an idle server: each finds it asleep
        return percentiles(found)

    def close(self):
        self.client.close()
        self.device.close()


DEVICES = 10000


@case("HTTP")
def control(run):
    """`POST control`, from the request's first byte to the device's socket being readable, one at a time: idle; while
    10,000 devices send a report a second each (QoS 1, 3.1.1, open loop); while they send half as many reports (open
    loop) as they can at most with one in flight each (closed loop)"""
    names = f"{run.directory}/names"
    with Muster(f"{run.directory}/data", "--device-messages", "0", "--device-bytes", "0") as muster:
        product = Product(muster)
        product.add_devices(DEVICES, names)
        with load.Reports(muster.mqtt, names, DEVICES, "window=1") as devices:
            most = devices.run(run.seconds)["per_second"]
        pair = Pair(muster, product)

        def loaded(rate):
            with load.Reports(muster.mqtt, names, DEVICES, f"interval={round(DEVICES / rate * 1e3)}") as devices:
                devices.start()
                time.sleep(1)  # the first reports activate the devices
                return pair.samples(run.seconds)

        found = run.turns(lambda: pair.samples(run.seconds), lambda: loaded(DEVICES), lambda: loaded(most / 2))
        pair.close()
    loads = {"idle": 3, "10,000 reports/s": 20, "half of the most": 20}
    for (name, p99), samples in zip(loads.items(), found):
        run.value(f"{name}: p50", "ms", samples["p50_ms"], at_most=0.3 if name == "idle" else None)
        run.value(f"{name}: p99", "ms", samples["p99_ms"], at_most=p99)
        run.curve("latency", f"control: {name}", samples["curve"][-1])
    run.value("half of the most: that is", "reports/s", [most / 2])
