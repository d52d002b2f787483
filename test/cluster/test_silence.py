"""Nodes that hear nothing, say nothing, or stand still for longer than their lease."""

import contextlib
import http.client
import re
import secrets
import signal
import threading
import time

import pytest

from cluster import (LEASE_S, Background, check_agreement, check_recount, check_sessions, connect, login_somewhere, rows,
                     search, size, wait_for_online)
from load import Traveller
from mqtt import Closed, Device, connect_packet
from proxy import Proxy
from server import ENOUGH_S, stand_still, wait_until
from world import device_request, request, status_report


# --- a node that stands still ----------------------------------------------------------------------------------

def test_a_node_that_stood_still_past_its_lease_acknowledges_nothing_and_ends(cluster):
    worlds = cluster.world()
    devices = [connect(worlds[0], worlds[0].register()) for _ in range(10)]
    for device in devices:
        device.report(status_report(set_temp=20), qos=1)
    node = cluster.nodes[0]
    stand_still(node.process)
    for device in devices:
        device.publish(f"dev2app/{device.did}", status_report(set_temp=30, faults=1), qos=1, packet_id=99)
    # The first half goes on elsewhere, the other half stays away.
    moved = [login_somewhere(worlds[1:], (device.did, device.passcode), n)[0] for n, device in enumerate(devices[:5])]
    for device in moved:
        device.report(status_report(set_temp=25), qos=1)
    wait_for_online(worlds[1:], 5, what="its end")
    node.process.send_signal(signal.SIGCONT)
    for device in devices:
        with pytest.raises(Closed):
            while True:
                first, body = device.receive()
                assert first >> 4 != 4, "acknowledged by a node that is over"
    assert node.process.wait(ENOUGH_S) > 0
    check_agreement(worlds[1:])
    for device in devices:
        log = check_sessions(worlds[1], device.did, online=device in devices[:5])
        assert log[1]["payload"]["reason"] == "offline_exception"
        temperatures = [row["attrs"]["set_temp"] for row in rows(worlds[2], device.did, "data")]
        assert temperatures == [20, 25][:1 + (device in devices[:5])]
    node.start()
    check_recount(cluster, worlds)


def test_a_node_that_stood_still_for_a_moment_goes_on(cluster):
    worlds = cluster.world()
    travellers = [Traveller(worlds[:1], worlds[0].register(), seed, moves=0) for seed in range(5)]
    for _ in range(size(2, 20)):
        wait_until(lambda: all(each.device and each.acknowledged for each in travellers), what="acknowledgements")
        stand_still(cluster.nodes[0].process)
        time.sleep(LEASE_S / 5)
        cluster.nodes[0].process.send_signal(signal.SIGCONT)
        before = [len(each.acknowledged) for each in travellers]
        wait_until(lambda: all(len(each.acknowledged) > then for each, then in zip(travellers, before)), what="more")  # noqa: B023
    for each in travellers:
        each.stop()
    check_agreement(worlds)
    for each in travellers:
        each.check(worlds[1])


@pytest.mark.parametrize("call", ["register", "control", "read"])
def test_a_call_that_waited_while_its_node_stood_still_is_not_answered_falsely(cluster, call):
    worlds = cluster.world()
    registered = worlds[0].register()
    device = connect(worlds[0], registered)
    device.report(status_report(), qos=1)
    check_agreement(worlds)
    node = cluster.nodes[0]
    stand_still(node.process)
    answers = []

    def ask():
        try:
            if call == "register":
                answers.append(request(node.http, "POST", "/dev/devices",
                                       f"passcode=123456&mac=m&product_key={worlds[0].product_key}",
                                       {"Content-Type": "application/x-www-form-urlencoded"}))
            elif call == "control":
                answers.append(worlds[0].control(registered[0], raw=[1]))
            else:
                answers.append(worlds[0].get("devices/search", is_online=1))
        except (OSError, http.client.HTTPException):
            pass  # it ended without an answer

    asking = threading.Thread(target=ask)
    asking.start()
    wait_for_online(worlds[1:], 0, what="its end")
    node.process.send_signal(signal.SIGCONT)
    assert node.process.wait(ENOUGH_S) > 0
    asking.join()
    if call == "register" and answers and answers[0].status == 201:
        # The registry is one for all nodes, so this is true.
        assert worlds[1].get("devices/search").json["meta"]["total"] == 2
    else:
        assert all(answer.status >= 400 for answer in answers), [answer.body for answer in answers]
    node.start()


def through_proxies(proxies, count):
    """For make_cluster: the first nodes reach the database through a proxy each."""
    def uri(cluster, number):
        if number >= count:
            return cluster.uri
        proxies.append(Proxy(cluster.postgres.directory))
        return proxies[-1].uri("muster")

    return uri


def waiting_bytes(node):
    page = request(node.ops, "GET", "/metrics").body.decode()
    return int(re.search(r"^muster_commit_waiting_bytes (\d+)$", page, re.M)[1])


