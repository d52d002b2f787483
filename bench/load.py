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


def reports(pid, product_key, definition, seconds, *options):
    """100 devices reporting at QoS 1 as fast as acknowledgements come. per_second, cpu_us per report."""
    before = cpu_seconds(pid)
    text = subprocess.run([MUSTER, "sim", "--devices", "100", "--window", "100", "--interval", "0", "--qos", "1",
                           "--mqtt-version", "3.1.1", "--duration", str(seconds), "--product-key", product_key,
                           "--definition", definition, *options],
                          check=False, capture_output=True, text=True).stdout
    acked = int(re.search(r"acknowledged=(\d+)", text).group(1))
    if not acked:
        raise RuntimeError(f"nothing was acknowledged: {text}")
    return {"per_second": float(re.search(r"per_second=(\d+)", text).group(1)),
            "cpu_us": (cpu_seconds(pid) - before) / acked * 1e6}
