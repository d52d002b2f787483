"""The log on stderr: whoever reads it, or no longer does, keeps nobody waiting."""

import fcntl
import re
import signal
import threading

import pytest

from server import ENOUGH_S, Server, wait_until
from world import World, request

SMALLEST_PIPE = 4096


class Stalled(Server):
    """A server whose stderr is not read before go_on is set."""

    def __init__(self, *args, **keywords):
        super().__init__(*args, **keywords)
        self.go_on = threading.Event()

    def _read_log(self, stream):
        fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)
        self.go_on.wait()
        super()._read_log(stream)


@pytest.fixture
def stalled(tmp_path):
    server = Stalled(tmp_path / "data").start()
    yield server
    server.go_on.set()
    assert server.stop() == 0


def send_controls(world, did, count):
    """Each is a line in the log. None finds its device."""
    for _ in range(count):
        assert world.control(did, attrs={"switch": 1}).status != 200


def control_lines(server):
    return [line for line in server.log if " event=control " in line]


def lines_told_lost(server):
    return sum(int(re.search(r"lines=(\d+)", line)[1]) for line in server.log if " event=log_lost " in line)


def metric(server, name):
    return int(re.search(rf"^muster_{name} (\d+)$", request(server.ops, "GET", "/metrics").body.decode(), re.M)[1])


def test_a_stalled_reader_of_the_log_stops_nobody_and_misses_nothing_that_waited(stalled):
    world = World(stalled)
    did, _ = world.register()
    send_controls(world, did, 3 * SMALLEST_PIPE // 100)
    assert metric(stalled, "log_lost_lines_total") == 0
    stalled.go_on.set()
    wait_until(lambda: len(control_lines(stalled)) == 3 * SMALLEST_PIPE // 100, what="all lines")
    assert all(re.fullmatch(r"time=\S+ level=\w+ event=.*\n", line) for line in stalled.log)


def test_lines_for_which_there_is_no_room_are_counted_and_told(stalled):
    world = World(stalled)
    did, _ = world.register()
    sent = 0
    while metric(stalled, "log_lost_lines_total") == 0:
        send_controls(world, did, 200)
        sent += 200
    stalled.go_on.set()
    wait_until(lambda: len(control_lines(stalled)) + lines_told_lost(stalled) == sent, what="the count of lost lines")
    assert lines_told_lost(stalled) == metric(stalled, "log_lost_lines_total")
    assert all(re.fullmatch(r"time=\S+ level=\w+ event=.*\n", line) for line in stalled.log)


def test_a_server_whose_log_nobody_reads_ends_all_the_same(stalled):
    world = World(stalled)
    did, _ = world.register()
    send_controls(world, did, 3 * SMALLEST_PIPE // 100)
    stalled.process.send_signal(signal.SIGTERM)
    assert stalled.process.wait(ENOUGH_S) == 0


def test_the_last_lines_of_a_server_come_out(make_server):
    server = make_server()
    assert server.stop() == 0
    wait_until(lambda: server.log and " event=stopped " in server.log[-1], what="the last line")


def test_the_stderr_that_others_share_keeps_its_flags(make_server):
    server = make_server()
    flags = open(f"/proc/{server.process.pid}/fdinfo/2", encoding="ascii").read()
    assert int(re.search(r"flags:\s*(\d+)", flags)[1], 8) & 0o4000 == 0
