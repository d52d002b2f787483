import pytest

from server import Server
from world import World


def pytest_configure(config):
    config.addinivalue_line("markers", "last: runs after all others")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.fixture
def make_server(tmp_path):
    """Starts servers, each on a directory of its own, and ends them all. A clean end is part of
    every test."""
    started = []

    def make(*options, name="data", **keywords):
        server = Server(tmp_path / name, *options, **keywords)
        started.append(server)
        return server.start()

    yield make
    for server in started:
        if server.process.poll() is None:
            assert server.stop() == 0, server.log_text()
        assert "ERROR: AddressSanitizer" not in server.log_text(), server.log_text()
        assert "runtime error:" not in server.log_text(), server.log_text()


@pytest.fixture(scope="module")
def make_shared_server(tmp_path_factory):
    """Starts servers for the tests of a module that do not disturb each other."""
    started = []

    def make(*options, **keywords):
        server = Server(tmp_path_factory.mktemp("shared") / "data", *options, **keywords)
        started.append(server)
        return server.start()

    yield make
    for server in started:
        assert server.stop() == 0, server.log_text()
        assert "ERROR: AddressSanitizer" not in server.log_text(), server.log_text()
        assert "runtime error:" not in server.log_text(), server.log_text()


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
