"""muster and its peers as processes, each on a free port of 127.0.0.1, and what they use."""

import contextlib
import json
import os
import re
import secrets
import socket
import subprocess
import time
import urllib.parse
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build")
MUSTER = os.path.join(BUILD, "muster")
DEFINITION = os.path.join(ROOT, "test/datapoints/air-conditioner.json")
PAGE = os.sysconf("SC_PAGE_SIZE")


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
        with contextlib.suppress(OSError):
            total += time.clock_gettime(~p << 3 | 2)  # clock_getcpuclockid(3): finer than the ticks of /proc/PID/stat
            with open(f"/proc/{p}/task/{p}/children", encoding="ascii") as f:
                pids += [int(c) for c in f.read().split()]
    return total


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * PAGE


def own_bytes(pid):
    """Memory that the process has written: its heap and stacks, without files that are mapped and without what the
    kernel keeps for it."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return int(re.search(r"^Anonymous: +(\d+) kB", f.read(), re.M).group(1)) * 1024


class Process:
    """Ends with the `with` in which it was started."""

    def __init__(self, args, **options):
        # Ctrl-C reaches the benchmark alone, which ends all the rest in its order.
        self.process = subprocess.Popen(args, start_new_session=True, **options)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(120)


class Muster(Process):
    """A server on a directory that may be there already."""

    def __init__(self, data, *options, program=(MUSTER, "serve"), **popen):
        self.data = data
        super().__init__([*program, "--data", data, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--ops",
                          "127.0.0.1:0", "--log-level", "error", *options], stdout=subprocess.PIPE, text=True, **popen)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("muster did not start")
        ready = dict(re.findall(r"(\w+)=127\.0\.0\.1:(\d+)", line))
        self.http, self.mqtt, self.ops = int(ready["http"]), int(ready["mqtt"]), int(ready["ops"])

    def url(self, path):
        return f"http://127.0.0.1:{self.http}{path}"

    def apply(self, content):
        subprocess.run([MUSTER, "apply", "--data", self.data, "-"], input=json.dumps(content), text=True, check=True,
                       stdout=subprocess.DEVNULL)


class Product:
    """An enterprise with one product and one device, as a configuration tells it."""

    mac = "accf2350d446"

    def __init__(self, muster):
        self.muster = muster
        self.ids = {name: secrets.token_hex(16) for name in
                    ("enterprise_id", "enterprise_secret", "product_key", "product_secret")}
        self.key = self.ids["product_key"]
        with open(DEFINITION, encoding="utf-8") as f:
            datapoint = {**json.load(f), "product_key": self.key}
        muster.apply({
            "enterprises": [{"enterprise_id": self.ids["enterprise_id"], "name": "Bench",
                             "enterprise_secret": self.ids["enterprise_secret"], "hourly_quota": 1000000000,
                             "product_keys": [self.key]}],
            "products": [{"product_key": self.key, "product_secret": self.ids["product_secret"], "name": "Bench",
                          "remote_control": True, "datapoint": datapoint}],
            "devices": [{"product_key": self.key, "mac": self.mac, "passcode": "123456"}]})

    def add_devices(self, count, names):
        """So many more, with their "did,passcode" lines in the file `names`."""
        letters = str.maketrans("01", "xy")  # a did has neither 0 nor 1
        devices = [{"product_key": self.key, "mac": f"{i:012x}", "did": f"{i:022}".translate(letters),
                    "passcode": f"{i:010}"} for i in range(1, count + 1)]
        self.muster.apply({"devices": devices})
        with open(names, "w", encoding="ascii") as f:
            f.writelines(f"{device['did']},{device['passcode']}\n" for device in devices)

    def path(self, rest):
        return f"/v1/products/{self.key}{rest}"

    def token(self):
        body = json.dumps({k: v for k, v in self.ids.items() if k != "product_key"}).encode()
        asked = urllib.request.Request(self.muster.url(self.path("/access_token")), body)
        with urllib.request.urlopen(asked) as answer:
            return json.load(answer)["token"]


def nginx(directory, path, content, head):
    """nginx answering one path with a constant, with as many header lines as muster sends."""
    port = free_port()
    headers = "".join(f"add_header {name} '{value}';" for name, value in head)
    config = os.path.join(directory, "nginx.conf")
    answer = f"return 200 '{content}';"
    if len(content) > 4000:  # a word of its configuration has less than 4 KiB
        with open(os.path.join(directory, "constant"), "w", encoding="utf-8") as f:
            f.write(content)
        answer = f"alias {f.name};"
    user = "" if os.geteuid() else "user root; "  # it is to read what is only ours
    with open(config, "w", encoding="utf-8") as f:
        f.write(f"""{user}daemon off; pid {directory}/nginx.pid; worker_processes 2; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{ access_log off; sendfile on; open_file_cache max=8; keepalive_requests 100000000; server_tokens off; default_type application/json;
  client_body_temp_path {directory}/b; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f;
  uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  server {{ listen 127.0.0.1:{port} reuseport; location = {path} {{ {headers} {answer} }} }} }}
""")
    return _peer(["/usr/sbin/nginx", "-c", config, "-p", directory], port)


def nginx_like(directory, url, headers):
    """nginx answering the path of a URL with the constant that the URL is answered with now."""
    asked = urllib.request.Request(url, headers=dict(h.split(": ", 1) for h in headers))
    with urllib.request.urlopen(asked) as answer:
        head = [(n, v) for n, v in answer.headers.items() if n.lower().startswith("x-")]
        return nginx(directory, urllib.parse.urlsplit(url).path, answer.read().decode(), head)


def mosquitto(directory):
    """mosquitto that keeps nothing and limits nothing."""
    port = free_port()
    config = os.path.join(directory, "mosquitto.conf")
    with open(config, "w", encoding="utf-8") as f:
        f.write(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n"
                "max_inflight_messages 0\nmax_queued_messages 0\nlog_type error\n")
    return _peer(["/usr/sbin/mosquitto", "-c", config], port)


def _peer(args, port):
    peer = Process(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peer.port = port
    wait_for_port(port)
    return peer
