"""Controls of devices whose session another node holds."""

import signal
import threading
import time

import pytest

from cluster import check_agreement, connect, login_somewhere, lives, rows, size
from load import Controller, Traveller, control_number
from server import stand_still, wait_until
from world import status_report


def numbers_on_record(world, did):
    return [control_number(bytes.fromhex(row["payload"])) for row in rows(world, did, "cmd") if row["type"] == "app2dev"]


def raw(number):
    return list(number.to_bytes(4, "big"))


def known(worlds):
    """A device at the first node, of which all nodes know."""
    device = connect(worlds[0], worlds[0].register())
    check_agreement(worlds)
    return device


@pytest.fixture
def shared_worlds(shared_cluster):
    return shared_cluster.world()


def test_a_control_through_another_node_reaches_the_device_and_is_on_record(shared_worlds):
    device = known(shared_worlds)
    for n in range(size(50, 1000)):
        assert shared_worlds[1 + n % 2].control(device.did, raw=raw(n)).status == 200
        _, payload, _ = device.receive_publish()
        assert control_number(payload) == n
    for world in shared_worlds:
        assert numbers_on_record(world, device.did) == list(range(size(50, 1000)))
    device.close()


def test_datapoints_through_another_node_become_the_same_frame(shared_worlds):
    """Also what the control does not set, which is what the device has reported last."""
    device = known(shared_worlds)
    device.report(status_report(set_temp=27, mode=2), qos=1)
    frames = []
    for world in shared_worlds:
        answer = world.control(device.did, attrs={"switch": 1})
        assert answer.status == 200, answer.body
        frames.append(device.receive_publish()[1])
    assert frames[1] == frames[0] and frames[2] == frames[0]
    device.close()


def test_a_device_that_does_not_listen_or_is_nowhere_is_refused_alike_by_every_node(shared_worlds):
    did, passcode = shared_worlds[0].register()
    assert {world.control(did, raw=[1]).error for world in shared_worlds} == {(400, 5305)}
    device = shared_worlds[0].device(registered=(did, passcode), level=4)
    device.disconnect()
    for world in shared_worlds:
        refused = wait_until(lambda: (answer := world.control(did, raw=[1])).status != 200 and answer, what="its end")  # noqa: B023
        assert refused.error == (400, 5305)


def test_controls_at_once_through_all_nodes_come_once(shared_worlds):
    device = known(shared_worlds)
    answers = [None] * 30

    def send(n):
        answers[n] = shared_worlds[n % 3].control(device.did, raw=raw(n)).status

    threads = [threading.Thread(target=send, args=(n,)) for n in range(30)]
    for thread in threads:
        thread.start()
    arrived = sorted(control_number(device.receive_publish()[1]) for _ in threads)
    for thread in threads:
        thread.join()
    assert answers == [200] * 30 and arrived == list(range(30))
    assert sorted(numbers_on_record(shared_worlds[2], device.did)) == arrived
    device.close()


def test_a_control_of_a_device_that_has_just_moved_reaches_it(shared_worlds):
    registered = shared_worlds[0].register()
    for n in range(size(20, 300)):
        device = connect(shared_worlds[n % 3], registered)
        answer = shared_worlds[(n + 1) % 3].control(registered[0], raw=raw(n))
        if answer.status != 200:
            # This node has not heard yet where the device is.
            assert answer.error in ((400, 5305), (400, 5403))
            wait_until(lambda: shared_worlds[(n + 1) % 3].control(registered[0], raw=raw(n)).status == 200, what="the control")  # noqa: B023
        assert control_number(device.receive_publish()[1]) == n
        device.close()


def test_while_the_devices_node_dies_no_control_is_said_to_be_sent(cluster):
    worlds = cluster.world()
    for _ in range(size(1, 10)):
        devices = [connect(worlds[0], worlds[0].register()) for _ in range(3)]
        check_agreement(worlds)
        stand_still(cluster.nodes[0].process)
        answers = []
        threads = [threading.Thread(target=lambda d=d: answers.append(worlds[1].control(d.did, raw=[1]))) for d in devices]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        cluster.nodes[0].kill()
        for thread in threads:
            thread.join()
        assert [answer.error for answer in answers] == [(400, 5403)] * 3
        cluster.nodes[0].start()
        for device in devices:
            again, _ = login_somewhere(worlds[1:], (device.did, device.passcode))
            assert numbers_on_record(worlds[2], device.did) == []
            again.close()


def test_controls_while_nodes_die_and_devices_move_are_never_falsely_sent(cluster):
    worlds = cluster.world()
    travellers = [Traveller(worlds, worlds[0].register(), seed, moves=0.05) for seed in range(6)]
    controllers = [Controller([world], [each.did for each in travellers], 1000000 * number) for number, world in enumerate(worlds)]
    for n in range(size(3, 30)):
        said = len(controllers[1].said)
        wait_until(lambda: len(controllers[1].said) >= said + 20, what="controls")  # noqa: B023
        cluster.nodes[n % 3].kill()
        cluster.nodes[n % 3].start()
    for each in [*controllers, *travellers]:
        each.stop()
    assert all(map(lives, cluster.nodes))
    check_agreement(worlds)
    for controller in controllers:
        controller.check(worlds[0], travellers)
