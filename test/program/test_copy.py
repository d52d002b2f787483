"""muster copy: a data directory moves into a database and back, and every call answers the same. These tests have a
PostgreSQL of their own."""

import contextlib
import os
import shutil
import signal
import sqlite3
import stat
import subprocess

import psycopg2
import pytest

from bulk import import_rows
from clock import at, environment, restart_at
from mqtt import Device
from postgres import Postgres
from server import ENOUGH_S, FREE_PORTS, muster, run, wait_until
from test_export import LATER, MOMENTS, Life, answers, twin
from test_store import SECRET, Databases, sql
from world import REPORT, World

pytestmark = pytest.mark.embedded("a data directory is copied into a database and back")
EMPTY = "is not empty; a copy goes into"
ANEW = "muster copy: an earlier copy was interrupted; this one begins anew\n"


@pytest.fixture(scope="module")
def databases():
    cluster = Postgres().start()
    try:
        yield Databases(cluster)
    finally:
        cluster.end()


def rows(uri, statement):
    with contextlib.closing(psycopg2.connect(uri)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def copy(source, target):
    done = run("copy", "--from", source, "--to", target)
    assert done.returncode == 0, done.stderr
    assert ": copied: " in done.stdout
    for where in (source, target):
        name = "--store" if where.startswith("postgresql") else "--data"
        checked = run("check", name, where)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    return done


def everything(life, world):
    """What calls tell of what people configured, and of what devices did."""
    told = answers(life, world)
    for _, did, _ in life.devices[1:]:
        for call in ("data", "online", "cmd"):
            told[did, call] = world.get(f"devices/{did}/{call}", limit=100).json
    told["audit"] = run("audit", "--json", "--data", world.server.data).stdout
    return told


# --- there and back again ---
@pytest.fixture(scope="module")
def life(make_shared_server):
    life = Life(make_shared_server)
    # A device is online when the server is killed: nobody sees its end.
    _, did, passcode = life.devices[7]
    device = Device(life.server.mqtt, did, passcode, life.world.product_key, 4).login().subscribe_as_firmware()
    device.report(REPORT, qos=1)
    assert life.world.control(did, attrs={"switch": 1}).status == 200
    life.server.kill()
    return life


def test_every_call_answers_the_same_there_and_back_again(life, databases, make_server, tmp_path):
    uri = databases.make()
    back = str(tmp_path / "back")
    copy(life.server.data, uri)
    copy(uri, back)
    restart_at(life.server, at(LATER), kill=True)
    expected = everything(life, twin(life.world, life.server))
    newest = expected[life.devices[7][1], "online"]["objects"][0]
    assert "offline_exception" in str(newest), newest
    for name, options in (("there", ("--store", uri)), ("back", ())):
        server = make_server(*options, data=tmp_path / name, env=environment(at(LATER)))
        world = twin(life.world, server)
        found = everything(life, world)
        for call in expected:
            assert found[call] == expected[call], (name, call)
        # No number is given a second time, and life goes on.
        _, did, passcode = life.devices[8]
        Device(server.mqtt, did, passcode, world.product_key, 4).login().report(REPORT, qos=1)
        assert world.register("a-new-one")
        server.stop()


def test_no_number_is_given_a_second_time(databases, make_server, tmp_path):
    server = make_server()
    world = World(server)
    devices = [world.register(f"mac{i}")[0] for i in range(3)]
    assert run("delete", "--data", server.data, "device", devices[2]).returncode == 0
    server.stop()
    uri = databases.make()
    copy(server.data, uri)
    over = make_server("--store", uri, data=tmp_path / "over")
    twin(world, over).register("next")
    assert rows(uri, "SELECT max(no) FROM registry.device") == [(4,)]
    assert run("delete", "--data", over.data, "--store", uri, "device", twin(world, over).register("last")[0]).returncode == 0
    over.stop()
    copy(uri, str(tmp_path / "back"))
    with contextlib.closing(sqlite3.connect(tmp_path / "back" / "registry.db")) as file:
        assert file.execute("SELECT seq FROM sqlite_sequence WHERE name = 'device'").fetchall() == [(5,)]


def test_a_group_may_have_a_lower_number_than_its_parent(databases, make_server):
    server = make_server()
    world = World(server)
    root = world.call("POST", "device_groups", {}).json["gid"]
    low, high = [world.call("POST", "device_groups", {"parent_gid": root}).json["gid"] for _ in range(2)]
    import_rows(server.data, "groups", [{"gid": low, "parent_gid": high, "product_key": world.product_key}])
    server.stop()
    uri = databases.make()
    copy(server.data, uri)
    assert rows(uri, "SELECT count(*) FROM registry.device_group WHERE parent > no") == [(1,)]


def test_a_backup_is_copied_too(databases, make_server, tmp_path):
    server = make_server()
    world = World(server)
    did, _ = world.register("mine")
    assert run("backup", "--data", server.data, tmp_path / "backup").returncode == 0
    uri = databases.make()
    copy(str(tmp_path / "backup"), uri)
    assert did in run("export", "devices", "--store", uri).stdout


# --- interrupted ---
@contextlib.contextmanager
def blocked(uri, table):
    """Whoever reads or writes the table waits."""
    with contextlib.closing(psycopg2.connect(uri)) as connection, connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


def end_connections(uri):
    """The server notices late that a client was killed while it waited."""
    sql(uri, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    wait_until(lambda: rows(uri, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)], what="the end of its connections")


def is_waiting(uri):
    return rows(uri, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                     "AND wait_event IN ('relation', 'PgSleep') AND pid <> pg_backend_pid()")[0][0] > 0


def end_in_the_middle(uri, *arguments, end=signal.SIGKILL):
    """The command line shows no password."""
    process = subprocess.Popen(muster("copy", *[a.replace("muster@", f"muster:{SECRET}@") for a in arguments]),
                               stderr=subprocess.PIPE, text=True)
    wait_until(lambda: is_waiting(uri), what="the middle of the copy")
    with open(f"/proc/{process.pid}/cmdline", encoding="utf-8") as f:
        assert SECRET not in f.read()
    process.send_signal(end)
    told = process.communicate(timeout=ENOUGH_S)[1]
    end_connections(uri)
    return process.returncode, told.strip()


def refuses_all(tmp_path, *where):
    never = () if "--data" in where else ("--data", tmp_path / "never")
    for arguments in (("list", "products"), ("export", "devices"), ("serve", *FREE_PORTS, *never)):
        done = run(*arguments, *where)
        assert done.returncode != 0 and "muster copy begins it anew" in done.stderr, (arguments, done.stderr)
    assert run("check", *where).returncode != 0


@pytest.fixture
def full(make_server):
    """A directory at rest with a device and its report."""
    server = make_server()
    world = World(server)
    device = world.device(level=4)
    device.report(REPORT, qos=1)
    server.stop()
    server.did = device.did
    return server


SLOWLY = ("CREATE FUNCTION public.slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3600); RETURN NEW; END $$;"
          "CREATE TRIGGER slowly BEFORE INSERT ON journal.state FOR EACH ROW EXECUTE FUNCTION public.slowly()")
NO_ROOM = ("CREATE FUNCTION public.no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'full' "
           "USING ERRCODE = 'disk_full'; END $$;"
           "CREATE TRIGGER no_room BEFORE INSERT ON journal.state FOR EACH ROW EXECUTE FUNCTION public.no_room()")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_a_copy_into_a_database_that_was_ended_is_unusable_and_begun_anew(databases, full, tmp_path, end):
    uri = databases.make()
    sql(uri, SLOWLY)
    ended = end_in_the_middle(uri, "--from", full.data, "--to", uri, end=end)
    if end == signal.SIGINT:
        assert ended == (1, "muster copy: interrupted; the same command begins anew")
    sql(uri, "DROP TRIGGER slowly ON journal.state")
    refuses_all(tmp_path, "--store", uri)
    assert copy(full.data, uri).stderr == ANEW
    assert rows(uri, "SELECT count(*) FROM journal.message") == [(1,)]
    assert full.did in run("export", "devices", "--store", uri).stdout


def test_a_copy_into_a_directory_that_was_killed_is_unusable_and_begun_anew(databases, full, tmp_path):
    uri, back = databases.make(), str(tmp_path / "back")
    copy(full.data, uri)
    with blocked(uri, "journal.message"):
        end_in_the_middle(uri, "--from", uri, "--to", back)
    assert os.path.exists(f"{back}/copying") and not os.path.exists(f"{back}/lock")
    refuses_all(tmp_path, "--data", back)
    assert copy(uri, back).stderr == ANEW
    assert sorted(os.listdir(back)) == ["journal", "journal.mark", "lock", "registry.db", "registry.mark"]
    assert stat.S_IMODE(os.stat(back).st_mode) == 0o700
    assert full.did in run("export", "devices", "--data", back).stdout


def test_a_database_that_is_full_is_told_and_the_copy_begun_anew(databases, full, tmp_path):
    uri = databases.make()
    sql(uri, NO_ROOM)
    done = run("copy", "--from", full.data, "--to", uri)
    assert done.returncode == 1 and "full" in done.stderr, done.stderr
    refuses_all(tmp_path, "--store", uri)
    sql(uri, "DROP TRIGGER no_room ON journal.state")
    assert copy(full.data, uri).stderr == ANEW


# --- refused ---
def refused(source, target):
    done = run("copy", "--from", source, "--to", target)
    assert done.returncode != 0 and done.stderr.startswith("muster copy: "), done.stderr
    return done.stderr


def test_a_target_that_is_not_empty_is_refused_and_stays_as_it_is(databases, full, tmp_path):
    uri = databases.make()
    copy(full.data, uri)
    starts = rows(uri, "SELECT number, over FROM journal.boot ORDER BY number")
    sql(uri, "UPDATE journal.boot SET over = NULL")
    assert EMPTY in refused(full.data, uri)
    assert rows(uri, "SELECT number, over FROM journal.boot ORDER BY number") == [(number, None) for number, _ in starts]
    assert full.did in run("export", "devices", "--store", uri).stdout
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "own").write_text("mine")
    assert EMPTY in refused(uri, str(tmp_path / "there"))
    assert os.listdir(tmp_path / "there") == ["own"]
    assert EMPTY in refused(uri, full.data)


