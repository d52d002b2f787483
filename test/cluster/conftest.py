"""Fixtures of the cluster's tests. Servers, devices, worlds and PostgreSQL are those of the program's tests."""

import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../program"))

from cluster import Cluster  # noqa: E402
from server import HANGS_S, PATIENCE  # noqa: E402

# No command finds a configuration file of this machine.
os.environ["MUSTER_CONFIG"] = ""


def pytest_configure(config):
    # Of the program's tests, some of which lend what they have.
    for marker in ("embedded(why)", "repeats"):
        config.addinivalue_line("markers", marker)
    # Started in the background by a shell, SIGINT is ignored, and what the tests start would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(HANGS_S * PATIENCE))


def maker(directory):
    """A generator for a fixture: makes clusters, each over a PostgreSQL of its own, and ends them all."""
    made = []

    def make(**options):
        made.append(Cluster(directory / f"cluster{len(made)}", **options))
        return made[-1].start()

    yield make
    try:
        for cluster in made:
            cluster.end()
    finally:
        for cluster in made:
            cluster.remove()


@pytest.fixture
def make_cluster(tmp_path):
    yield from maker(tmp_path)


@pytest.fixture
def cluster(make_cluster):
    return make_cluster()


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory):
    """For the tests of a module that do not disturb each other."""
    making = maker(tmp_path_factory.mktemp("shared"))
    yield next(making)()
    for _ in making:
        pass
