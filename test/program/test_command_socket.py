"""Commands reach the server through its socket, each by itself: whoever only reads does not wait for another one's
large file, and those that change something come one after the other."""

import contextlib
import json
import os
import resource
import socket
import subprocess
import threading
import time

import pytest

from server import ENOUGH_S, muster, run, wait_until
from world import REPORT, World, hex_id

MANY = 100000


def devices(product_key, count, first=0):
    return {"devices": [{"product_key": product_key, "mac": f"{n:012x}", "passcode": "p"} for n in range(first, first + count)]}


def worked_s(server, thread="command"):
    """The longest time on a processor of those of the server's threads that have this name."""
    tasks = f"/proc/{server.process.pid}/task"
    used = [0.0]
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/stat", encoding="ascii") as f:
            name, _, fields = f.read().partition("(")[2].rpartition(")")
        if name == thread:
            used.append(sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK"))
    return max(used)


def apply_in_background(server, path, content):
    """Returns when the server is in the midst of it: it takes far less to read than to do."""
    path.write_text(json.dumps(content))
    with open(path.with_suffix(".out"), "w", encoding="utf-8") as out:
        process = subprocess.Popen(muster("apply", "--data", server.data, "--json", path), stdout=out)
    wait_until(lambda: worked_s(server) >= 0.3, what="the server to have begun")
    return process


def applied(path):
    return json.loads(path.with_suffix(".out").read_text())["devices"]


def test_who_only_reads_does_not_wait_for_a_large_file(world, tmp_path):
    server = world.server
    did, _ = world.register("aabbccddeeff")
    process = apply_in_background(server, tmp_path / "many.json", devices(world.product_key, MANY))
    for command in (("status",), ("device", did), ("list", "products"), ("show", "product", world.product_key), ("audit",),
                    ("export", "groups")):
        assert run(*command, "--data", server.data).returncode == 0, command
    assert process.poll() is None, "the file was too small to show anything"
    assert process.wait(ENOUGH_S) == 0 and applied(tmp_path / "many.json")["created"] == MANY


def test_changes_come_one_after_the_other(world, tmp_path):
    server = world.server
    first = apply_in_background(server, tmp_path / "many.json", devices(world.product_key, MANY // 2))
    second = run("apply", "--data", server.data, "--json", "-",
                 input=json.dumps(devices(world.product_key, 2, first=MANY // 2 - 1)))
    assert first.wait(ENOUGH_S) == 0
    assert applied(tmp_path / "many.json") == {"created": MANY // 2, "updated": 0, "unchanged": 0}
    assert json.loads(second.stdout)["devices"] == {"created": 1, "updated": 0, "unchanged": 1}


def test_a_client_that_never_comes_to_its_end_keeps_nobody_waiting(server):
    World(server)
    over = threading.Event()
    with socket.socket(socket.AF_UNIX) as slow:
        slow.connect(os.path.join(server.data, "control.sock"))
        slow.sendall(b"apply\n1000000\n")

        def trickle():
            while not over.wait(0.2):
                slow.sendall(b" ")

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            for command in (("status",), ("revoke", "enterprise", hex_id())):
                assert run(*command, "--data", server.data).returncode in (0, 2)
        finally:
            over.set()
            thread.join()


CLIENTS_MAX = 64


@contextlib.contextmanager
def silent_clients(server, count):
    """So many connect, and say nothing."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(os.path.join(server.data, "control.sock"))
        yield


@pytest.mark.parametrize("size", [100, 10_000_000])  # all of it is sent before the answer comes, or not
def test_a_client_too_many_is_told_so(server, tmp_path, size):
    path = tmp_path / "file.json"
    path.write_text("{}" + size * " ")
    with silent_clients(server, CLIENTS_MAX):
        result = run("apply", "--data", server.data, path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"muster apply: {path}: too many commands are running in the server; try again\n"
    assert run("apply", "--data", server.data, path).returncode == 0


def test_without_a_descriptor_for_a_client_the_server_waits_at_rest(make_server):
    server = make_server()
    World(server).device(level=4).report(REPORT, qos=1)  # and the journal has opened the files of this day
    descriptors = len(os.listdir(f"/proc/{server.process.pid}/fd")) + CLIENTS_MAX // 2
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (descriptors, descriptors))
    with silent_clients(server, CLIENTS_MAX):
        before, until = worked_s(server, "commands"), time.process_time() + 0.5
        while time.process_time() < until:  # who has a processor for so long leaves one to the server, too
            pass
        assert worked_s(server, "commands") - before <= 0.05
    assert run("status", "--data", server.data).returncode == 0
