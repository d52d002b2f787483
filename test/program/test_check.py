"""muster check: a sound directory has no mistakes, each injected one is found and named, and looking
changes nothing. What only the journal's own port can write is in src/check/check_test.c."""

import os
import shutil

import pytest

import registry_file
from server import run, wait_until
from test_backup import backup, content, flip, restore
from world import World, hex_id, status_report

pytestmark = pytest.mark.embedded("it changes files")

MACS = [f"00000000000{n}" for n in range(6)]


def check(directory):
    return run("check", "--data", directory)


def mistakes(done):
    return [line for line in done.stdout.splitlines() if line.startswith("mistake: ")]


@pytest.fixture(scope="module")
def sound(make_shared_server, tmp_path_factory):
    """A backup with something in every table and family."""
    server = make_shared_server("--device-messages", "0")
    world = World(server)
    appid, uids = hex_id(), [hex_id() for _ in range(3)]
    server.apply({"apps": [{"appid": appid, "name": "App", "product_keys": [world.product_key]}],
                  "users": [{"appid": appid, "uid": uid} for uid in uids],
                  "devices": [{"product_key": world.product_key, "mac": mac, "passcode": "123456", "country": "China",
                               "region": "Guangdong", "city": "Guangzhou" if n % 2 else "Shenzhen"}
                              for n, mac in enumerate(MACS)]})
    devices = [world.device(mac=mac, level=4) for mac in MACS]
    for n in range(30):
        for device in devices:
            device.report(status_report(faults=n % 3, alerts=n % 2, set_temp=16 + n % 10), qos=1)
    root = world.call("POST", "device_groups", {}).json["gid"]
    child = world.call("POST", "device_groups", {"parent_gid": root}).json["gid"]
    for gid, macs in ((root, MACS[:2]), (child, MACS[2:4])):
        assert world.call("PUT", f"device_groups/{gid}", {"action": "assign", "macs": macs}).status == 200
    for uid in uids:
        assert world.call("POST", "devices/bindings", {"appid": appid, "uid": uid,
                                                       "dids": [d.did for d in devices[:4]]}).status == 201
    for device in devices[:2]:
        device.disconnect()
    wait_until(lambda: world.get("devices/search", is_online=1).json["meta"]["total"] == 4, what="the two logouts")
    dest = tmp_path_factory.mktemp("sound") / "copy"
    done = backup(server, dest)
    assert done.returncode == 0, done.stderr
    return dest


@pytest.fixture
def copy(sound, tmp_path):
    """A data directory of its own, for harm."""
    assert restore(sound, tmp_path / "data").returncode == 0
    return tmp_path / "data"


def test_a_sound_directory_has_no_mistakes_and_is_not_changed(sound, copy):
    for directory in (sound, copy):
        before = content(directory)
        done = check(directory)
        assert done.returncode == 0 and not mistakes(done) and "no mistakes" in done.stdout, done
        assert content(directory) == before
    counts = {what: int(count) for count, what in (line.split(None, 1) for line in done.stdout.splitlines()[:-1])}
    assert counts["devices"] == counts["device states"] == 6 and counts["messages"] == 180
    assert counts["faults and alerts"] > 0 and counts["session records"] >= 8


def test_what_kill_9_leaves_is_read_with_its_logs_and_not_changed(make_server):
    server = make_server()
    world = World(server)
    device = world.device(level=4)
    for n in range(20):
        device.report(status_report(faults=n % 2), qos=1)
    server.kill()
    before = content(server.data)
    assert len(before["registry.db-wal"]) > 0
    done = check(server.data)
    assert done.returncode == 0, done
    assert "20  messages" in done.stdout and "1  devices" in done.stdout
    assert content(server.data) == before
    server.start()


def test_a_directory_in_use_and_what_is_none_are_not_looked_at(make_server, tmp_path):
    server = make_server()
    done = check(server.data)
    assert done.returncode == 1 and "is in use" in done.stderr
    (tmp_path / "other").mkdir()
    assert check(tmp_path / "other").returncode == 2
    assert check(tmp_path / "none").returncode == 2
    assert run("check").returncode == 2
    assert os.listdir(tmp_path / "other") == []


