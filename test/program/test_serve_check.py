"""muster serve --check: all that a start would stumble over, told at once, and nothing is opened or changed."""

import os
import socket
import stat

import pytest

import registry_file
from server import FREE_PORTS, OVER_POSTGRES, Server, run
from world import World

NOTHING = "muster serve: nothing is wrong\n"


def check(data, *options):
    return run("serve", "--check", "--data", data, *options)


def picture(directory):
    """Every file with its content, mode and times."""
    found = {}
    for folder, _, names in os.walk(directory):
        for name in [".", *names]:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            content = open(path, "rb").read() if stat.S_ISREG(st.st_mode) else None
            found[path] = (st.st_mode, st.st_uid, st.st_mtime_ns, st.st_ctime_ns, content)
    return found


@pytest.fixture
def rested(tmp_path):
    """A data directory that has been served, with a product and a device."""
    server = Server(tmp_path / "data").start()
    World(server).register("m1")
    assert server.stop() == 0
    return tmp_path / "data"


def test_a_directory_at_rest_is_good_and_stays_as_it_is(rested):
    before = picture(rested)
    done = check(rested)
    assert (done.returncode, done.stdout, done.stderr) == (0, NOTHING, "")
    assert picture(rested) == before


def test_a_directory_that_is_still_to_be_made_is_good_and_not_made(tmp_path):
    assert check(tmp_path / "data").stdout == NOTHING
    assert os.listdir(tmp_path) == []
    (tmp_path / "empty").mkdir()
    assert check(tmp_path / "empty").stdout == NOTHING
    assert os.listdir(tmp_path / "empty") == []


def test_it_works_beside_the_server_that_has_the_directory(server):
    done = check(server.data)
    # Looking at a database disturbs nobody.
    not_looked_at = "" if OVER_POSTGRES else f"{server.data} is in use, and was not looked at\n"
    assert done.returncode == 0 and done.stdout == not_looked_at + NOTHING
    assert World(server).get("products").status in (200, 404)


def test_no_port_is_opened(rested):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert check(rested, "--http", "127.0.0.1:%d" % taken.getsockname()[1]).stdout == NOTHING


WRONG = [
    (("--trusted-proxies", "10.0.0.0/99"), "'10.0.0.0/99' is not a network"),
    (("--mqtt-advertise", "nowhere"), "'nowhere' is not of the form HOST:PORT"),
    (("--geoip-db", "/etc/passwd"), "--geoip-db /etc/passwd"), (("--demo-credentials", "/etc/passwd"), "--demo-credentials"),
    (("--time-zone", "Mars/Olympus"), "'Mars/Olympus' is not a time zone"), (("--http", "nowhere"), "--http: 'nowhere'"),
    (("--ops", "somewhere"), "--ops: 'somewhere'"), (("--mqtts", "127.0.0.1:0"), "--mqtts needs --tls-cert and --tls-key"),
]


@pytest.mark.parametrize("options,said", [*WRONG, (("--tls-cert", "/etc/passwd"), "go together"),
                                          (("--tls-cert", "/nowhere", "--tls-key", "/nowhere"), "/nowhere")])
def test_what_cannot_be_met_is_2_with_the_words_of_the_start(tmp_path, options, said):
    done = check(tmp_path / "data", *options)
    assert (done.returncode, done.stdout) == (2, "") and said in done.stderr
    started = run("serve", "--data", tmp_path / "data", *[o for o in FREE_PORTS if options[0] not in FREE_PORTS], *options)
    assert [line for line in started.stderr.splitlines() if line.startswith("muster serve: ")] == done.stderr.splitlines()


def test_every_mistake_is_told_and_not_only_the_first(tmp_path):
    done = check(tmp_path / "typo" / "data", *[word for options, _ in WRONG for word in options])
    assert done.returncode == 2
    for said in [said for _, said in WRONG] + ["typo"]:
        assert said in done.stderr
    assert len(done.stderr.splitlines()) == len(WRONG) + 1


def test_every_wrong_line_of_the_configuration_file_is_told(tmp_path):
    (tmp_path / "muster.ini").write_text("workers = some\nhttp = 127.0.0.1:0\ncolour = red\nthreads = 65\n")
    done = check(tmp_path / "data", "--config", tmp_path / "muster.ini")
    assert done.returncode == 2
    assert [line.split("muster.ini:")[1][0] for line in done.stderr.splitlines()] == ["1", "3", "4"]


@pytest.mark.parametrize("line,number", [("just words", 1), ("cors-origin = " + 300 * "x", 1)])
def test_a_line_that_cannot_be_read_is_told_too(tmp_path, line, number):
    (tmp_path / "muster.ini").write_text(f"{line}\nworkers = some\n")
    done = check(tmp_path / "data", "--config", tmp_path / "muster.ini")
    assert done.returncode == 2
    assert {row.split("muster.ini:")[1].split(":")[0] for row in done.stderr.splitlines()} == {str(number), "2"}


def test_another_time_zone_than_the_directorys_is_2(rested):
    done = check(rested, "--time-zone", "Europe/Berlin")
    assert done.returncode == 2 and "start with --time-zone Asia/Shanghai" in done.stderr


def test_a_directory_of_something_else_is_2(tmp_path):
    (tmp_path / "letters.txt").write_text("mine")
    assert "holds other things" in check(tmp_path).stderr
    assert check(tmp_path).returncode == 2


@pytest.mark.embedded("it concerns the files")
@pytest.mark.parametrize("name", ["registry.db", "journal/CURRENT"])
def test_a_store_that_is_damaged_is_1(rested, name):
    with open(rested / name, "r+b") as f:
        f.write(b"something else of some length that is no store")
    done = check(rested)
    assert (done.returncode, done.stdout) == (1, "") and str(rested) in done.stderr


@pytest.mark.embedded("it concerns the files")
def test_a_store_that_is_gone_is_1(rested):
    os.unlink(rested / "registry.db")
    done = check(rested)
    assert done.returncode == 1 and "registry.db" in done.stderr


@pytest.mark.embedded("it concerns the files")
def test_a_definition_that_cannot_be_read_is_told(rested):
    with registry_file.changed(rested / "registry.db") as db:
        db.execute("UPDATE definition SET json = '{}'")
        db.commit()
    done = check(rested)
    assert (done.returncode, done.stdout) == (1, "") and "definition of product" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may choose a user")
def test_a_user_that_the_machine_does_not_have_is_2(tmp_path):
    done = check(tmp_path / "data", "--user", "nobody-of-this-name")
    assert done.returncode == 2 and "there is no user 'nobody-of-this-name'" in done.stderr