def test_a_place_that_a_server_uses_is_refused(databases, full, make_server, tmp_path):
    uri, other = databases.make(), databases.make()
    full.start()
    assert "is in use" in refused(full.data, uri)
    full.stop()
    copy(full.data, uri)
    make_server("--store", uri, data=tmp_path / "first")
    assert "in use" in refused(uri, str(tmp_path / "back"))
    second = make_server("--store", other, data=tmp_path / "second")
    assert EMPTY in refused(full.data, other)
    assert World(second).get("devices/search").status == 200
    assert not os.path.exists(tmp_path / "back")


def test_a_database_without_the_present_schema_is_refused(databases, full):
    assert "run muster migrate" in refused(full.data, databases.empty())
    for schema in ("registry", "journal"):
        uri = databases.make()
        sql(uri, f"UPDATE {schema}.schema_version SET version = version - 1")
        assert "run muster migrate" in refused(full.data, uri)


def test_one_place_is_a_directory_and_the_other_a_database(databases, full, tmp_path):
    uri = databases.make()
    assert "muster backup" in refused(full.data, full.data) and "muster backup" in refused(full.data, str(tmp_path / "new"))
    assert "pg_dump" in refused(uri, uri) and "pg_dump" in refused(uri, databases.make())
    assert "cannot open" in refused(str(tmp_path / "missing"), uri)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_copies_as_the_owner_of_an_empty_directory(databases, full, open_path):
    uri, back = databases.make(), open_path / "back"
    copy(full.data, uri)
    back.mkdir()
    shutil.chown(back, "nobody")
    copy(uri, str(back))
    assert {(back / name).owner() for name in os.listdir(back)} == {"nobody"}
