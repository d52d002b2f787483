"""POST access_token: who gets one, what it is good for, and how long."""

import time

import pytest

from world import World, hex_id, request


def use(server, product_key, token):
    return request(server.http, "GET", f"/v1/products/{product_key}/devices/search", headers={"Authorization": f"token {token}"})


def test_an_older_token_stays_valid(world):
    tokens = [world.take_token().json["token"] for _ in range(3)]
    assert len(set(tokens)) == 3
    assert [use(world.server, world.product_key, token).status for token in tokens] == [200] * 3


def test_a_token_serves_one_product_of_the_enterprise_only(world):
    second, secret = hex_id(), hex_id()
    world.server.apply({"products": [{"product_key": second, "product_secret": secret, "name": "Second"}]})
    world.configure(product_keys=[world.product_key, second])
    body = {"enterprise_id": world.enterprise_id, "enterprise_secret": world.enterprise_secret, "product_secret": secret}
    token = request(world.server.http, "POST", f"/v1/products/{second}/access_token", body).json["token"]
    assert use(world.server, second, token).status == 200
    assert use(world.server, world.product_key, token).error == (400, 5010)
    assert use(world.server, second, world.token).error == (400, 5010)


# --- what is refused, and in which order: everything later is wrong as well ------------------------

FIELDS = ("enterprise_id", "enterprise_secret", "product_secret")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", [None, 7, True, ["x"], {"x": 1}])
def test_an_absent_or_mistyped_field_is_5002_and_named(world, field, value):
    answer = world.take_token(**{field: value})
    assert answer.error == (400, 5002)
    assert field in answer.json["detail_message"]


@pytest.mark.parametrize("field,error", [("enterprise_id", (404, 5003)), ("enterprise_secret", (400, 5004)),
                                         ("product_secret", (400, 5005))])
@pytest.mark.parametrize("value", ["", "x", "0" * 31, "0" * 33, "设备", "0" * 100000])
def test_a_malformed_value_is_merely_wrong(world, field, value, error):
    answer = world.take_token(**{field: value})
    assert answer.error in ((error, (400, 5002)) if value == "" else (error,))


def wrong(world, product_key=None, **right):
    """A token call in which everything is wrong that is not given."""
    body = {"enterprise_id": hex_id(), "enterprise_secret": hex_id(), "product_secret": hex_id(), **right}
    return request(world.server.http, "POST", f"/v1/products/{product_key or hex_id()}/access_token", body)


def test_a_broken_body_comes_before_the_product(world):
    assert request(world.server.http, "POST", f"/v1/products/{hex_id()}/access_token", "{").error == (400, 5001)


def test_the_fields_come_before_the_enterprise(world):
    assert wrong(world, product_secret=None).error == (400, 5002)


def test_the_enterprise_comes_before_its_secret(world):
    assert wrong(world).error == (404, 5003)


def test_the_enterprises_secret_comes_before_the_product(world):
    assert wrong(world, enterprise_id=world.enterprise_id).error == (400, 5004)


def known(world):
    return {"enterprise_id": world.enterprise_id, "enterprise_secret": world.enterprise_secret}


def test_the_product_comes_before_the_association(world):
    assert wrong(world, **known(world)).error == (404, 5015)


def test_the_association_comes_before_the_products_secret(world):
    nobodys = hex_id()
    world.server.apply({"products": [{"product_key": nobodys, "name": "Nobody's"}]})
    assert wrong(world, nobodys, **known(world)).error == (404, 5007)


def test_another_enterprises_product_is_not_associated(world, shared_server):
    other = World(shared_server)
    answer = request(world.server.http, "POST", other.path("access_token"),
                     {**known(world), "product_secret": other.product_secret})
    assert answer.error == (404, 5007)


def test_the_products_secret_comes_before_the_address(world):
    world.configure(ip_allow=["192.0.2.0/24"])
    assert wrong(world, world.product_key, **known(world)).error == (400, 5005)


def test_the_address_is_checked_last(world):
    world.configure(ip_allow=["192.0.2.0/24"], hourly_quota=0)
    assert world.take_token().error == (400, 5012)


# --- secrets and time ---------------------------------------------------------------------------------

def test_a_changed_enterprise_secret_replaces_the_old_one(world):
    secret = hex_id()
    world.configure(enterprise_secret=secret)
    assert world.take_token().error == (400, 5004)
    assert world.take_token(enterprise_secret=secret).status == 201


def test_a_changed_product_secret_replaces_the_old_one(world):
    secret = hex_id()
    world.configure_product(product_secret=secret)
    assert world.take_token().error == (400, 5005)
    assert world.take_token(product_secret=secret).status == 201


def test_a_token_ends_when_its_week_is_over(make_server):
    server = make_server()
    world = World(server)
    old, young = (world.take_token().json["token"] for _ in range(2))
    server.stop()
    with server.registry() as db:
        first, second = (row[0] for row in db.execute("SELECT hash FROM token ORDER BY hash"))
        db.execute("UPDATE token SET expires_at = ? WHERE hash = ?", (int(time.time()) - 10, first))
        db.execute("UPDATE token SET expires_at = ? WHERE hash = ?", (int(time.time()) + 3600, second))
    server.start()
    answers = sorted((use(server, world.product_key, token) for token in (old, young)), key=lambda a: a.status)
    assert answers[0].status == 200
    assert answers[1].error == (400, 5011)


def test_an_expired_token_comes_before_the_product(make_server):
    server = make_server()
    world = World(server)
    assert world.token
    server.stop()
    with server.registry() as db:
        db.execute("UPDATE token SET expires_at = ?", (int(time.time()) - 10,))
    server.start()
    assert use(server, hex_id(), world.token).error == (400, 5011)
    assert world.take_token().status == 201


def test_tokens_survive_a_kill(make_server):
    server = make_server()
    world = World(server)
    tokens = [world.take_token().json["token"] for _ in range(5)]
    server.kill()
    server.start()
    assert [use(server, world.product_key, token).status for token in tokens] == [200] * 5
