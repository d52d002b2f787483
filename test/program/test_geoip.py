"""Devices that nobody has placed are located by the address they connect from."""

import pytest

import mmdb
from mqtt import Device
from server import run, wait_until
from world import REPORT, World, device_request

HANGZHOU = mmdb.city("China", "Zhejiang", "Hangzhou", 120.1551, 30.2741)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("geoip") / "city.mmdb"
    mmdb.write(path, {"127.0.0.0/8": HANGZHOU, "::1/128": mmdb.city("Japan", "Tokyo", "Tokyo", 139.6917, 35.6895)})
    return path


@pytest.fixture(scope="module")
def shared_server(make_shared_server, database):
    return make_shared_server("--geoip-db", str(database))


def place_of(world, did):
    row, = world.get("devices/search", type="did", val=did).json["objects"]
    return tuple(row[name] for name in ("country", "region", "city", "longitude", "latitude"))


def located(world, did):
    return wait_until(lambda: (place := place_of(world, did))[0] and place, what="the place of a device")


def imported(world):
    """(did, passcode) of a device that nobody has heard of yet."""
    world.import_devices({"mac": "imported", "passcode": "p"})
    return world.get("devices", mac="imported").json["did"], "p"


def test_a_device_is_where_it_logs_in_from(world):
    device = world.device(level=4, registered=imported(world))
    assert located(world, device.did) == ("China", "Zhejiang", "Hangzhou", 120.1551, 30.2741)


def test_a_device_is_where_it_registers_from(world):
    did, _ = world.register()
    assert located(world, did) == ("China", "Zhejiang", "Hangzhou", 120.1551, 30.2741)


def test_a_device_behind_a_trusted_proxy_is_where_the_proxy_says(make_server, database):
    server = make_server("--geoip-db", str(database), "--trusted-proxies", "127.0.0.0/8")
    world = World(server)
    status, _, body = device_request(server.http, "POST", "/dev/devices",
                                     f"passcode=p&mac=m&product_key={world.product_key}", "X-Forwarded-For: ::1\r\n")
    assert status == 201
    assert located(world, body.removeprefix("did="))[:3] == ("Japan", "Tokyo", "Tokyo")


def test_a_device_that_has_not_connected_is_nowhere(world):
    did, _ = imported(world)
    located(world, world.device(level=4).did)
    assert place_of(world, did) == (None,) * 5


def test_a_located_device_is_found_by_its_place(world):
    device = world.device(level=4)
    located(world, device.did)
    for filters in ({"city": "Hangzhou"}, {"region": "Zhejiang"}, {"country": "China"}, {"country": "China", "city": "Hangzhou"}):
        assert world.get("devices/search", **filters).json["meta"]["total"] == 1
    assert world.get("devices/search", city="Tokyo").json["meta"]["total"] == 0


def test_a_configured_place_stays(world):
    world.import_devices({"mac": "m", "passcode": "p", "country": "China", "region": "Guangdong", "city": "Guangzhou"})
    did, passcode = world.register(mac="m", passcode="p")
    placed = world.device(level=4, registered=(did, passcode))
    placed.report(REPORT, qos=1)
    unplaced = world.device(level=4)
    located(world, unplaced.did)  # what was asked before it has been answered
    assert place_of(world, did) == ("China", "Guangdong", "Guangzhou", None, None)


def test_a_place_that_is_configured_later_wins(world):
    device = world.device(mac="m", level=4)
    located(world, device.did)
    world.import_devices({"mac": "m", "country": "China", "region": "Guangdong", "city": "Guangzhou", "longitude": 113.28,
                          "latitude": 23.12})
    assert place_of(world, device.did) == ("China", "Guangdong", "Guangzhou", 113.28, 23.12)
    device.disconnect()
    again = world.device(level=4, registered=(device.did, device.passcode))
    located(world, world.device(level=4).did)
    assert place_of(world, again.did)[2] == "Guangzhou"


def test_ipv6_addresses_are_located_as_well(make_server, database):
    world = World(make_server("--geoip-db", str(database), "--mqtt", "[::1]:0"))
    did, passcode = imported(world)
    Device(world.server.mqtt, did, passcode, world.product_key, 4).login()
    assert located(world, did)[:3] == ("Japan", "Tokyo", "Tokyo")


def test_an_ipv4_client_on_a_dual_stack_socket_is_located(make_server, database):
    world = World(make_server("--geoip-db", str(database), "--mqtt", "[::]:0"))
    did, passcode = imported(world)
    Device(("127.0.0.1", world.server.mqtt[1]), did, passcode, world.product_key, 4).login()
    assert located(world, did)[2] == "Hangzhou"


def test_a_database_of_ipv4_alone_is_read(make_server, tmp_path):
    mmdb.write(tmp_path / "v4.mmdb", {"127.0.0.0/8": HANGZHOU}, ip_version=4)
    world = World(make_server("--geoip-db", str(tmp_path / "v4.mmdb")))
    device = world.device(level=4)
    assert located(world, device.did)[2] == "Hangzhou"


def test_a_place_survives_a_kill_also_without_the_database(make_server, database):
    server = make_server("--geoip-db", str(database))
    world = World(server)
    device = world.device(level=4)
    place = located(world, device.did)
    server.kill()
    server.options = []
    server.start()
    assert place_of(world, device.did) == place
    assert world.get("devices/search", city="Hangzhou").json["meta"]["total"] == 1


def test_an_address_that_the_database_does_not_know_is_nowhere(make_server, tmp_path):
    mmdb.write(tmp_path / "far.mmdb", {"192.0.2.0/24": HANGZHOU})
    world = World(make_server("--geoip-db", str(tmp_path / "far.mmdb")))
    device = world.device(level=4)
    device.report(REPORT, qos=1)
    assert place_of(world, device.did) == (None,) * 5


def test_a_country_without_a_city_is_kept(make_server, tmp_path):
    mmdb.write(tmp_path / "country.mmdb", {"127.0.0.0/8": mmdb.city("China", None, None)})
    world = World(make_server("--geoip-db", str(tmp_path / "country.mmdb")))
    device = world.device(level=4)
    assert located(world, device.did) == ("China", None, None, None, None)


@pytest.mark.parametrize("content", [b"", b"this is no database", mmdb.MARKER, bytes(1000), None],
                         ids=["empty", "text", "the marker alone", "zeros", "missing"])
def test_an_unreadable_database_stops_the_start_with_one_line(tmp_path, content):
    path = tmp_path / "city.mmdb"
    if content is not None:
        path.write_bytes(content)
    done = run("serve", "--data", tmp_path / "d", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--ops", "127.0.0.1:0",
               "--geoip-db", path)
    said = [line for line in done.stderr.splitlines() if not line.startswith("time=")]
    assert done.returncode in (1, 2) and len(said) == 1 and str(path) in said[0]
    assert done.stdout == ""
