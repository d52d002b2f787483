"""script/cluster, as a new user runs it, and the configuration that docs/cluster.md shows."""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from server import ENOUGH_S, wait_until
from test_demo import ROOT, Demo, ask

PORTS = 11
NODES = re.compile(r"^ +node (\d): process (\d+), API (\S+), (http://\S+/metrics)$", re.M)


def free_ports():
    """The first of eleven that nobody uses, below those that the kernel gives away by itself."""
    while True:
        first = random.randrange(10000, 32000)
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + PORTS):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return first


def processes_of(directory):
    found = subprocess.run(["pgrep", "-f", directory], capture_output=True, text=True, check=False).stdout.split()
    return [int(pid) for pid in found]


@pytest.fixture
def place():
    """Where the demo makes its directory; PostgreSQL has to enter it as another user. It leaves nothing there."""
    place = tempfile.mkdtemp(prefix="muster-test-")
    os.chmod(place, 0o711)
    yield place
    os.rmdir(place)


@pytest.fixture
def demo(place):
    demo = Demo("script/cluster", str(free_ports()), TMPDIR=place)
    yield demo
    if demo.process.poll() is None:
        demo.interrupt()


def directory_of(demo):
    def said():
        found = re.search(r"^.*All is in (\S+)\. Ctrl-C", demo.output, re.M)
        assert found or demo.process.poll() is None, demo.output
        return found
    return wait_until(said, seconds=10 * ENOUGH_S, what="all that it says")[1]


def online(line):
    return ask(line.replace("limit=3", "limit=100&is_online=1"))["meta"]["total"]


def sessions(url):
    with urllib.request.urlopen(url) as answer:
        return int(re.search(r"^muster_sessions (\d+)$", answer.read().decode(), re.M)[1])


def test_calls_and_devices_go_on_when_a_node_of_the_demo_is_killed_and_nothing_is_left_of_it(demo):
    directory, line = directory_of(demo), demo.curl_line()
    nodes = NODES.findall(demo.output)
    assert [number for number, *_ in nodes] == ["1", "2", "3"]
    wait_until(lambda: online(line) == 30, what="the fleet")
    assert all(sessions(metrics) for *_, metrics in nodes)
    os.kill(int(nodes[1][1]), signal.SIGKILL)
    assert re.search(rf"^ +kill -9 {nodes[1][1]}$", demo.output, re.M)
    others = [metrics for number, *_, metrics in nodes if number != "2"]

    def moved():
        assert len(ask(line)["objects"]) == 3  # while the balancer still believes in the node, too
        return sum(map(sessions, others)) == 30
    wait_until(moved, what="all devices at the other nodes")
    wait_until(lambda: "node 2 answers again" in demo.output, what="the node again")
    os.killpg(demo.process.pid, signal.SIGINT)
    time.sleep(0.2)
    demo.interrupt()  # once more, in the middle of the end
    assert not demo.reader.is_alive() and demo.process.returncode == 0
    assert processes_of(directory) == []
    assert demo.output.count("event=stopped") == 3


def test_sigterm_in_the_middle_of_the_start_leaves_nothing(demo):
    directory = wait_until(lambda: re.search(r'event=data_directory_made path="(\S+)/node1"', demo.output),
                           seconds=10 * ENOUGH_S, what="the first node")[1]
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.wait(ENOUGH_S) == 0
    assert processes_of(directory) == []


@pytest.mark.parametrize("part, told", [("haproxy -db", "HAProxy has ended"), ("bin/postgres -D", "PostgreSQL has ended"),
                                        ("muster sim", "the fleet has ended")])
def test_a_part_that_ends_is_told_and_ends_the_rest(demo, part, told):
    directory = directory_of(demo)
    for pid in processes_of(f"{part}.*{directory}"):
        os.kill(pid, signal.SIGKILL)
    assert demo.process.wait(ENOUGH_S) == 1
    demo.reader.join(ENOUGH_S)
    assert told in demo.output
    assert processes_of(directory) == []


def test_a_port_that_is_taken_is_told_and_nothing_is_left(place):
    first = free_ports()
    with socket.create_server(("127.0.0.1", first + 5)):
        demo = Demo("script/cluster", str(first), TMPDIR=place)
        assert demo.process.wait(10 * ENOUGH_S) == 1
    demo.reader.join(ENOUGH_S)
    assert f"127.0.0.1:{first + 5}" in demo.output
    assert processes_of(place) == []


@pytest.mark.parametrize("page", ["docs/cluster.md", "docs/zh/cluster.md"])
def test_the_documentation_shows_the_configuration_that_the_demo_uses(page):
    text = Path(ROOT, page).read_text(encoding="utf-8")
    configuration = Path(ROOT, "examples/haproxy.cfg").read_text(encoding="utf-8")
    assert f"\n```haproxy\n{configuration}```\n" in text
