"""The benchmarks: muster and a peer on the same machine, taking turns, medians of five rounds.

These machines are shared and noisy, so what counts is the ratio within a run and the CPU time per
operation, which other tenants disturb least."""

import argparse
import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MUSTER = os.path.join(ROOT, "build/muster")
ROUNDS = 5
SECONDS = 4
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


def cpu_seconds(pid):
    """Of a process and its children, so far."""
    total = 0.0
    pids = [pid]
    while pids:
        p = pids.pop()
        with contextlib.suppress(FileNotFoundError):
            with open(f"/proc/{p}/stat", encoding="ascii") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / TICK
            with open(f"/proc/{p}/task/{p}/children", encoding="ascii") as f:
                pids += [int(c) for c in f.read().split()]
    return total


class Muster:
    """A server with one product on a directory of its own."""

    def __init__(self, directory, *options):
        self.data = os.path.join(directory, "data")
        self.process = subprocess.Popen(
            [MUSTER, "serve", "--data", self.data, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--ops",
             "127.0.0.1:0", "--log-level", "warn", *options], stdout=subprocess.PIPE, text=True)
        ready = dict(re.findall(r"(\w+)=127\.0\.0\.1:(\d+)", self.process.stdout.readline()))
        self.http, self.mqtt = int(ready["http"]), int(ready["mqtt"])
        self.pid = self.process.pid
        self.ids = {name: secrets.token_hex(16) for name in
                    ("enterprise_id", "enterprise_secret", "product_key", "product_secret")}
        self.definition = os.path.join(directory, "definition.json")
        shutil.copy(os.path.join(ROOT, "test/datapoints/air-conditioner.json"), self.definition)
        with open(self.definition, encoding="utf-8") as f:
            datapoint = {**json.load(f), "product_key": self.ids["product_key"]}
        content = {
            "enterprises": [{"enterprise_id": self.ids["enterprise_id"], "name": "Bench",
                             "enterprise_secret": self.ids["enterprise_secret"], "hourly_quota": 1000000000,
                             "product_keys": [self.ids["product_key"]]}],
            "products": [{"product_key": self.ids["product_key"], "product_secret": self.ids["product_secret"],
                          "name": "Bench", "remote_control": True, "datapoint": datapoint}],
            "devices": [{"product_key": self.ids["product_key"], "mac": "accf2350d446", "passcode": "123456"}],
        }
        subprocess.run([MUSTER, "apply", "--data", self.data, "-"], input=json.dumps(content), text=True, check=True,
                       stdout=subprocess.DEVNULL)

    def token(self):
        body = json.dumps({k: v for k, v in self.ids.items() if k != "product_key"}).encode()
        url = f"http://127.0.0.1:{self.http}/v1/products/{self.ids['product_key']}/access_token"
        with urllib.request.urlopen(urllib.request.Request(url, body)) as answer:
            return json.load(answer)["token"]

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


class Peer:
    def __init__(self, args, port):
        self.process = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        self.port = port
        wait_for_port(port)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def start_nginx(directory, path, content, head):
    """nginx answering one path with a constant, with as many header lines as muster sends."""
    port = free_port()
    headers = "".join(f"add_header {name} '{value}';" for name, value in head)
    config = os.path.join(directory, "nginx.conf")
    with open(config, "w", encoding="utf-8") as f:
        f.write(f"""daemon off; pid {directory}/nginx.pid; worker_processes 2; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000; server_tokens off; default_type application/json;
  client_body_temp_path {directory}/b; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f;
  uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  server {{ listen 127.0.0.1:{port} reuseport; location = {path} {{ {headers} return 200 '{content}'; }} }} }}
""")
    return Peer(["/usr/sbin/nginx", "-c", config, "-p", directory], port)


def start_mosquitto(directory):
    port = free_port()
    config = os.path.join(directory, "mosquitto.conf")
    with open(config, "w", encoding="utf-8") as f:
        f.write(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n"
                "max_inflight_messages 0\nmax_queued_messages 0\nlog_type error\n")
    return Peer(["/usr/sbin/mosquitto", "-c", config], port)


