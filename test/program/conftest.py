"""Fixtures of the program's tests, and what holds for the whole of a run: names of cases, distribution over
workers, the gathering of refusals."""

import os
import re
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

import clock
import refusals
from postgres import Cluster, Databases, Postgres
from server import DATABASES, HANGS_S, OVER_POSTGRES, PATIENCE, Server, run
from world import World

LONGEST_NAME = 40
WRONG = pytest.StashKey()
CLUSTER = pytest.StashKey()
# Files that take long begin first, so that no worker is left alone with one at the end.
LONG_FILES = ["test_half_open.py", "test_damage.py", "test_sessions.py", "test_http.py", "test_any_request.py"]

# No command finds a configuration file of this machine.
os.environ["MUSTER_CONFIG"] = ""

# libfaketime needs memory before it can tell the time, and AddressSanitizer's allocator sometimes asks for the time: the
# program would hang before main(). An allocator that never gives memory back does not ask.
os.environ["ASAN_OPTIONS"] = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"),
                                                    "allocator_release_to_os_interval_ms=-1"]))


def pytest_make_parametrize_id(val):
    """A case is named alike in every worker, shortly, and without what a terminal cannot show."""
    if isinstance(val, bytes):
        val = val.hex()
    if isinstance(val, str):
        return re.sub(r"[^ -~]", lambda c: c[0].encode("unicode_escape").decode(), val)[:LONGEST_NAME]
    return None  # as pytest names it


def pytest_collection_modifyitems(items):
    rank = {name: n for n, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))
    for item in items:
        embedded = item.get_closest_marker("embedded")
        if embedded and OVER_POSTGRES:
            item.add_marker(pytest.mark.skip(reason=f"embedded stores only: {embedded.args[0]}"))
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(HANGS_S * PATIENCE))


# --- refusals: a worker hands over what it has met, the run that has all of them compares ---
def is_worker(config):
    return hasattr(config, "workerinput")


class OfWorkers:
    """Registered only where there is pytest-xdist, which brings these hooks."""

    @staticmethod
    def pytest_configure_node(node):
        if OVER_POSTGRES:
            node.workerinput["postgres"] = DATABASES.postgres.directory

    @staticmethod
    def pytest_testnodedown(node):
        output = getattr(node, "workeroutput", {})
        refusals.MET.update(map(tuple, output.get("refusals", ())))
        refusals.FILES.update(output.get("files", ()))


def pytest_configure(config):
    config.addinivalue_line("markers", "embedded(why): concerns the files of embedded stores; skipped with MUSTER_STORE=postgres")
    config.addinivalue_line("markers", "repeats: runs code that another test runs, on other data: once, without sanitizers")
    # Started in the background by a shell, SIGINT is ignored, and what the tests start would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(OfWorkers)
    if OVER_POSTGRES:
        begin_postgres(config)


# --- MUSTER_STORE=postgres: one cluster for the run, a database for each server ---
def begin_postgres(config):
    if is_worker(config):
        DATABASES.postgres = Cluster(config.workerinput["postgres"])
        return
    cluster = config.stash[CLUSTER] = Postgres()
    DATABASES.postgres = cluster.start()
    cluster.execute(f"CREATE DATABASE {Databases.TEMPLATE}")
    done = run("migrate", "--store", cluster.uri(Databases.TEMPLATE))
    if done.returncode:
        pytest.exit(f"muster migrate: {done.stderr}", pytest.ExitCode.USAGE_ERROR)


def pytest_unconfigure(config):
    if not is_worker(config):
        clock.tidy()
    if CLUSTER in config.stash:
        config.stash[CLUSTER].end()


def pytest_collection_finish(session):
    refusals.FILES.update(item.path.name for item in session.items)


def pytest_sessionfinish(session):
    if is_worker(session.config):
        session.config.workeroutput.update(refusals=[list(row) for row in refusals.MET], files=list(refusals.FILES))
    elif session.exitstatus == pytest.ExitCode.OK and not session.config.option.collectonly and refusals.whole_suite():
        wrong = refusals.differences()
        session.config.stash[WRONG] = wrong
        if wrong:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    wrong = config.stash.get(WRONG, [])
    if wrong:
        terminalreporter.section("refusals")
        terminalreporter.write_line("\n".join(wrong))


@pytest.fixture
def open_path():
    """A directory that every user of this machine may enter, which pytest lets nobody do with tmp_path."""
    path = Path(tempfile.mkdtemp(prefix="muster-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def maker(directory):
    """A generator for a fixture: starts servers, each on a directory of its own, and ends them all. A clean end is
    part of every test."""
    started = []

    def make(*options, data=None, **keywords):
        server = Server(data or directory(), *options, **keywords)
        started.append(server)
        return server.start()

    yield make
    for server in started:
        server.end()
    for server in started:
        DATABASES.drop(server.data)


@pytest.fixture
def make_server(tmp_path):
    yield from maker(lambda: tmp_path / "data")


@pytest.fixture(scope="module")
def make_shared_server(tmp_path_factory):
    """For the tests of a module that do not disturb each other."""
    yield from maker(lambda: tmp_path_factory.mktemp("shared") / "data")


@pytest.fixture(scope="module")
def shared_server(make_shared_server):
    return make_shared_server()


@pytest.fixture
def server(make_server):
    return make_server()


@pytest.fixture
def world(shared_server):
    """A fresh enterprise and product on the module's server."""
    return World(shared_server)
