"""The clients that count failed requests: nothing they meet ends them, and nothing goes uncounted."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.contract import asking

DEPLOYMENT = {"azureml-model-deployment": "one"}


def _answer(status: int = 200, body: Any = None, headers: dict[str, str] = DEPLOYMENT) -> Any:
    def json() -> Any:
        if isinstance(body, Exception):
            raise body
        return body

    return SimpleNamespace(status_code=status, json=json, text="text", headers=headers)


def _no_key() -> str:
    raise OSError("Azure gives no key")


@pytest.mark.parametrize(
    ("answer", "key", "why"),
    [
        (_answer(body={"output": "x"}), lambda: "k", ""),
        (_answer(body={"output": "x"}), _no_key, "OSError: Azure gives no key"),
        (_answer(503), lambda: "k", "ValueError: 503"),
        (_answer(body={"output": ""}), lambda: "k", "ValueError: 200"),
        (_answer(body=ValueError("no JSON")), lambda: "k", "no JSON"),
        (_answer(body={"logits": 1}), lambda: "k", "UnknownAnswer"),
        (_answer(body={"output": "x"}, headers={}), lambda: "k", "KeyError"),
    ],
)
def test_whatever_is_no_answer_is_counted_and_asking_goes_on(
    answer: Any, key: Any, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "EVERY", 0.0)
    monkeypatch.setattr(asking.requests.Session, "post", lambda *_, **__: answer)
    with asking.asking("https://x/score", key, clients=2) as tally:
        tally.phase = "shift"
        # Some may have asked before the phase began.
        tally.until(lambda: tally.phases["shift"] > 5 or len(tally.failures) > 20)
    assert bool(tally.failures) == bool(why) and bool(tally.answers) != bool(why)
    assert all(why in each for each in tally.failures)
    assert why or (tally.phases["shift"] and tally.keys == {"k"})


def test_a_client_that_stopped_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_client", lambda *_: None)
    with pytest.raises(AssertionError, match="stopped asking"), asking.asking("https://x/score", lambda: "k", 1):
        pass


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(asking, "PATIENCE", 10.0)
    yield
