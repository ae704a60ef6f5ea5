"""Registered stacks: what stands under a name, what its id is made of, and that a restart changes nothing."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import lamina as lm
from lamina.v1 import service_pb2
from tests.acceptance.raw import Raw
from tests.acceptance.words import says
from tests.client.clients import AnyClient, connected

STACK = lm.Stack([lm.Input((20, 3)), lm.Conv1D(4, 5, activation="relu"), lm.LSTM(6), lm.Dense(2)])
SMALL = lm.Stack([lm.Input((3,)), lm.Dense(2, name="d")])
NUMBERS = np.random.default_rng(0)
GIVEN = {"d/kernel": NUMBERS.standard_normal((3, 2)), "d/bias": NUMBERS.standard_normal(2)}
X = NUMBERS.standard_normal((4, 20, 3))


@pytest.fixture
def name(caller: AnyClient) -> Iterator[str]:
    """A name that nothing stands under, before and after."""
    yield "a-name"
    if any(info.name == "a-name" for info in caller.each("list")):
        caller.call("unregister", "a-name")


def test_a_stack_comes_back_as_it_was_sent(caller: AnyClient, name: str) -> None:
    done = caller.call("register", name, STACK, seed=7)
    assert done.created
    assert done.name == name
    found = caller.call("get", name)
    assert found.stack == STACK
    assert found.info == done.info
    assert caller.call("get", done.id).stack == STACK
    assert (found.info.seed, found.info.weights, found.info.weight_bytes, found.info.error) == (7, (), 0, "")
    assert [info for info in caller.each("list") if info.name == name] == [done.info]
    assert caller.call("trace", name).stack_id == done.id


def test_what_its_weights_are_is_told(caller: AnyClient, name: str) -> None:
    info = caller.call("register", name, SMALL, GIVEN).info
    assert {weight.name: weight.shape for weight in info.weights} == {"d/kernel": (3, 2), "d/bias": (2,)}
    assert (info.weight_bytes, info.seed) == (32, None)
    x = NUMBERS.standard_normal((5, 3)).astype("float32")
    result = caller.call("infer", name, x)
    wanted = x @ GIVEN["d/kernel"].astype("float32") + GIVEN["d/bias"].astype("float32")
    np.testing.assert_allclose(result.output, wanted, rtol=1e-5, atol=1e-6)
    assert result.receipt.seed is None


def test_the_same_content_again_changes_nothing(caller: AnyClient, name: str) -> None:
    first = caller.call("register", name, SMALL, GIVEN)
    again = caller.call("register", name, SMALL, dict(reversed(GIVEN.items())))
    assert (first.created, again.created) == (True, False)
    assert again.info == first.info


def test_a_taken_name_is_moved_only_where_it_is_asked_for(server: lm.LocalServer, caller: AnyClient, name: str) -> None:
    first = caller.call("register", name, SMALL, seed=1)
    with pytest.raises(lm.AlreadyExistsError) as caught:
        caller.call("register", name, SMALL, seed=2)
    assert caught.value.reason == "NAME_TAKEN"
    says(str(caught.value), name, first.id, "replace")
    assert caller.call("get", name).info.id == first.id
    moved = caller.call("register", name, SMALL, seed=2, replace=True)
    assert moved.created
    assert moved.id != first.id
    assert caller.call("get", name).info.id == moved.id
    with lm.Client(server.address, reregister=False) as other, pytest.raises(lm.NotFoundError):
        other.get(first.id)


def test_a_stack_stays_as_long_as_one_name_stands_for_it(caller: AnyClient, name: str) -> None:
    first, second = caller.call("register", name, SMALL, seed=3), caller.call("register", "other", SMALL, seed=3)
    assert first.id == second.id
    caller.call("unregister", "other")
    assert caller.call("get", first.id).stack == SMALL
    with pytest.raises(lm.NotFoundError) as caught:
        caller.call("get", "other")
    assert caught.value.reason == "STACK_NOT_FOUND"
    with pytest.raises(lm.NotFoundError):
        caller.call("unregister", "other")


def test_the_list_goes_by_name_and_in_pages(raw: Raw, client: lm.Client) -> None:
    names = [f"page-{i}" for i in (3, 1, 4, 0, 2)]
    for one in names:
        client.register(one, SMALL, seed=0)
    token, pages = "", []
    while True:
        request = service_pb2.ListStacksRequest(page_size=2, page_token=token)
        page = service_pb2.ListStacksResponse.FromString(raw.call("ListStacks", request))
        pages.append([info.name for info in page.stacks])
        token = page.next_page_token
        if not token:
            break
    assert [one for page in pages for one in page if one in names] == sorted(names)
    assert all(len(page) == 2 for page in pages[:-1])
    assert [info.name for info in client.list() if info.name in names] == sorted(names)
    for one in names:
        client.unregister(one)


def test_an_id_is_made_of_the_content_and_nothing_else(client: lm.Client, tmp_path: Path) -> None:
    """Another server, another day, another order: the same id. Other numbers, another seed, another option: another."""
    unnamed = lm.Stack([lm.Input((3,)), lm.Dense(2)])
    contents = [(SMALL, GIVEN, None), (SMALL, None, 5), (SMALL, None, 6), (unnamed, None, 5), (STACK, None, 5)]
    contents += [(SMALL, {**GIVEN, "d/bias": GIVEN["d/bias"] + 1}, None)]
    with lm.LocalServer(store_dir=tmp_path) as server, lm.Client(server.address) as other:
        ids = []
        for stack, weights, seed in contents:
            done = [one.register("content", stack, weights, seed=seed, replace=True) for one in (client, other)]
            assert done[0].id == done[1].id
            ids.append(done[0].id)
    client.unregister("content")
    assert len(set(ids)) == len(contents)
    inline = client.infer(SMALL, np.ones((1, 3)), weights=GIVEN).receipt
    assert (inline.stack_id, inline.seed) == (ids[0], None)
    assert client.infer(SMALL, np.ones((1, 3)), seed=5).receipt.stack_id == ids[1]


@pytest.mark.parametrize("flavour", ["sync", "async"])
def test_a_restart_loses_nothing_and_changes_no_bit(tmp_path: Path, flavour: str) -> None:
    with lm.LocalServer(store_dir=tmp_path) as server, connected(flavour, server.address) as one:
        for name, stack, weights, seed in (("a", STACK, None, 1), ("b", SMALL, GIVEN, None), ("c", SMALL, GIVEN, None)):
            one.call("register", name, stack, weights, seed=seed)
        one.call("register", "a", STACK, seed=2, replace=True)
        one.call("register", "gone", STACK, seed=3)
        one.call("unregister", "gone")
        before, listed = one.call("infer", "a", X, fetch="*"), one.each("list")
        exported = bytes(one.call("export", "b"))
    with lm.LocalServer(store_dir=tmp_path) as server, connected(flavour, server.address, reregister=False) as one:
        assert one.each("list") == listed
        assert [info.name for info in listed] == ["a", "b", "c"]
        after = one.call("infer", "a", X, fetch="*")
        assert not after.receipt.cache_hit
        assert list(after.fetched) == list(before.fetched)
        for name in before.fetched:
            assert before[name].tobytes() == after[name].tobytes()
        assert after.receipt.model_sha256 == before.receipt.model_sha256
        assert bytes(one.call("export", "c")) == exported
        assert one.call("get", "a").stack == STACK
        with pytest.raises(lm.NotFoundError):
            one.call("get", "gone")
