"""The project's connection, as the chat reads it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from flow_fake import CONNECTION, ID, SUBSCRIPTION

from chat import connection, front_ends
from chat.phi_messages import ChatRequest
from cloud import credentials


class Azure:
    """Stands where requests would reach Azure Resource Manager."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, status: int, properties: object) -> None:
        self.url = ""
        self._answer = SimpleNamespace(status_code=status, json=lambda: {"properties": properties})
        token = SimpleNamespace(get_token=lambda _: SimpleNamespace(token="t"))
        monkeypatch.setattr(connection, "credential", lambda: token)
        monkeypatch.setattr(credentials, "_environment", {})
        monkeypatch.setattr(connection.requests, "post", self)

    def __call__(self, url: str, **_: object) -> SimpleNamespace:
        self.url = url
        return self._answer


@pytest.mark.parametrize(
    "properties",
    [
        {"metadata": {"endpoint": "https://e/score"}, "credentials": {"keys": {"key": "k"}}},
        {"metadata": None, "credentials": {"keys": {"endpoint": "https://e/score", "key": "k"}}},
    ],
)
def test_the_connection_as_the_program_and_as_the_portal_write_it(
    monkeypatch: pytest.MonkeyPatch, properties: object
) -> None:
    azure = Azure(monkeypatch, 200, properties)
    found = connection.read_connection(ID)
    assert (found.endpoint, found.key) == ("https://e/score", "k")
    assert azure.url.startswith(f"https://management.azure.com{ID}/listsecrets?api-version=")
    assert "'k'" not in repr(found)


def test_who_has_several_tenants_is_asked_in_that_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    Azure(monkeypatch, 200, {"metadata": {"endpoint": "https://e/score"}, "credentials": {"keys": {"key": "k"}}})
    monkeypatch.setenv("ARM_SUBSCRIPTION_ID", "default-of-az")
    connection.read_connection(ID)
    assert credentials.subscription_id() == SUBSCRIPTION


@pytest.mark.parametrize(
    ("written", "timeout"), [("150", 150.0), (None, 90.0), ("soon", 90.0), ("-1", 90.0), ("nan", 90.0)]
)
def test_the_connection_says_how_long_an_answer_may_take(
    monkeypatch: pytest.MonkeyPatch, written: str | None, timeout: float
) -> None:
    metadata = {"endpoint": "https://e/score"} | ({"request_timeout_seconds": written} if written else {})
    Azure(monkeypatch, 200, {"metadata": metadata, "credentials": {"keys": {"key": "k"}}})
    assert connection.read_connection(ID).timeout == timeout


@pytest.mark.parametrize(("written", "system"), [("Answer in rhymes.", "Answer in rhymes."), (None, "")])
def test_the_connection_says_what_the_model_is_told_first(
    monkeypatch: pytest.MonkeyPatch, written: str | None, system: str
) -> None:
    metadata = {"endpoint": "https://e/score"} | ({"system_prompt": written} if written else {})
    Azure(monkeypatch, 200, {"metadata": metadata, "credentials": {"keys": {"key": "k"}}})
    assert connection.read_connection(ID).system == system


def test_the_plain_front_end_waits_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(front_ends, "stream", lambda *_, timeout: waited.append(timeout))
    front_ends.front_end(front_ends.PLAIN, CONNECTION)(ChatRequest("Who?"))
    assert waited == [150.0]


@pytest.mark.parametrize(
    ("status", "properties", "says"),
    [
        (403, {}, "Ask for the role"),
        (404, {}, "There is no connection phi-connection-1 of project project"),
        (500, {}, "answered 500"),
        (200, {"metadata": {"endpoint": "https://e/score"}, "credentials": None}, "lacks key"),
        (200, [], "lacks endpoint, key"),
    ],
)
def test_a_connection_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, status: int, properties: object, says: str
) -> None:
    Azure(monkeypatch, status, properties)
    with pytest.raises(connection.ConnectionUnreadable, match=says):
        connection.read_connection(ID)


def test_an_id_that_is_no_connections() -> None:
    with pytest.raises(connection.ConnectionUnreadable, match="not a connection's id"):
        connection.read_connection("phi-connection")
