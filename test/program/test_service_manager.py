"""What the server tells a service manager (systemd's Type=notify), which a socket of the test's own stands for."""

import re
import signal
import socket

import pytest

from server import ENOUGH_S

READY = rb"READY=1"
RELOADING = rb"RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*"
STOPPING = rb"STOPPING=1"


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    name = str(tmp_path / "notify") if request.param == "path" else f"@muster-test-{tmp_path}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(re.sub("^@", "\0", name))
        listening.settimeout(ENOUGH_S)
        yield name, lambda: listening.recv(4096)


def test_a_service_manager_is_told_of_start_reload_and_stop(make_server, manager):
    name, told = manager
    server = make_server(env={"NOTIFY_SOCKET": name})
    assert re.fullmatch(READY, told())
    server.process.send_signal(signal.SIGHUP)
    assert re.fullmatch(RELOADING, told()) and re.fullmatch(READY, told())
    server.stop()
    assert re.fullmatch(STOPPING, told())


@pytest.mark.parametrize("name", ["/nonexistent/notify", "relative", "/" + "x" * 200])
def test_a_service_manager_that_does_not_listen_is_logged_and_does_no_harm(make_server, name):
    server = make_server(env={"NOTIFY_SOCKET": name})
    server.stop()
    assert "event=service_manager_not_notified" in server.log_text()
