"""The parts that both played providers stand on."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from webhooks.sandbox.app import create_sandbox
from webhooks.sandbox.credentials import Credentials
from webhooks.sandbox.faults import Faults
from webhooks.sandbox.server import SandboxServer
from webhooks.sandbox.state import Store


def test_a_store_with_a_file_continues_where_it_stopped(tmp_path: Path) -> None:
    store = Store(tmp_path / "sandbox.db", seed=7)
    first = store.new_id("pi")
    store.put("b", "2", {"n": 2})
    store.put("b", "1", {"n": 1})
    store.put("b", "2", {"n": 3})
    store.close()

    again = Store(tmp_path / "sandbox.db", seed=7)
    assert [each["n"] for each in again.all("b")] == [3, 1]
    assert again.new_id("pi") != first
    assert again.delete("b", "1")
    assert not again.delete("b", "1")
    again.close()
    assert [each["n"] for each in Store(tmp_path / "sandbox.db").all("b")] == [3]


def test_documents_go_in_and_come_out_as_copies() -> None:
    store = Store()
    document = {"tags": ["a"]}
    store.put("k", "1", document)
    document["tags"].append("b")
    (store.get("k", "1") or {})["tags"].append("c")
    assert store.find("k", tags=["a"]) == [{"tags": ["a"]}]


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.none() | st.fixed_dictionaries({"x": st.sampled_from(["1", "2", None, 3])}),
        ),
        max_size=30,
    ),
    value=st.sampled_from(["1", "2", None, 3]),
)
def test_a_search_finds_what_a_look_at_every_document_would(
    steps: list[tuple[str, dict[str, Any] | None]], value: Any
) -> None:
    store, model = Store(), dict[str, dict[str, Any]]()
    for key, document in steps:
        store.find("k", x="1")
        if document is None:
            assert store.delete("k", key) is (model.pop(key, None) is not None)
            continue
        store.put("k", key, {**document, "key": key})
        model[key] = document
    expected = [key for key, document in model.items() if document["x"] == value]
    assert [each["key"] for each in store.find("k", x=value)] == expected


def test_ids_look_real_and_are_the_same_under_the_same_seed() -> None:
    one, two = Store(seed=1), Store(seed=1)
    prefixes = ("pi", "evt", "cus", "cs_test")
    ids = [one.new_id(prefix) for prefix in prefixes]
    assert ids == [two.new_id(prefix) for prefix in prefixes]
    assert ids[0].startswith("pi_3")
    assert ids[1].startswith("evt_1")
    assert len(ids[2]) == 18
    assert Store(seed=2).new_id("pi") != ids[0]


def test_a_fault_happens_as_often_as_it_was_asked_for() -> None:
    faults = Faults()
    faults.add({"kind": "error", "count": 2, "provider": "stripe", "path": "/v1/refunds*"})
    about = {"provider": "stripe", "path": "/v1/refunds/re_1"}
    assert faults.take("error", provider="stripe", path="/v1/charges") is None
    assert faults.take("timeout", **about) is None
    assert [faults.take("error", **about) is not None for _ in range(3)] == [True, True, False]
    assert faults.list() == []


def test_a_fault_by_chance_repeats_under_the_same_seed() -> None:
    def luck(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add({"kind": "drop", "probability": 0.5})
        return [faults.take("drop") is not None for _ in range(40)]

    assert luck(3) == luck(3)
    assert 5 < sum(luck(3)) < 35
    assert luck(3) != luck(4)


def test_an_unknown_fault_is_refused_by_name() -> None:
    with pytest.raises(msgspec.ValidationError, match="explode"):
        Faults().add({"kind": "explode"})


def test_credentials_are_made_once_and_kept_for_their_owner_alone(tmp_path: Path) -> None:
    made = Credentials.load_or_make(tmp_path)
    assert Credentials.load_or_make(tmp_path) == made
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Credentials.make() != made
    settings = made.environment("http://127.0.0.1:1")
    assert settings["STRIPE_WEBHOOK_SECRETS"].startswith("whsec_")
    assert settings["PAYPAL_MODE"] == "sandbox"


def test_a_server_starts_at_a_free_port_and_its_sandbox_knows_it(tmp_path: Path) -> None:
    app = create_sandbox(tmp_path)
    with SandboxServer(app) as server:
        assert app.state.world.base_url == server.base_url
        assert requests.get(server.base_url, timeout=5).ok
        assert app.state.world.environment()["BILLHOOK_SANDBOX"] == server.base_url
        with pytest.raises(OSError, match="in use"):
            SandboxServer(app, port=server.port)
    with pytest.raises(requests.ConnectionError):
        requests.get(server.base_url, timeout=5)