def test_a_node_that_stands_still_in_the_middle_of_a_batch_keeps_no_device(make_cluster):
    """The server would wait for the rest of the batch for ever, and the locks of its claims with it."""
    proxies = []
    cluster = make_cluster(uris=through_proxies(proxies, 1))
    worlds, (proxy,) = cluster.world(), proxies
    node = cluster.nodes[0]
    talker = connect(worlds[0], worlds[0].register())
    registered = [worlds[0].register() for _ in range(20)]
    proxy.commits.clear()
    proxy.waiting.wait()
    before = waiting_bytes(node)
    logins = [Device(node.mqtt, *each, worlds[0].product_key, 4) for each in registered]
    for device in logins:
        device.send(connect_packet(device.did, device.passcode, 4))
    wait_until(lambda: waiting_bytes(node) > before + len(logins) * 50, what="logins")
    talker.send(b"".join(talker.report_bytes(status_report(), 1, n + 1) for n in range(3000)))  # more than FEW
    wait_until(lambda: waiting_bytes(node) > before + 3000 * 50, what="reports")
    proxy.mute_copies = True
    proxy.commits.set()
    assert proxy.muted.wait(ENOUGH_S)
    stand_still(node.process)
    claimed = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
    assert cluster.sql(claimed)[0][0] > 0
    moved = [login_somewhere(worlds[1:], each, n)[0] for n, each in enumerate(registered)]
    node.process.send_signal(signal.SIGCONT)
    assert node.process.wait(ENOUGH_S) > 0
    with pytest.raises(Closed):
        talker.receive()
    for device in logins:
        with contextlib.suppress(Closed):
            assert device.receive()[1] != b"\0\0", "let in by a node that is over"
    check_agreement(worlds[1:])
    assert not rows(worlds[1], talker.did, "data")
    for device in moved:
        assert len(check_sessions(worlds[1], device.did, online=True)) == 1
    proxy.mute_copies = False
    node.start()
    check_recount(cluster, worlds)
    proxy.close()


def test_a_node_that_stands_still_in_the_middle_of_a_write_does_not_keep_others_from_writing(make_cluster):
    proxies = []
    cluster = make_cluster(uris=through_proxies(proxies, 1))
    worlds, (proxy,) = cluster.world(), proxies
    node = cluster.nodes[0]

    acknowledged = []

    def write():
        with contextlib.suppress(ConnectionError):
            answer = device_request(node.http, "POST", "/dev/devices", f"passcode=123456&mac=m&product_key={worlds[0].product_key}")
            acknowledged.extend([answer] if answer[0] == 201 else [])

    proxy.mute_writes = True
    writing = threading.Thread(target=write)
    writing.start()
    assert proxy.muted.wait(ENOUGH_S)
    stand_still(node.process)
    writers = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted"
    assert cluster.sql(writers) == [(1,)]
    began = time.monotonic()
    did, _ = worlds[1].register()
    assert time.monotonic() - began > LEASE_S / 2, "nobody was there to wait for"
    node.process.send_signal(signal.SIGCONT)
    assert node.process.wait(ENOUGH_S) > 0
    writing.join()
    assert not acknowledged
    assert [row["did"] for row in search(worlds[2])] == [did]
    proxy.mute_writes = False
    node.start()
    check_recount(cluster, worlds)
    proxy.close()


# --- a node that the bus does not reach ------------------------------------------------------------------------

def disturb(world, others, times):
    """What one node acknowledges, the others know; and devices move between them."""
    for n in range(times):
        writes, reads = (world, others[n % 2]) if n % 2 else (others[n % 2], world)
        mac = secrets.token_hex(6)
        did, passcode = writes.register(mac)
        assert reads.get("devices/search", type="did", val=did).json["meta"]["total"] == 1
        device = connect(reads, (did, passcode))
        device.report(status_report(faults=1, set_temp=17), qos=1)
        check_agreement([world, *others])
        again, _ = login_somewhere([writes], (did, passcode))
        again.report(status_report(set_temp=18), qos=1)
        device.expect_closed()
        check_agreement([world, *others])
        log = check_sessions(reads, did, online=True)
        assert [row["payload"].get("reason") for row in log] == [None, "offline_force", None]
        again.close()


def test_a_node_that_hears_nothing_on_the_bus_is_late_and_never_wrong(make_cluster):
    proxies = []
    cluster = make_cluster(uris=through_proxies(proxies, 1))
    worlds = cluster.world()
    proxies[0].drop_notifications = True
    disturb(worlds[0], worlds[1:], size(4, 30))
    assert proxies[0].dropped
    check_recount(cluster, worlds)
    proxies[0].close()


def test_a_bus_whose_connections_break_again_and_again_loses_nothing(cluster):
    worlds = cluster.world()
    cuts = []

    def cut():
        # What the bus says first on a connection, and what it sends.
        cuts.extend(cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                                "AND (query LIKE '%LISTEN muster%' OR query LIKE '%pg_notify(c, t)%')"))
        time.sleep(0.1)

    cutting = Background(cut)
    disturb(worlds[0], worlds[1:], size(6, 60))
    cutting.stop()
    assert len(cuts) >= 3 * size(6, 60), "a node's connection was not cut"
    check_recount(cluster, worlds)