# --- the registry -----------------------------------------------------------------------------------

@pytest.mark.parametrize("harm, found", [
    ("DELETE FROM product", "refers to a row of product that is not there"),
    ("DELETE FROM user WHERE no = 1", "binding"),
    ("DELETE FROM device WHERE no = 2", "refers to a row of device that is not there"),
    ("DROP INDEX device_mac", "the index device_mac is missing"),
    ("DROP TABLE token", "the table token is missing"),
    ("UPDATE product_user SET devices = devices + 1 WHERE user = 1", "product_user 1, 1: says"),
    ("UPDATE product_user SET first_bound = first_bound + 9 WHERE user = 2", "product_user 1, 2: says first bound"),
    ("DELETE FROM product_user WHERE user = 3", "product_user 1, 3: is missing"),
    ("UPDATE binding SET is_owner = 1 WHERE device = 1", "device 1 has 3 owners"),
    ("UPDATE binding SET is_owner = 0 WHERE device = 2", "device 2 has 0 owners"),
    ("UPDATE binding SET until = since - 1 WHERE no = 1", "binding 1: ends before it begins"),
    ("UPDATE device_group SET parent = no", "no root is above it"),
    ("INSERT INTO device_group (product, parent, gid) VALUES (1, NULL, 'x')", "product 1 has 2 roots"),
    ("UPDATE product SET definition = 7", "version 7 of its definition is not there"),
    ("UPDATE definition SET json = '{}'", "version 1 of product 1 cannot be read"),
    ("UPDATE token SET enterprise = enterprise + 1", "is not associated with enterprise"),
    ("DELETE FROM association", "is not associated with enterprise"),
    ("UPDATE device SET type = 9 WHERE no = 3", "device 3: type 9"),
    ("UPDATE sqlite_sequence SET seq = 3 WHERE name = 'device'", "device 6: its number has not been given yet"),
    ("DROP INDEX device_enabled; INSERT INTO device SELECT no + 10, product, 'another', mac, 'other', device_sn, type, "
     "is_disabled, created_at, country, region, city, place_source, longitude, latitude, device_group, is_barred FROM device "
     "WHERE no = 1", "has 2 enabled registrations"),
    ("PRAGMA writable_schema = ON; DELETE FROM device WHERE no = 6; UPDATE sqlite_schema SET rootpage = "
     "(SELECT rootpage FROM sqlite_schema WHERE name = 'user_app') WHERE name = 'device_group_parent'", "mistake"),
])
def test_a_wrong_row_of_the_registry_is_found(copy, harm, found):
    with registry_file.changed(copy / "registry.db") as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.executescript(harm)
        db.commit()
    done = check(copy)
    assert done.returncode == 1 and any(found in line for line in mistakes(done) + ["mistake"][:found == "mistake"]), done


