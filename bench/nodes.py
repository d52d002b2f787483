"""PostgreSQL of the benchmarks' own, on a disk and with its sync on, and nodes of muster over one of its databases."""

import contextlib
import os
import re
import subprocess
import sys
import urllib.request

from servers import BUILD, MUSTER, ROOT, Muster, cpu_seconds

sys.path.append(os.path.join(ROOT, "test/program"))
from postgres import Postgres  # noqa: E402  (the tests' one)

COPY_BENCH = os.path.join(BUILD, "bench/copy_bench")
# fsync, full_page_writes and synchronous_commit are on by default. Memory and log as a machine would have them that is
# there for the database (docs/cluster.md).
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB"}


@contextlib.contextmanager
def postgres(directory):
    kind = subprocess.run(["stat", "-f", "-c", "%T", directory], check=True, capture_output=True, text=True).stdout.strip()
    if kind == "tmpfs":
        raise RuntimeError(f"{directory} is in memory, where a sync costs nothing: set TMPDIR")
    os.chmod(directory, 0o711)  # PostgreSQL runs as another user
    server = Postgres(within=directory, **SETTINGS)
    try:
        yield server.start()
    finally:
        server.end()


def whole_cpu(server):
    """Of PostgreSQL with everything it has done: its processes that run, and those that have ended."""
    with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as f:
        ended = f.read().rsplit(")", 1)[1].split()[13:15]  # cutime and cstime
    return cpu_seconds(server.process.pid) + sum(map(int, ended)) / os.sysconf("SC_CLK_TCK")


def make_database(server, database):
    server.execute(f"CREATE DATABASE {database}")
    subprocess.run([MUSTER, "migrate", "--quiet", "--store", server.uri(database)], check=True)
    return server.uri(database)


class Nodes:
    """So many over a database that is there; [0] to [count - 1]. They end with the `with`."""

    def __init__(self, server, database, directory, count):
        self.server, self.database, self.uri = server, database, server.uri(database)
        self.stack = contextlib.ExitStack()
        self.nodes = []
        with contextlib.ExitStack() as failed:
            failed.push(self.stack)
            for n in range(count):
                self.nodes.append(self.stack.enter_context(
                    Muster(f"{directory}/{database}-{n}", "--store", self.uri, "--device-messages", "0", "--device-bytes",
                           "0", "--product-registrations", "0")))
            failed.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def __getitem__(self, n):
        return self.nodes[n]

    def __len__(self):
        return len(self.nodes)

    def cpu(self):
        """Of all nodes; of PostgreSQL with everything it does."""
        return sum(cpu_seconds(node.pid) for node in self.nodes), cpu_seconds(self.server.process.pid)

    def number(self, query):
        with contextlib.closing(self.server.connect(self.database)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return float(cursor.fetchone()[0])


def commits(nodes):
    """So far, of some nodes: {upper end of a bucket in ms: how many commits took at most so long}; and how many
    reports they have committed, {result: count}."""
    buckets, reports = {}, {}
    for node in nodes:
        with urllib.request.urlopen(f"http://127.0.0.1:{node.ops}/metrics") as answer:
            page = answer.read().decode()
        for end, count in re.findall(r'^muster_commit_duration_seconds_bucket\{le="([^"]+)"\} (\d+)$', page, re.M):
            buckets[float(end) * 1e3] = buckets.get(float(end) * 1e3, 0) + int(count)
        for result, count in re.findall(r'^muster_reports_total\{result="(\w+)"\} (\d+)$', page, re.M):
            reports[result] = reports.get(result, 0) + int(count)
    return buckets, reports


def percentile_ms(before, after, p):
    """Between the ends of the bucket that has it, evenly."""
    low = below = 0
    total = max(after.values()) - max(before.values())
    for end in sorted(after):
        count = after[end] - before.get(end, 0)
        if count >= total * p / 100:
            return low if end == float("inf") else low + (end - low) * (total * p / 100 - below) / (count - below or 1)
        low, below = end, count
    return low
