"""The load: wrk for HTTP, muster sim for devices. Each function runs it once and returns what it cost."""

import json
import os
import re
import subprocess
import time

from servers import MUSTER, ROOT, cpu_seconds

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
