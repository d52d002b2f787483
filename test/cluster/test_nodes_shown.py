"""What an operator sees of the nodes."""

import json
import re
import socket

from cluster import connect, lives
from metricspage import read
from server import run, wait_until
from test_metrics_documented import names, rows
from test_watching import alerts, metrics_in


def told(node):
    done = run("status", "--data", node.data, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["server"]


def test_every_metric_of_nodes_is_in_the_manual_with_its_labels_and_no_other(shared_cluster):
    page = read(shared_cluster.nodes[0])
    labels = {}
    for sample, pairs in page.samples:
        if sample.startswith("muster_node"):
            labels.setdefault(sample, set()).update(label for label, _ in pairs)
    documented = {row[0].strip("`"): (row[1], names(row[2])) for row in rows(5) if row[0].startswith("`muster_node")}
    assert documented == {name: (page.kinds[name], found) for name, found in labels.items()}
    assert {name for name in metrics_in(alerts()) if name.startswith("muster_node")} <= set(page.kinds)


def test_status_and_metrics_show_all_nodes(shared_cluster):
    worlds = shared_cluster.world()
    device = connect(worlds[0], worlds[0].register())
    device.close()
    nodes = shared_cluster.nodes
    for node in nodes:
        server = told(node)
        assert len(server["nodes"]) == len(nodes)
        assert [seen["own"] for seen in server["nodes"]] == [True, False, False]
        assert all(re.sub("[^A-Za-z0-9._-]", "_", socket.gethostname()) == seen["name"] for seen in server["nodes"])
        assert all(seen["lease_ms"] == 10000 > seen["silent_ms"] for seen in server["nodes"])
        assert server["between_nodes"]["sent"] and server["between_nodes"]["received"]
        assert not server["between_nodes"]["lost"] and not server["between_nodes"]["waiting_logins"]
        page = read(node)
        assert page.get("nodes") == len(nodes)
        assert {dict(pairs)["boot"] for name, pairs in page.samples if name == "muster_node_silent_seconds"} == \
            {str(seen["boot"]) for seen in server["nodes"]}
        text = run("status", "--data", node.data).stdout
        assert text.count("(this one)") == 1 and text.count("last sign of life") == len(nodes)
    assert len({seen["boot"] for node in nodes for seen in told(node)["nodes"]}) == len(nodes)
    wait_until(lambda: all(seen["behind_commits"] == 0 for node in nodes for seen in told(node)["nodes"]),
               what="nodes that follow")


def test_a_node_that_stands_still_is_silent_until_it_is_gone(cluster):
    nodes = cluster.nodes
    own = next(seen["boot"] for seen in told(nodes[2])["nodes"] if seen["own"])
    nodes[2].kill()
    silent = wait_until(lambda: (seconds := read(nodes[0]).sum("node_silent_seconds")) > 5 and seconds, what="silence")
    assert silent < 30
    wait_until(lambda: len(told(nodes[0])["nodes"]) == 2, what="the end of its lease")
    assert own not in [seen["boot"] for seen in told(nodes[0])["nodes"]]
    nodes[2].start()
    assert lives(nodes[2]) and len(told(nodes[2])["nodes"]) == 3
