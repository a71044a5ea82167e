"""An endpoint that has no key: where a token goes, whose it is, and what is said when it does not open."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from chat import entra
from chat.phi_client import stream
from chat.phi_key import Opener
from chat.phi_messages import ChatRequest, InvalidInput, KeyRefused, Unreachable, refusal

URL = "https://phi.eastus2.inference.ml.azure.com/score"


@pytest.mark.parametrize(
    "url",
    [
        "https://phi.eastus2.inference.ml.azure.com.example.com/score",
        "https://inference.ml.azure.com.evil/score",
        "https://evil-inference.ml.azure.com/score",
        "http://phi.eastus2.inference.ml.azure.com/score",
        "http://127.0.0.1:8000/score",
        "https://management.azure.com/score",
    ],
)
def test_a_token_goes_to_no_other_host(url: str) -> None:
    asked: list[str] = []

    def token() -> str:
        asked.append("token")
        return "secret"

    with pytest.raises(InvalidInput):
        list(stream(url, token, ChatRequest("hi")))
    assert asked == []


def test_a_token_is_got_for_each_question_and_hidden_in_what_is_told() -> None:
    tokens = iter(["first", "second"])
    opener = Opener(lambda: next(tokens), urlsplit(URL))
    for said in ("first", "second"):
        opener.open()
        request = requests.Request("POST", URL, auth=opener).prepare()
        assert request.headers["Authorization"] == f"Bearer {said}"
        assert opener.without_key(f"no {said} here".encode()) == b"no *** here"


@pytest.mark.parametrize("secret", ["a-key", lambda: "a-token"])
def test_an_address_that_requests_reads_otherwise_gets_neither_key_nor_token(secret: Any) -> None:
    url = "https://evil.com\\.inference.ml.azure.com/score"
    with pytest.raises(InvalidInput, match="can be read in two ways"):
        list(stream(url, secret, ChatRequest("hi")))


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_refused_is_told_which_role_opens(status: int) -> None:
    error = refusal("phi", status, "no", "", by_token=True)
    assert isinstance(error, KeyRefused)
    assert "onlineEndpoints/score/action" in str(error) and "AzureML Data Scientist" in str(error)
    assert "pulumi up" in str(refusal("phi", status, "no", ""))


@pytest.mark.parametrize("by_token", [True, False])
@pytest.mark.parametrize("said", ["public_network_access_disabled", '{"error": "Public network access is disabled"}'])
def test_who_is_outside_a_closed_network_is_told_so_and_not_of_a_key(said: str, *, by_token: bool) -> None:
    error = refusal("phi", 403, said, "", by_token=by_token)
    assert type(error) is Unreachable
    assert str(error).startswith("The endpoint phi answers only in its own network (403)") and "key" not in str(error)


@pytest.mark.parametrize(
    ("mode", "by_token"), [("AADToken", True), ("aad_token", True), ("Key", False), ("AMLToken", False), (None, False)]
)
def test_the_mode_of_an_endpoint(mode: Any, *, by_token: bool) -> None:
    assert entra.by_token(mode) is by_token


def test_a_token_is_one_for_azure_ml(monkeypatch: pytest.MonkeyPatch) -> None:
    class Signed:
        def get_token(self, *scopes: str) -> Any:
            assert scopes == ("https://ml.azure.com/.default",)
            return SimpleNamespace(token="secret")

    monkeypatch.setattr(entra, "credential", Signed)
    assert entra.token() == "secret"
