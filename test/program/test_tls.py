"""HTTPS and MQTTS: versions, ends, garbage, and certificates that are changed while connections live."""

import os
import random
import re
import signal
import socket
import ssl
import subprocess
import time

import pytest

import clock
from mqtt import Device
from rawhttp import Connection
from server import ENOUGH_S, wait_until
from world import REPORT, World, request

HEALTH = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def write_certificate(directory, name, began="+0d"):
    """A self-signed pair, valid for two days; an earlier one is replaced."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", directory / "key.pem", "-out", directory / "cert.pem", "-days", "2", "-subj", f"/CN={name}"],
                   check=True, capture_output=True,
                   env={**os.environ, "LD_PRELOAD": clock.library(), "FAKETIME": began})


def with_certificate(make, directory, *options):
    write_certificate(directory, "first.example.test")
    return make("--https", "127.0.0.1:0", "--mqtts", "127.0.0.1:0", "--tls-cert", str(directory / "cert.pem"),
                "--tls-key", str(directory / "key.pem"), *options)


@pytest.fixture(scope="module")
def shared_server(make_shared_server, tmp_path_factory):
    return with_certificate(make_shared_server, tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server(make_server, tmp_path):
    """One whose certificate a test may change."""
    return with_certificate(make_server, tmp_path)


def context(lowest=ssl.TLSVersion.TLSv1_2, highest=ssl.TLSVersion.TLSv1_3):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.minimum_version, made.maximum_version = lowest, highest
    return made


def connect(server, name, wanted=None):
    sock = socket.create_connection(server.addresses[name], timeout=ENOUGH_S)
    return (wanted or context()).wrap_socket(sock)


def https(server, wanted=None):
    return Connection(None, connect(server, "https", wanted))


def secure_device(world, registered=None, wanted=None, level=4, **options):
    did, passcode = registered or world.register()
    device = Device(None, did, passcode, world.product_key, level, connect(world.server, "mqtts", wanted))
    return device.login(**options).subscribe_as_firmware()


def certificate_of(server, name="https"):
    with connect(server, name) as sock:
        return sock.getpeercert(binary_form=True)


def end_reason(world, did):
    ends = wait_until(lambda: [row for row in world.get(f"devices/{did}/online").json["objects"] if row["type"] == "dev_offline"])
    return ends[0]["payload"]["reason"]


# --- what is spoken ------------------------------------------------------------------------------------------

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", VERSIONS)
def test_https_answers_like_http(shared_server, world, version):
    with https(shared_server, context(version, version)) as c:
        assert c.sock.version() == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]
        c.send(f"GET {world.path('datapoint')} HTTP/1.1\r\nHost: x\r\nAuthorization: token {world.token}\r\n\r\n")
        assert c.answer().body == world.get("datapoint").body
        c.send(HEALTH * 50)
        assert [c.answer().status for _ in range(50)] == [200] * 50


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("level", [3, 4, 5])
def test_a_device_works_over_mqtts(world, version, level):
    device = secure_device(world, wanted=context(version, version), level=level)
    device.report(REPORT, qos=1)
    device.ping()
    assert world.get(f"devices/{device.did}/data").json["meta"]["total"] == 1
    assert wait_until(lambda: world.control(device.did, attrs={"switch": 1}).status == 200)
    assert device.receive_publish()[1].hex() == "0000000309000090010101000010"
    device.disconnect()
    assert end_reason(world, device.did) == "mqtt_disconnect"


@pytest.mark.parametrize("port", ["https", "mqtts"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_older_versions_are_refused(shared_server, port, version):
    old = context(version, version)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        connect(shared_server, port, old)


def test_a_device_registers_over_https(shared_server, world):
    body = f"passcode=p&mac=secure&product_key={world.product_key}"
    with https(shared_server) as c:
        c.send(f"POST /dev/devices HTTP/1.1\r\nHost:x\r\nContent-Length:{len(body)}\r\n\r\n{body}")
        assert c.answer().body.decode() == f"did={world.get('devices', mac='secure').json['did']}"


def test_a_long_answer_arrives_whole(shared_server, world):
    world.import_devices(*({"mac": f"m{number}", "city": "Guangzhou"} for number in range(1000)))
    with https(shared_server) as c:
        c.send(f"GET {world.path('devices/search', limit=1000)} HTTP/1.1\r\nHost: x\r\nAuthorization: {world.token}\r\n\r\n")
        assert len(c.answer().json["objects"]) == 1000


def test_a_constant_answer_that_is_read_late_arrives_whole(shared_server):
    with https(shared_server) as c:
        whole = c.send("GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n").answer().body
    with https(shared_server) as c:
        c.send("GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n" * 6 + HEALTH)
        time.sleep(0.3)  # what the kernel takes at once is gone by then
        assert all(c.answer().body == whole for _ in range(6))
        assert c.answer().json == {"status": "ok"}


def test_a_large_body_is_read_whole(shared_server, world):
    size = 1024 * 1024
    with https(shared_server) as c:
        c.send(f"POST {world.path('access_token')} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n" + "{}" + " " * (size - 2))
        assert c.answer().error == (400, 5002)


# --- how a session ends -----------------------------------------------------------------------------------------

def test_a_device_that_closes_its_tls_session_ends_as_ssl_closed(world):
    device = secure_device(world)
    device.sock.unwrap().close()
    assert end_reason(world, device.did) == "ssl_closed"


def test_a_device_that_just_goes_away_ends_as_ssl_closed(world):
    for leave in ("close", "reset"):
        device = secure_device(world)
        getattr(device, leave)()
        assert end_reason(world, device.did) == "ssl_closed"


def test_a_closed_https_connection_is_closed_politely(shared_server):
    with https(shared_server) as c:
        c.send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert c.answer().status == 200
        assert c.sock.recv(1) == b""  # close_notify: anything else raises SSLEOFError
        c.pending = b""


# --- what is no TLS ------------------------------------------------------------------------------------------------

def garbage(chance):
    yield b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    yield b"\x10\x10\0\4MQTT\4\2\0\x3c\0\4name"
    yield b"\x16\x03\x01" + b"\xff\xff" + bytes(200)
    yield b"\x16\x03\x01\0\x05\1\0\0\1\3"
    yield b"\x80\x2e\1\3\1" + bytes(50)
    for _ in range(20):
        yield chance.randbytes(chance.randrange(1, 400))


@pytest.mark.parametrize("port", ["https", "mqtts"])
def test_garbage_on_a_tls_port_does_no_harm(shared_server, world, port):
    for bytes_ in garbage(random.Random(11)):
        with socket.create_connection(shared_server.addresses[port], timeout=ENOUGH_S) as s:
            try:
                s.sendall(bytes_)
                s.shutdown(socket.SHUT_WR)
                while s.recv(4096):
                    pass
            except OSError:
                pass  # it was faster
    with https(shared_server) as c:
        assert c.send(HEALTH).answer().status == 200
    secure_device(world).ping()


@pytest.mark.parametrize("port", ["https", "mqtts"])
def test_garbage_inside_a_session_ends_it_alone(shared_server, world, port):
    living = secure_device(world)
    for number in range(10):
        secured = connect(shared_server, port)
        raw = socket.socket(fileno=os.dup(secured.fileno()))
        raw.sendall(b"\x17\x03\x03\0\x20" + random.Random(number).randbytes(32))  # a record with a wrong tag
        raw.close()
        secured.settimeout(ENOUGH_S)
        try:
            assert secured.recv(1) == b""
        except (ssl.SSLError, ConnectionResetError):
            pass
        secured.close()
    living.ping()


def test_half_a_handshake_holds_nobody_up(shared_server, world):
    hello = ssl.MemoryBIO()
    client = context().wrap_bio(ssl.MemoryBIO(), hello)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    half = hello.read()[:50]
    waiting = []
    for port in ("https", "mqtts"):
        for _ in range(20):
            s = socket.create_connection(shared_server.addresses[port])
            s.sendall(half)
            waiting.append(s)
    with https(shared_server) as c:
        assert c.send(HEALTH).answer().status == 200
    secure_device(world).ping()
    for s in waiting:
        s.close()


# --- another certificate ---------------------------------------------------------------------------------------------

def reload(server, outcome):
    before = server.log_text().count(outcome)
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server.log_text().count(outcome) > before, what=outcome)


@pytest.mark.parametrize("port", ["https", "mqtts"])
def test_sighup_reads_the_certificate_anew(server, tmp_path, port):
    first = certificate_of(server, port)
    write_certificate(tmp_path, "second.example.test")
    assert certificate_of(server, port) == first
    reload(server, "event=certificate_reloaded")
    second = certificate_of(server, port)
    assert second != first and second == ssl.PEM_cert_to_DER_cert((tmp_path / "cert.pem").read_text())


def test_living_connections_live_on_when_the_certificate_changes(server, tmp_path):
    world = World(server)
    device, caller = secure_device(world), https(server)
    assert caller.send(HEALTH).answer().status == 200
    write_certificate(tmp_path, "second.example.test")
    reload(server, "event=certificate_reloaded")
    device.report(REPORT, qos=1)
    assert caller.send(HEALTH).answer().status == 200
    assert world.get(f"devices/{device.did}/data").json["meta"]["total"] == 1
    caller.close()


def put_another_key(directory):
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out",
                    directory / "key.pem"], check=True, capture_output=True)


@pytest.mark.parametrize("break_it", [
    lambda directory: (directory / "cert.pem").write_text("this is no certificate"),
    lambda directory: (directory / "cert.pem").write_text(""),
    lambda directory: (directory / "key.pem").unlink(),
    put_another_key,
], ids=["nonsense", "empty", "no key", "another key"])
def test_a_broken_certificate_is_said_and_the_old_one_stays(server, tmp_path, break_it):
    first = certificate_of(server)
    break_it(tmp_path)
    reload(server, "event=certificate_not_reloaded")
    assert certificate_of(server) == first
    write_certificate(tmp_path, "second.example.test")
    reload(server, "event=certificate_reloaded")
    assert certificate_of(server) != first


def test_sighup_without_tls_does_no_harm(make_server):
    plain = make_server()
    plain.process.send_signal(signal.SIGHUP)
    with Connection(plain.http) as c:
        assert c.send(HEALTH).answer().status == 200


# --- certificates that are not valid ---------------------------------------------------------------------------

def warnings(server, event):
    return [line for line in server.log_text().splitlines() if f"level=warn event={event} " in line]


def not_after(server):
    page = request(server.ops, "GET", "/metrics").body.decode()
    return int(re.search(r"^muster_tls_certificate_not_after_seconds (\d+)$", page, re.M)[1])


def replace_certificate(server, directory, **how):
    write_certificate(directory, "second.example.test", **how)
    reload_certificate(server)


def reload_certificate(server):
    reloads = server.log_text().count("certificate_reloaded")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server.log_text().count("certificate_reloaded") > reloads, what="the new certificate")


def test_the_end_of_the_certificate_is_a_metric_that_follows_a_reload(server, tmp_path):
    assert abs(not_after(server) - time.time() - 2 * 86400) < 3600
    replace_certificate(server, tmp_path, began="+10d")
    assert abs(not_after(server) - time.time() - 12 * 86400) < 3600


def test_an_expired_certificate_that_is_loaded_on_sighup_is_warned_of(server, tmp_path):
    assert warnings(server, "certificate_expired") == []
    replace_certificate(server, tmp_path, began="-10d")
    wait_until(lambda: len(warnings(server, "certificate_expired")) == 1)
    assert str(tmp_path / "cert.pem") in warnings(server, "certificate_expired")[0]
    assert abs(not_after(server) - time.time() + 8 * 86400) < 3600


def test_an_expired_certificate_is_warned_of_at_the_start(server, tmp_path):
    server.stop()
    write_certificate(tmp_path, "second.example.test", began="-10d")
    server.start()
    wait_until(lambda: warnings(server, "certificate_expired"))


def test_a_certificate_whose_time_has_not_come_is_warned_of(server, tmp_path):
    replace_certificate(server, tmp_path, began="+10d")
    wait_until(lambda: warnings(server, "certificate_not_yet_valid"))


def test_an_expired_certificate_further_up_the_chain_is_warned_of(server, tmp_path):
    (tmp_path / "issuer").mkdir()
    write_certificate(tmp_path / "issuer", "issuer.example.test", began="-10d")
    with open(tmp_path / "cert.pem", "a", encoding="ascii") as chain:
        chain.write((tmp_path / "issuer" / "cert.pem").read_text())
    reload_certificate(server)
    wait_until(lambda: warnings(server, "certificate_expired"))
