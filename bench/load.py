"""The load: wrk for HTTP, devices that report, and sessions, which are devices that only stay."""

import json
import os
import subprocess
import time

from servers import BUILD, ROOT, Process, cpu_seconds

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


class Reports(Process):
    """bench/report_load: the first `count` devices of a file of names ("did,passcode" lines), all logged in to a port
    when this returns. Closed loop: window=N, so many reports unacknowledged each. Open loop: interval=MS, a report
    each so often, whatever is acknowledged. They report in `run`, or from `start` to the end of the `with`."""

    def __init__(self, port, names, count, shape, qos=1, version="3.1.1"):
        super().__init__([os.path.join(BUILD, "bench/report_load"), "127.0.0.1", str(port), names, str(count), shape,
                          str(qos), {"3.1": "3", "3.1.1": "4"}[version]],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer("ready")

    def _answer(self, what):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the devices ended without telling: {what}")
        return line

    def start(self, seconds=86400):
        self.process.stdin.write(f"run {seconds}\n")
        self.process.stdin.flush()

    def run(self, seconds):
        """sent, acked, per_second, p50_ms, p99_ms, … (report_load.c)"""
        self.start(seconds)
        return self.told()

    def told(self):
        """The same, of what `start` began, when it is over."""
        return json.loads(self._answer("what they have sent"))

    def stop(self):
        ended = self.process.poll()
        super().stop()
        if ended is not None:
            raise RuntimeError("the devices did not stay until they were to end")


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

    def __exit__(self, kind, *_):
        if kind:
            super().stop()  # it may be holding them for ten minutes
        else:
            self.stop()

    def stop(self):
        self.process.stdin.close()
        if self.process.wait(120):
            raise RuntimeError("the devices did not end well")
