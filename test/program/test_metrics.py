"""The operator's port: figures in Prometheus' text form that move as things happen, and health."""

import re
import struct

import pytest

from metricspage import read
from mqtt import Closed, Device, packet, text
from rawhttp import Connection
from server import run, wait_until
from world import REPORT, World, device_request, frame, hex_id, request

@pytest.fixture
def before(world):
    """The figures before the test's own doings (the world's first token is taken)."""
    assert world.token
    return read(world.server)


def change(world, before, name, **labels):
    return read(world.server).get(name, **labels) - before.get(name, **labels)


def wait_for(world, before, name, by, **labels):
    wait_until(lambda: change(world, before, name, **labels) == by, what=f"{name}{labels} to change by {by}")


# --- the page -----------------------------------------------------------------------------------------------

def test_the_version_and_commit_that_run_are_told_as_the_command_line_tells_them(world):
    _, version, _, commit = run("--version").stdout.strip(")\n").split(" ")
    assert read(world.server).get("build_info", version=version, commit=commit) == 1


def test_every_sample_belongs_to_a_declared_family(world):
    device = world.device(level=4)
    device.report(REPORT, qos=1)
    page = read(world.server)
    assert page.samples
    assert all(name.startswith(("muster_", "process_")) for name in page.kinds)
    assert all(name.endswith("_total") for name, kind in page.kinds.items() if kind == "counter")


def test_histograms_are_cumulative_and_end_with_all(world):
    world.device(level=4).report(REPORT, qos=1)
    page = read(world.server)
    families = [name for name, kind in page.kinds.items() if kind == "histogram"]
    assert {"muster_commit_duration_seconds", "muster_http_request_duration_seconds"} <= set(families)
    for family in families:
        buckets = page.buckets(family)
        assert [count for _, count in buckets] == sorted(count for _, count in buckets)
        assert buckets[-1] == (float("inf"), page.samples[f"{family}_count", frozenset()])
        assert buckets[-1][1] > 0 and page.samples[f"{family}_sum", frozenset()] > 0


def test_counters_never_fall(world):
    first = read(world.server)
    device = world.device(level=4)
    device.report(REPORT, qos=1)
    device.disconnect()
    second = read(world.server)
    for (name, labels), value in first.samples.items():
        family = re.sub("_(bucket|sum|count)$", "", name)
        if first.kinds.get(name, first.kinds.get(family)) in ("counter", "histogram"):
            assert second.samples[name, labels] >= value, name


# --- devices ------------------------------------------------------------------------------------------------------

def test_sessions_come_and_go(world, before):
    device = world.device(level=4)
    wait_for(world, before, "sessions", 1)
    assert change(world, before, "mqtt_connections") == 1 and change(world, before, "logins_total") == 1
    device.disconnect()
    wait_for(world, before, "sessions", 0)
    wait_for(world, before, "mqtt_connections", 0)
    wait_for(world, before, "session_ends_total", 1, reason="mqtt_disconnect")


def test_a_connection_that_is_not_logged_in_is_no_session(world, before):
    device = Device(world.server.mqtt, "x" * 22, "p", world.product_key, 4)
    wait_for(world, before, "mqtt_connections", 1)
    assert change(world, before, "sessions") == 0
    assert device.connect() != 0
    device.close()
    wait_for(world, before, "refused_logins_total", 1, reason="unknown_did")
    wait_for(world, before, "mqtt_connections", 0)


def test_take_overs_and_heartbeats_are_counted(world, before):
    first = world.device(level=4)
    first.ping()
    first.ping()
    world.device(level=4, registered=(first.did, first.passcode)).ping()
    wait_for(world, before, "takeovers_total", 1)
    wait_for(world, before, "session_ends_total", 1, reason="offline_force")
    assert change(world, before, "heartbeats_total") == 3


def test_messages_and_bytes_are_counted_both_ways(world, before):
    device = world.device(level=4)
    start = read(world.server)
    for _ in range(5):
        device.report(REPORT, qos=1)
    assert world.control(device.did, raw=[1]).status == 200
    device.receive_publish()
    wait_for(world, start, "messages_total", 5, direction="in")
    wait_for(world, start, "messages_total", 1, direction="out")
    assert change(world, start, "bytes_total", direction="in") >= 5 * len(REPORT)
    assert change(world, start, "bytes_total", direction="out") >= 5 * 4


