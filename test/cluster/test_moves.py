"""Devices that move from one node to another while their session lives."""

import time

from cluster import (Background, check_agreement, check_recount, check_sessions, connect, login_somewhere, rows, size,
                     wait_for_online)
from load import Traveller
from mqtt import Closed, Device, connect_packet
from server import wait_until
from world import status_report

MANY = size(300, 2000)


def test_a_device_at_two_nodes_in_turn_has_one_session_at_a_time(cluster):
    worlds = cluster.world()
    registered = worlds[0].register()
    left = None
    for n in range(size(60, 1000)):
        device = connect(worlds[n % 3], registered)
        device.report(status_report(set_temp=16 + n % 15), qos=1)
        if left:
            left.expect_closed()
            left.close()
        left = device
    log = check_sessions(worlds[0], registered[0], online=True)
    assert len(log) == 2 * size(60, 1000) - 1
    assert {row["payload"]["reason"] for row in log[1::2]} == {"offline_force"}
    assert len(rows(worlds[0], registered[0], "data")) == size(60, 1000)
    told = check_agreement(worlds)
    assert told["search"][0]["is_online"]
    check_recount(cluster, worlds)


def test_rivals_at_all_nodes_leave_whole_records(cluster):
    """Three places where the same device logs in, each as soon as it has lost its session."""
    worlds = cluster.world()
    registered = worlds[0].register()
    let_in = [0] * 3

    def rival(number):
        def step():
            try:
                device = Device(worlds[number].server.mqtt, *registered, worlds[number].product_key, 4)
                if device.connect() == 0:
                    let_in[number] += 1
                    device.expect_closed()
                device.close()
            except Closed:
                device.close()
        return step

    rivals = [Background(rival(number)) for number in range(3)]
    wait_until(lambda: min(let_in) >= size(10, 200), what="take-overs")
    for each in rivals:
        each.stopping.set()
    # The one that holds the session waits until it loses it.
    while any(each.is_alive() for each in rivals):
        last, _ = login_somewhere(worlds, registered)
        time.sleep(0.05)
    for each in rivals:
        each.stop()
    last, _ = login_somewhere(worlds, registered)
    last.report(status_report(), qos=1)
    log = check_sessions(worlds[1], registered[0], online=True)
    # A login whose CONNACK came too late is on record, too.
    assert (len(log) + 1) // 2 >= sum(let_in) + 1
    check_agreement(worlds)


def is_let_in(device):
    """What the node answers to a CONNECT that was sent before."""
    try:
        return device.receive()[1][1] == 0
    except Closed:
        return False


def test_many_devices_that_move_at_once_are_all_online_again(cluster):
    worlds = cluster.world()
    before = [connect(worlds[0], worlds[n % 3].register()) for n in range(MANY)]
    for device in before[::7]:
        device.report(status_report(faults=1), qos=1)
    after = [Device(worlds[1 + n % 2].server.mqtt, device.did, device.passcode, device.product_key, 4)
             for n, device in enumerate(before)]
    for device in after:
        device.send(connect_packet(device.did, device.passcode, 4))
    refused = [n for n, device in enumerate(after) if not is_let_in(device)]
    for n in refused:
        after[n].close()
        after[n], _ = login_somewhere(worlds[1:], (before[n].did, before[n].passcode), n)
    print(f"{len(refused)} of {MANY} logins refused at first")
    for device in before:
        device.expect_closed()
        device.close()
    for device in after:
        device.report(status_report(faults=0), qos=1)
    told = check_agreement(worlds)
    assert all(row["is_online"] and not row["is_faulty"] for row in told["search"]) and len(told["search"]) == MANY
    for device in after[::size(10, 20)]:
        log = check_sessions(worlds[0], device.did, online=True)
        assert [row["payload"].get("reason") for row in log] == [None, "offline_force", None]
    for device in after:
        device.close()
    wait_for_online(worlds, 0)
    check_recount(cluster, worlds)


def test_devices_that_go_both_ways_at_once_fail_no_commit(cluster):
    """Each node claims what the other one holds, while that one writes its end."""
    worlds = cluster.world()[:2]
    devices = [connect(worlds[n % 2], worlds[n % 2].register()) for n in range(2 * MANY)]
    for moves in range(1, 4):
        before = devices
        devices = [Device(worlds[(n + moves) % 2].server.mqtt, device.did, device.passcode, device.product_key, 4)
                   for n, device in enumerate(before)]
        for device in devices:
            device.send(connect_packet(device.did, device.passcode, 4))
        assert all(map(is_let_in, devices))
        for device in before:
            device.expect_closed()
            device.close()
    for node in cluster.nodes:
        log = node.log_text()
        assert "40P01" not in log and "commit_failed" not in log and "journal_failed" not in log
    for device in devices[::size(10, 20)]:
        assert len(check_sessions(worlds[0], device.did, online=True)) == 7
    check_agreement(worlds)
    for device in devices:
        device.close()


def test_reports_of_a_device_that_keeps_moving_come_once_and_in_order(cluster):
    worlds = cluster.world()
    travellers = [Traveller(worlds, worlds[0].register(), seed, moves=0.5) for seed in range(6)]
    wait_until(lambda: all(each.logins >= size(20, 300) for each in travellers), what="moves")
    for each in travellers:
        each.stop()
    wait_for_online(worlds, 0)
    check_agreement(worlds)
    for world in worlds:
        for each in travellers:
            each.check(world)


def test_a_clean_end_of_a_node_lets_its_devices_in_elsewhere_at_once(cluster):
    worlds = cluster.world()
    devices = [connect(worlds[0], worlds[0].register()) for _ in range(20)]
    assert cluster.nodes[0].stop() == 0
    assert cluster.living() == 2, "its lease goes on"
    wait_for_online(worlds[1:], 0)
    again = [login_somewhere(worlds[1:], (device.did, device.passcode), n)[0] for n, device in enumerate(devices)]
    for device in again:
        log = check_sessions(worlds[1], device.did, online=True)
        assert len(log) == 3
    cluster.nodes[0].start()
    check_agreement(worlds)
