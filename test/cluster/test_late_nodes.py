"""A node that cannot reach the database."""

from cluster import connect
from server import wait_until
from world import request


def health(node):
    return request(node.http, "GET", "/healthz").status


def search(world):
    return world.get("devices/search")


def test_a_node_without_the_database_answers_from_memory_and_then_503(make_cluster):
    cluster = make_cluster(nodes=1)
    world = cluster.world()[0]
    device = connect(world, world.register())
    cluster.postgres.kill()
    assert search(world).json["meta"]["total"] == 1
    late = wait_until(lambda: (answer := search(world)).status == 503 and answer, what="a node that is late")
    assert late.error == (503, 503) and "another one" in late.json["detail_message"]
    assert health(cluster.nodes[0]) == 503
    told = request(cluster.nodes[0].http, "GET", f"/dev/devices/{device.did}")
    assert (told.status, told.body) == (503, b"service unavailable")
    assert request(cluster.nodes[0].http, "GET", "/openapi.json").status == 200
    cluster.postgres.start()
    wait_until(lambda: search(world).status == 200, what="a node that is back")
    wait_until(lambda: health(cluster.nodes[0]) == 200, what="a node that is well")
    wait_until(lambda: search(world).json["meta"]["total"] == 1)
    device.close()
