"""What the package has for Prometheus and Grafana (packaging/), held against promtool and a running server."""

import itertools
import json
import os
import re
import subprocess

import pytest

from world import request

PACKAGING = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../packaging"))
# What Grafana puts in place of its variables.
VARIABLES = {"$instance": ".+", "$__rate_interval": "5m"}


def promtool(*arguments):
    done = subprocess.run(["promtool", *map(str, arguments)], cwd=PACKAGING, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def alerts():
    with open(os.path.join(PACKAGING, "alerts.yml"), encoding="utf-8") as file:
        return file.read()


@pytest.fixture(scope="module")
def dashboard():
    with open(os.path.join(PACKAGING, "dashboard.json"), encoding="utf-8") as file:
        return json.load(file)


def expressions(dashboard):
    found = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    found += [annotation["expr"] for annotation in dashboard["annotations"]["list"]]
    for variable, value in VARIABLES.items():
        found = [expression.replace(variable, value) for expression in found]
    return found


def metrics_in(text):
    return set(re.findall(r"\b(?:muster|process)_[a-z_]+\b", text))


@pytest.fixture(scope="module")
def families(make_shared_server, tmp_path_factory):
    """Of a server with TLS: some metrics are its only."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                    folder / "key.pem", "-out", folder / "cert.pem", "-subj", "/CN=x"], check=True, capture_output=True)
    server = make_shared_server("--https", "127.0.0.1:0", "--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem"))
    page = request(server.ops, "GET", "/metrics").body.decode()
    return dict(re.findall(r"(?m)^# TYPE (\S+) (\S+)$", page))


def test_prometheus_takes_the_alert_rules():
    promtool("check", "rules", "alerts.yml")


def test_each_alert_fires_when_it_should_and_not_before():
    promtool("test", "rules", "alerts_test.yml")


def test_each_alert_has_its_test():
    with open(os.path.join(PACKAGING, "alerts_test.yml"), encoding="utf-8") as file:
        tested = set(re.findall(r'alertname="(\w+)"', file.read()))
    assert tested == set(re.findall(r"- alert: (\w+)", alerts()))


@pytest.mark.embedded("some are about the files")
def test_rules_and_dashboard_name_metrics_that_the_server_has(families, dashboard):
    expressions_of_alerts = " ".join(re.findall(r"(?s)expr: (.*?)\n +(?:for|labels):", alerts()))
    named = metrics_in(expressions_of_alerts) | metrics_in(" ".join(expressions(dashboard)))
    assert len(named) > 25
    for name in named:
        if name.startswith("muster_node"):
            continue  # only where there are nodes: test/cluster
        family = name.removesuffix("_bucket")
        assert families.get(family) == "histogram" if name != family else family in families, name
    mentioned = metrics_in(re.sub(r"(?s)expr: .*?\n +(?:for|labels):", "", alerts()))
    assert mentioned <= set(families), "in what an alert says"


def test_prometheus_takes_every_expression_of_the_dashboard(dashboard, tmp_path):
    rules = [{"record": f"a:{number}", "expr": expression} for number, expression in enumerate(expressions(dashboard))]
    path = tmp_path / "dashboard.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))  # JSON is YAML
    assert len(rules) > 30 and not any("$" in rule["expr"] for rule in rules)
    promtool("check", "rules", path)


def test_panels_of_the_dashboard_lie_beside_each_other_and_ask_the_chosen_source(dashboard):
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24 and panel["title"]
        assert panel["type"] == "row" or panel["datasource"] == chosen
    for one, two in itertools.combinations(dashboard["panels"], 2):
        a, b = one["gridPos"], two["gridPos"]
        assert (a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"] or
                a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]), (one["title"], two["title"])
        assert one["id"] != two["id"]
