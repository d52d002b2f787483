"""Another host, for what cannot be seen from this one's loopback."""

import contextlib
import ctypes
import os
import subprocess

import pytest

CLONE_NEWNET = 0x40000000


class Neighbour:
    """A host beside this one: a network namespace at the other end of a wire."""

    def __init__(self):
        self.name = f"muster{os.getpid()}"
        self.plug, self.wire = (f"mu{os.getpid()}{end}" for end in "ab")
        self.here, self.there = (f"198.18.{os.getpid() % 256}.{n}" for n in (1, 2))

    def plug_in(self):
        for command in (f"netns add {self.name}",
                        f"link add {self.plug} type veth peer name {self.wire} netns {self.name}",
                        f"address add {self.here}/30 dev {self.plug}",
                        f"link set {self.plug} up",
                        f"-n {self.name} address add {self.there}/30 dev {self.wire}",
                        f"-n {self.name} link set {self.wire} up"):
            subprocess.run(["ip", *command.split()], check=True, capture_output=True)

    def unplug(self):
        """The wire goes with one of its ends; sockets that are open over there keep the other."""
        for command in (f"link delete {self.plug}", f"netns delete {self.name}"):
            subprocess.run(["ip", *command.split()], capture_output=True, check=False)

    def lose_power(self):
        """Nothing comes from over there any more, not even a reset."""
        subprocess.run(["ip", "-n", self.name, "link", "set", self.wire, "down"], check=True, capture_output=True)

    @contextlib.contextmanager
    def at_work(self):
        """What opens a socket in here opens it over there."""
        with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{self.name}", "rb") as away:
            self.enter(away)
            try:
                yield
            finally:
                self.enter(home)

    @staticmethod
    def enter(namespace):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


@pytest.fixture
def neighbour():
    host = Neighbour()
    try:
        host.plug_in()
    except (OSError, subprocess.CalledProcessError):
        host.unplug()
        pytest.skip("a network namespace needs root")
    yield host
    host.unplug()