def test_what_became_of_reports_is_counted(world, before):
    device = world.device(level=4)
    for payload in (REPORT, REPORT, frame(0x0091), REPORT[:-1]):
        device.report(payload, qos=1)
    wait_for(world, before, "reports_total", 2, result="decoded")
    wait_for(world, before, "reports_total", 1, result="echo")
    wait_for(world, before, "reports_total", 1, result="undecoded")


def test_commits_are_counted_and_timed(world, before):
    device = world.device(level=4)
    for _ in range(10):
        device.report(REPORT, qos=1)
    page = read(world.server)
    commits = page.get("commits_total") - before.get("commits_total")
    assert commits >= 10  # each waited for its own acknowledgement
    assert page.get("commit_duration_seconds_count") - before.get("commit_duration_seconds_count") >= 10
    assert page.get("commit_duration_seconds_sum") > before.get("commit_duration_seconds_sum")
    assert page.get("commit_failures_total") == before.get("commit_failures_total")
    wait_for(world, before, "commit_waiting_bytes", 0)


def dropped(page):
    return {dict(labels)["cause"]: value for (name, labels), value in page.samples.items()
            if name == "muster_dropped_messages_total"}


def causes_of(world, before, count=1):
    """The causes by which messages were dropped since then."""
    def risen():
        was = dropped(before)
        found = {cause: value - was[cause] for cause, value in dropped(read(world.server)).items() if value > was[cause]}
        return found if sum(found.values()) >= count else None

    return wait_until(risen, what="a dropped message")


def test_a_message_over_the_devices_rate_is_dropped_by_that_cause(world, before):
    device = world.device(level=4)
    with pytest.raises((Closed, OSError)):
        for _ in range(200):
            device.publish(f"dev2app/{device.did}", REPORT)
        device.expect_closed()
        raise Closed()
    assert len(causes_of(world, before)) == 1
    wait_for(world, before, "session_ends_total", 1, reason="offline_sending_density_overflow")


def test_a_message_to_a_foreign_topic_is_dropped_by_that_cause(world, before):
    device = world.device(level=4)
    device.publish("dev2app/" + "x" * 22, REPORT, qos=1)
    device.expect_closed()
    foreign = causes_of(world, before)
    assert len(foreign) == 1
    other = read(world.server)
    device = world.device(level=4)
    device.send(packet(0x36, text(f"dev2app/{device.did}") + struct.pack(">H", 1) + REPORT))  # QoS 3
    device.expect_closed()
    wait_for(world, other, "session_ends_total", 1, reason="offline_exception")
    assert not {cause for cause, value in dropped(read(world.server)).items() if value > dropped(other)[cause]} & set(foreign)


def test_every_cause_and_reason_is_there_from_the_start(server):
    page = read(server)
    assert {"disk_full"} < set(dropped(page)) and not any(dropped(page).values())
    reasons = {dict(labels)["reason"] for name, labels in page.samples if name == "muster_session_ends_total"}
    assert reasons == {"mqtt_disconnect", "no_heartbeat", "tcp_closed", "ssl_closed", "offline_force", "offline_reset",
                       "offline_exception", "offline_sending_density_overflow", "offline_sending_data_size_overflow"}


# --- the fleet ------------------------------------------------------------------------------------------------------

def test_the_fleets_size_is_told(world, before):
    did, passcode = world.register()
    world.import_devices({"mac": "a"}, {"mac": "b", "is_disabled": True})
    assert change(world, before, "fleet_devices") == 3
    device = world.device(level=4, registered=(did, passcode))
    wait_for(world, before, "fleet_online", 1)
    device.close()
    wait_for(world, before, "fleet_online", 0)


def test_products_and_tokens_are_counted(world, before):
    world.server.apply({"products": [{"product_key": hex_id(), "name": "P"}]})
    assert world.take_token().status == 201
    assert change(world, before, "fleet_products") == 1 and change(world, before, "fleet_tokens") == 1


