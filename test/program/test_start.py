"""In what order `serve` looks at what it is given: settings, data directory, ports."""

import os
import shutil
import socket

import pytest

from server import run


@pytest.fixture
def taken():
    """Options of a server whose ports are all somebody else's already."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = "127.0.0.1:%d" % other.getsockname()[1]
        yield ["--http", address, "--mqtt", address, "--ops", address]


def in_use(server, data):
    return server.data


def not_a_directory(server, data):
    data.write_text("a file")
    return data


def other_things(server, data):
    data.mkdir()
    (data / "letters.txt").write_text("mine")
    return data


def newer(server, data):
    server.stop()
    with server.registry() as db:
        db.execute("PRAGMA user_version = 9999")
    return server.data


def half(server, data):
    server.stop()
    shutil.rmtree(os.path.join(server.data, "journal"))
    return server.data


def damaged(server, data):
    server.stop()
    with open(os.path.join(server.data, "registry.db"), "r+b") as f:
        f.write(b"no database")
    return server.data


@pytest.mark.parametrize("spoil,said", [(in_use, "in use by another process"), (not_a_directory, "Not a directory"),
                                        (other_things, "holds other things"),
                                        *(pytest.param(*case, marks=pytest.mark.embedded("it damages files")) for case in
                                          [(newer, "newer"), (half, "journal is missing"), (damaged, "registry.db")])])
def test_a_wrong_directory_is_told_before_a_taken_port(make_server, tmp_path, taken, spoil, said):
    done = run("serve", "--data", spoil(make_server(), tmp_path / "given"), *taken)
    assert done.returncode in (1, 2) and said in done.stderr and "Address already in use" not in done.stderr, done


def test_a_directory_that_may_not_be_made_is_told_before_a_taken_port(taken):
    done = run("serve", "--data", "/proc/muster", *taken)
    assert done.returncode == 2 and "/proc/muster" in done.stderr and "Address already in use" not in done.stderr, done


def test_a_wrong_setting_is_told_before_a_directory_is_made(tmp_path):
    for wrong in (("--http", "nowhere"), ("--https", "127.0.0.1:0"), ("--mqtt-advertise", "nowhere")):
        assert run("serve", "--data", tmp_path / "made", *wrong).returncode == 2
    assert not (tmp_path / "made").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_user_who_may_not_read_the_directory_is_told_before_a_taken_port(open_path, make_server, taken):
    server = make_server(data=open_path / "data")
    server.stop()
    done = run("serve", "--data", server.data, "--user", "nobody", *taken)
    assert done.returncode == 1 and "Permission denied" in done.stderr, done


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("user", ["root", "nobody-of-this-name"])
def test_an_unfit_user_makes_no_directory(tmp_path, user):
    done = run("serve", "--data", tmp_path / "made", "--user", user, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0")
    assert done.returncode == 2 and not (tmp_path / "made").exists(), done


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_low_ports_are_open_to_a_server_that_becomes_another_user(open_path, make_server):
    """In a network of its own, where nobody else has them."""
    in_own_network = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    server = make_server("--user", "nobody", "--http", "127.0.0.1:80", data=open_path / "data", wrapper=in_own_network)
    assert server.http == ("127.0.0.1", 80)
    assert {os.stat(os.path.join(server.data, name)).st_uid for name in os.listdir(server.data)} == {65534}


def test_a_taken_port_is_told_with_the_setting_that_names_it(tmp_path, taken):
    done = run("serve", "--data", tmp_path / "data", *taken)
    assert done.returncode == 1
    assert done.stderr.endswith(f"muster serve: --http {taken[1]}: Address already in use\n"), done.stderr
