"""POST association: an enterprise takes a product for its own."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from world import World, hex_id, request


class Free:
    """A product that belongs to no enterprise, beside a world whose enterprise has another one."""

    def __init__(self, world):
        self.world, self.product_key, self.product_secret = world, hex_id(), hex_id()
        world.server.apply({"products": [{"product_key": self.product_key, "product_secret": self.product_secret,
                                          "name": "Free"}]})

    def post(self, call, by=None, **changed):
        by = by or self.world
        return request(self.world.server.http, "POST", f"/v1/products/{changed.pop('product_key', self.product_key)}/{call}", {
            "enterprise_id": by.enterprise_id, "enterprise_secret": by.enterprise_secret,
            "product_secret": self.product_secret, **changed})


@pytest.fixture
def free(world):
    return Free(world)


def test_a_product_can_be_used_once_it_is_associated(free):
    assert free.post("access_token").error == (404, 5007)
    answer = free.post("association")
    assert (answer.status, answer.json) == (201, {})
    token = free.post("access_token").json["token"]
    found = request(free.world.server.http, "GET", f"/v1/products/{free.product_key}/devices/search",
                    headers={"Authorization": f"token {token}"})
    assert found.status == 200


def test_it_stays_associated(free):
    free.post("association")
    server = free.world.server
    assert server.stop() == 0
    server.start()
    assert free.post("access_token").status == 201


def test_a_product_that_has_an_enterprise_is_5008(free):
    other = World(free.world.server)
    assert free.post("association").status == 201
    assert free.post("association").error == (400, 5008)
    assert free.post("association", by=other).error == (400, 5008)
    assert free.post("access_token", by=other).error == (404, 5007)


def test_of_two_enterprises_at_once_one_gets_it(free):
    callers = [World(free.world.server) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda caller: free.post("association", by=caller), callers))
    assert sorted(answer.status for answer in answers) == [201, 400, 400, 400]
    for caller, answer in zip(callers, answers):
        assert (free.post("access_token", by=caller).status == 201) is (answer.status == 201)


@pytest.mark.parametrize("changed,error", [
    ({"enterprise_id": None}, (400, 5002)), ({"product_secret": 7}, (400, 5002)), ({"enterprise_id": "x"}, (404, 5003)),
    ({"enterprise_secret": "x"}, (400, 5004)), ({"product_key": "x"}, (404, 5015)), ({"product_secret": "x"}, (400, 5005))])
def test_who_asks_is_checked_as_for_a_token(free, changed, error):
    assert free.post("association", **changed).error == error
    assert free.post("access_token").error == (404, 5007)


def test_a_stranger_does_not_learn_whether_a_product_is_taken(free):
    free.post("association")
    assert free.post("association", by=World(free.world.server), product_secret=hex_id()).error == (400, 5005)


def test_the_ip_list_and_the_quota_count(free):
    free.world.configure(ip_allow=["192.0.2.0/24"])
    assert free.post("association").error == (400, 5012)
    free.world.configure(ip_allow=[], hourly_quota=0)
    assert free.post("association").error == (403, 5013)


def test_an_app_is_not_torn_apart(free):
    """An app's products are one enterprise's. The one that gave a product away while its app still has it may
    take it back, nobody else."""
    owner = World(free.world.server)
    owner.configure(product_keys=[owner.product_key, free.product_key])
    free.world.server.apply({"apps": [{"appid": hex_id(), "name": "App",
                                       "product_keys": [owner.product_key, free.product_key]}]})
    owner.configure(product_keys=[owner.product_key])
    assert free.post("association").error == (403, 5018)
    assert free.post("association", by=owner).status == 201