def test_the_fleets_size_is_known_again_after_a_kill(make_server):
    server = make_server()
    world = World(server)
    device = world.device(level=4)
    assert device.did and world.token
    server.kill()
    server.start()
    page = read(server)
    assert [page.get(f"fleet_{name}") for name in ("devices", "products", "tokens", "online")] == [1, 1, 1, 0]


# --- requests -------------------------------------------------------------------------------------------------------

SEARCH = "/v1/products/{product_key}/devices/search"


def test_requests_are_counted_by_route_and_status(world, before):
    for _ in range(3):
        world.get("devices/search")
    world.get("devices/search", limit="x")
    world.get(f"devices/{'x' * 22}/data")
    world.get("nothing")
    world.call("DELETE", "devices/search")
    for by, labels in ((3, {"route": SEARCH, "status": "200"}), (1, {"route": SEARCH, "status": "400"}),
                       (1, {"route": "/v1/products/{product_key}/devices/{did}/data", "status": "404"})):
        wait_for(world, before, "http_requests_total", by, method="GET", **labels)
    page = read(world.server)
    assert page.sum("http_requests_total") - before.sum("http_requests_total") == 7
    assert page.get("http_request_duration_seconds_count") - before.get("http_request_duration_seconds_count") == 7


def test_no_value_of_a_request_becomes_a_label(world):
    for path in ("nothing/abcdef", "devices/uvwxyz/data"):
        world.get(path)
    request(world.server.http, "BREW", "/coffee/pot")
    content = request(world.server.ops, "GET", "/metrics").body.decode()
    for value in (world.product_key, "abcdef", "uvwxyz", "coffee", "BREW"):
        assert value not in content


def test_a_broken_request_is_counted(world, before):
    with Connection(world.server.http) as c:
        assert c.send("GET / HTTP/1.1\r\n\r\n").answer().status == 400
    page = wait_until(lambda: (p := read(world.server)).sum("http_requests_total") > before.sum("http_requests_total") and p)
    assert page.sum("http_requests_total") - before.sum("http_requests_total") == 1


def test_registrations_are_counted(world, before):
    world.register()
    assert device_request(world.server.http, "POST", "/dev/devices", "mac=m")[0] == 400
    assert change(world, before, "registrations_total") == 1
    wait_for(world, before, "http_requests_total", 1, method="POST", route="/dev/devices", status="201")


# --- the ports ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("port", ["http", "ops"])
def test_health_is_told_on_both_ports(world, port):
    answer = request(world.server.addresses[port], "GET", "/healthz")
    assert answer.status == 200 and answer.json == {"status": "ok"}


def test_figures_are_on_the_operators_port_alone(world):
    assert request(world.server.http, "GET", "/metrics").error == (404, 404)


def test_the_operators_port_serves_nothing_else(world):
    for method, path in (("GET", "/v1/products"), ("POST", "/dev/devices"), ("GET", "/openapi.json"), ("GET", "/docs/"),
                         ("GET", world.path("datapoint"))):
        assert request(world.server.ops, method, path).status == 404
    assert request(world.server.ops, "POST", "/metrics").status == 405


# --- the other pages of the port ------------------------------------------------------------------------------

def test_the_operators_port_says_which_pages_it_has(server):
    answer = request(server.ops, "GET", "/")
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "/metrics" in answer.body.decode() and "/healthz" in answer.body.decode()


@pytest.mark.parametrize("port", ["ops", "http"])
@pytest.mark.parametrize("method, path, status", [
    ("GET", "/nothing", 404), ("GET", "/healthz/nothing", 404), ("POST", "/healthz", 405), ("PUT", "/", None),
    ("GET", "/docs/nothing", 404), ("POST", "/docs/", None), ("POST", "/metrics", None), ("PATCH", "/dev/devices", None)])
def test_every_refusal_has_words(server, port, method, path, status):
    answer = request(server.addresses[port], method, path)
    assert answer.status == status or status is None and answer.status in (404, 405)
    assert b"(null)" not in answer.body and answer.body.strip()
