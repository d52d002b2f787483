"""The load: wrk for HTTP, muster sim for devices that report: each function runs it once and returns what it cost.
Sessions are devices that stay."""

import json
import os
import re
import subprocess
import time

from servers import BUILD, MUSTER, ROOT, Process, cpu_seconds

SCRIPT = os.path.join(ROOT, "bench/wrk.lua")


def http(pid, base, paths, headers, seconds, connections, file):
    """wrk asking for the paths in turn. per_second, cpu_us per request, p50_ms, p99_ms, and the latencies as a
    curve [(percentile, ms), …]. `file` is written: the paths for wrk."""
    with open(file, "w", encoding="utf-8") as f:
        f.write("\n".join(paths))
    args = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", SCRIPT, base + paths[0]]
    for header in headers:
        args += ["-H", header]
    before, began = cpu_seconds(pid), time.monotonic()
    text = subprocess.run(args + ["--", file], check=True, capture_output=True, text=True).stdout
    spent, lasted = cpu_seconds(pid) - before, time.monotonic() - began
    found = json.loads(text.rsplit("summary ", 1)[1])
    if found["failed"] or not found["requests"]:
        raise RuntimeError(f"{found['failed']} of {found['requests']} requests failed: {paths[0]}")
    at = dict(found["latency_ms"])
    return {"per_second": found["requests"] / lasted, "cpu_us": spent / found["requests"] * 1e6,
            "p50_ms": at[50], "p99_ms": at[99], "curve": found["latency_ms"]}


def sim(product, *options):
    """The command of devices that report at QoS 1, in the words of most of the world's clients."""
    return [MUSTER, "sim", "--product-key", product.key, "--definition", product.definition, "--qos", "1",
            "--mqtt-version", "3.1.1", "--connect-rate", "5000", *options]


def reports(pid, product, seconds, *options, devices=100):
    """So many devices reporting as fast as acknowledgements come. per_second, cpu_us per report."""
    before = cpu_seconds(pid)
    text = subprocess.run(sim(product, "--devices", str(devices), "--interval", "0", "--duration", str(seconds),
                              *options), check=False, capture_output=True, text=True).stdout
    found = re.search(r"acknowledged=([1-9]\d*) .*per_second=(\d+)", text)
    if not found:
        raise RuntimeError(f"nothing was acknowledged: {text}")
    return {"per_second": float(found.group(2)),
            "cpu_us": (cpu_seconds(pid) - before) / int(found.group(1)) * 1e6}


class Sessions(Process):
    """bench/session_load: idle devices that log in to `mqtt` ("ADDR:PORT") as they are told."""

    def __init__(self, product_key, count, mqtt, http="-", names="-"):
        super().__init__([os.path.join(BUILD, "bench/session_load"), product_key, str(count), mqtt, http, names],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def connect(self, count):
        """Until the first `count` devices are there; the seconds it took."""
        answer = self._ask(f"connect {count}")
        if answer["connected"] != count or answer["closed"]:
            raise RuntimeError(f"not all of {count} devices came and stayed: {answer}")
        return answer["seconds"]

    def hold(self, seconds):
        """{pings, pongs, closed}: heartbeats sent and answered so far, sessions that the server has closed"""
        return self._ask(f"hold {seconds}")

    def stop(self):
        self.process.stdin.close()
        if self.process.wait(120):
            raise RuntimeError("the devices did not end well")