def wrk(url, headers):
    args = ["wrk", "-t1", "-c64", f"-d{SECONDS}s", url]
    for header in headers:
        args += ["-H", header]
    text = subprocess.run(args, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in text, text
    return int(re.search(r"(\d+) requests in", text).group(1))


def measure_http(pid, url, headers):
    """(requests per second, CPU microseconds per request)"""
    before, began = cpu_seconds(pid), time.monotonic()
    requests = wrk(url, headers)
    return requests / (time.monotonic() - began), (cpu_seconds(pid) - before) / requests * 1e6


def case_device_detail(directory):
    """GET device_detail with a token, 64 connections: CPU per request against nginx answering the same
    body as a constant"""
    muster = Muster(directory)
    path = f"/v1/products/{muster.ids['product_key']}/device_detail"
    url = f"http://127.0.0.1:{muster.http}{path}?mac=accf2350d446"
    headers = [f"Authorization: token {muster.token()}"]
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict(h.split(": ") for h in headers))) as answer:
        body = answer.read().decode()
        own = [(n, v) for n, v in answer.headers.items() if n.lower().startswith("x-")]
    nginx = start_nginx(directory, path, body, own)
    results = {"muster": [], "nginx": []}
    for _ in range(ROUNDS):
        results["muster"].append(measure_http(muster.pid, url, headers))
        results["nginx"].append(measure_http(nginx.pid, f"http://127.0.0.1:{nginx.port}{path}?mac=accf2350d446", headers))
    nginx.stop()
    muster.stop()
    return results, "requests", "nginx", 1.2, None


def simulate(pid, *options):
    """(acknowledged reports per second, the server's CPU microseconds per report)"""
    before = cpu_seconds(pid)
    text = subprocess.run([MUSTER, "sim", "--devices", "100", "--window", "100", "--interval", "0", "--qos", "1",
                           "--mqtt-version", "3.1.1", "--duration", str(SECONDS), *options],
                          check=False, capture_output=True, text=True).stdout
    acked = int(re.search(r"acknowledged=(\d+)", text).group(1))
    assert acked, text
    return float(re.search(r"per_second=(\d+)", text).group(1)), (cpu_seconds(pid) - before) / acked * 1e6


def case_durable_reports(directory):
    """QoS 1 reports, decoded, stored and synced before their PUBACK: messages per second against
    mosquitto, persistence off, merely acknowledging the same publishes"""
    muster = Muster(directory, "--device-messages", "0", "--device-bytes", "0")
    mosquitto = start_mosquitto(directory)
    common = ["--product-key", muster.ids["product_key"], "--definition", muster.definition]
    results = {"muster": [], "mosquitto": []}
    for _ in range(ROUNDS):
        results["muster"].append(simulate(muster.pid, "--http", f"http://127.0.0.1:{muster.http}", *common))
        results["mosquitto"].append(simulate(mosquitto.pid, "--plain-broker", "--mqtt",
                                             f"127.0.0.1:{mosquitto.port}", *common))
    mosquitto.stop()
    muster.stop()
    return results, "reports", "mosquitto", None, 1.0


CASES = {"device_detail": case_device_detail, "durable_reports": case_durable_reports}


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    return f"{os.cpu_count()} × {model.group(1) if model else 'unknown CPU'}, Linux {os.uname().release}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", nargs="*", choices=[*CASES, []], help="only these")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    if arguments.list:
        for name, case in CASES.items():
            print(f"{name}: {' '.join(case.__doc__.split())}")
        return 0
    print(f"machine: {machine()}; medians of {ROUNDS} rounds of {SECONDS} s, taking turns\n")
    print(f"{'case':16} {'who':10} {'per second':>12} {'CPU µs each':>12}   ratio to the peer")
    missed = False
    for name in arguments.case or CASES:
        with tempfile.TemporaryDirectory() as directory:
            results, what, peer, cpu_at_most, rate_at_least = CASES[name](directory)
        median = {who: (statistics.median(r[0] for r in rows), statistics.median(r[1] for r in rows))
                  for who, rows in results.items()}
        rate = statistics.median(a[0] / b[0] for a, b in zip(results["muster"], results[peer]))
        cpu = statistics.median(a[1] / b[1] for a, b in zip(results["muster"], results[peer]))
        for who in ("muster", peer):
            ratio = f"{rate:.2f}× {what}/s, {cpu:.2f}× CPU" if who == "muster" else ""
            print(f"{name if who == 'muster' else '':16} {who:10} {median[who][0]:12,.0f} {median[who][1]:12.2f}   {ratio}")
        for text, reached in ((f"CPU at most {cpu_at_most}×", cpu_at_most is None or cpu <= cpu_at_most),
                              (f"rate at least {rate_at_least}×", rate_at_least is None or rate >= rate_at_least)):
            if "None" not in text:
                print(f"{'':16} to reach: {text}: {'reached' if reached else 'MISSED'}")
                missed = missed or not reached
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
