"""How soon a device hears what an enterprise tells it."""

import json
import select
import socket
import statistics
import subprocess
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


class Pair:
    """An enterprise on a connection that stays open, and a device that has registered and listens."""

    def __init__(self, muster, product):
        self.client = connect(muster.http)
        answer = self.ask("POST", "/dev/devices", f"passcode=123456&mac={product.mac}&product_key={product.key}")
        did = answer.split("did=")[1][:22]
        self.device = connect(muster.mqtt)
        self.device.sendall(packet(0x10, text("MQTT") + b"\4\xc2\x0e\x10" + text(did) + text(did) + text("123456")))
        assert self.device.recv(4) == b"\x20\2\0\0"
        self.device.sendall(packet(0x82, b"\0\1" + text(f"app2dev/{did}/#") + b"\0"))
        assert self.device.recv(5)[0] == 0x90
        self.control = ("POST", product.path(f"/devices/{did}/control"), json.dumps({"attrs": {"set_temp": 20}}),
                        f"Authorization: token {product.token()}\r\nContent-Type: application/json\r\n")

    def send(self, method, path, body, head=""):
        self.client.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}"
                            .encode())

    def ask(self, *request):
        self.send(*request)
        answer = self.client.recv(65536).decode()
        assert answer.startswith("HTTP/1.1 20"), answer
        return answer

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
        cut = statistics.quantiles(found, n=1000)
        return {"p50_ms": cut[499], "p99_ms": cut[989],
                "curve": [(p, cut[round(p * 10) - 1]) for p in (1, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9)]}

    def close(self):
        self.client.close()
        self.device.close()


DEVICES = 1000


@case
def control(run):
    """`POST control`, from the request's first byte to the device's socket being readable, one at a time; idle, and
    under half of the QoS 1 reports per second that 1,000 devices can send at most"""
    with Muster(f"{run.directory}/data", "--device-messages", "0", "--device-bytes", "0") as muster:
        product = Product(muster, run.directory)
        most = load.reports(muster.pid, product, run.seconds, "--http", muster.url(""), devices=DEVICES)["per_second"]
        pair = Pair(muster, product)

        def loaded():
            interval = DEVICES / (most / 2)
            sim = subprocess.Popen(load.sim(product, "--http", muster.url(""), "--devices", str(DEVICES), "--interval",
                                            f"{interval:.6f}"), stdout=subprocess.DEVNULL)
            try:
                time.sleep(2)  # until all are there
                return pair.samples(run.seconds)
            finally:
                sim.terminate()
                sim.wait(60)

        idle, busy = run.turns(lambda: pair.samples(run.seconds), loaded)
        pair.close()
    run.value("idle: p50", "ms", idle["p50_ms"], at_most=0.3)
    run.value("idle: p99", "ms", idle["p99_ms"], at_most=3)
    run.value("under load: p50", "ms", busy["p50_ms"])
    run.value("under load: p99", "ms", busy["p99_ms"], at_most=20)
    run.value("half of the most", "reports/s", [most / 2])
    run.curve("latency", "control: idle", idle["curve"][-1])
    run.curve("latency", "control: under load", busy["curve"][-1])