def test_an_index_that_lies_is_found(copy):
    """A row that its index does not have: only SQLite's own check sees it."""
    with registry_file.changed(copy / "registry.db", isolation_level=None) as db:
        db.execute("PRAGMA writable_schema = ON")
        (sql,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'binding_user'").fetchone()
        db.execute("DELETE FROM sqlite_schema WHERE name = 'binding_user'")
    with registry_file.changed(copy / "registry.db", isolation_level=None) as db:
        db.execute("CREATE INDEX binding_user ON binding (user) WHERE user > 1")
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'binding_user'", (sql,))
    done = check(copy)
    assert done.returncode == 1 and any("binding_user" in line for line in mistakes(done)), done


@pytest.mark.parametrize("share", [0, 0.3, 0.6, 0.99])
def test_a_flipped_bit_of_the_registry_is_found_by_check_and_refused_by_serve(copy, share):
    registry = copy / "registry.db"
    flip(registry, int(share * registry.stat().st_size))
    page = int(share * registry.stat().st_size) // 4096 + 1
    harmed = registry.read_bytes()
    done = check(copy)
    assert done.returncode == 1 and f"page {page} is damaged" in done.stdout, done
    served = run("serve", "--data", copy, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--ops", "127.0.0.1:0")
    assert served.returncode == 1 and f"registry.db: page {page} is damaged" in served.stderr, served
    assert "muster restore" in served.stderr and "muster repair" in served.stderr
    assert registry.read_bytes() == harmed


def test_an_older_registry_is_checked_as_it_is(copy):
    registry_file.make_plain(copy / "registry.db")
    older = (copy / "registry.db").read_bytes()
    done = check(copy)
    assert done.returncode == 0, done
    assert (copy / "registry.db").read_bytes() == older


def test_a_registry_that_is_no_database_is_found(copy):
    (copy / "registry.db").write_bytes(b"this is no database, and never was" * 200)
    done = check(copy)
    assert done.returncode == 1, done


# --- the journal ------------------------------------------------------------------------------------

def tables(directory):
    return sorted(name for name in os.listdir(directory / "journal") if name.endswith(".sst"))


def test_a_flipped_byte_in_any_table_of_the_journal_is_found(sound, tmp_path):
    assert len(tables(sound)) >= 4
    for name in tables(sound):
        assert restore(sound, tmp_path / "data").returncode == 0
        flip(tmp_path / "data" / "journal" / name, 30)
        done = check(tmp_path / "data")
        assert done.returncode == 1 and any(name in line for line in mistakes(done)), (name, done)
        shutil.rmtree(tmp_path / "data")


@pytest.mark.parametrize("harm", [lambda path: os.truncate(path, os.path.getsize(path) - 1), os.unlink])
def test_a_table_that_is_cut_off_or_gone_is_found(sound, copy, tmp_path, harm):
    """RocksDB does not open such a journal, and does not always name the file; a backup knows its files."""
    name = tables(copy)[0]
    harm(copy / "journal" / name)
    done = check(copy)
    assert done.returncode == 1 and any("the journal in" in line and "is damaged" in line for line in mistakes(done)), done
    shutil.copytree(sound, tmp_path / "backup")
    harm(tmp_path / "backup" / "journal" / name)
    done = check(tmp_path / "backup")
    assert done.returncode == 1 and any(f"file journal/{name}:" in line for line in mistakes(done)), done


@pytest.mark.parametrize("name", ["CURRENT", "MANIFEST"])
def test_a_journal_without_its_catalog_is_found(copy, name):
    for file in os.listdir(copy / "journal"):
        if file.startswith(name):
            os.unlink(copy / "journal" / file)
    assert check(copy).returncode == 1


def test_every_file_of_a_backup_that_was_changed_is_found(sound, tmp_path):
    names = sorted(set(content(sound)) - {"backup.json"})
    for name in names:
        if name.endswith(".sst"):
            continue
        shutil.copytree(sound, tmp_path / "copy")
        size = os.path.getsize(tmp_path / "copy" / name)
        if size:
            flip(tmp_path / "copy" / name, size // 2)
        else:
            (tmp_path / "copy" / name).write_bytes(b"x")
        done = check(tmp_path / "copy")
        assert done.returncode == 1 and any(name in line for line in mistakes(done)), (name, done)
        shutil.rmtree(tmp_path / "copy")


def test_a_backup_with_mistakes_is_restored_only_if_that_is_asked_for(sound, tmp_path):
    shutil.copytree(sound, tmp_path / "copy")
    name = tables(tmp_path / "copy")[0]
    flip(tmp_path / "copy" / "journal" / name, 30)
    done = restore(tmp_path / "copy", tmp_path / "again")
    assert done.returncode == 1 and name in done.stderr and "--unchecked" in done.stderr, done
    assert not (tmp_path / "again").exists()
    assert restore(tmp_path / "copy", tmp_path / "again", "--unchecked").returncode == 0
