"""One principal for a whole process, and its tokens until they end."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from azure.core.credentials import AccessTokenInfo
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.identity import AzureCliCredential, ChainedTokenCredential, CredentialUnavailableError

from cloud import tokens
from cloud.faults import passing
from cloud.tokens import CachedCredential, FirstSignedIn, NotRenewed

SCOPE, OTHER = "https://management.azure.com/.default", "https://ml.azure.com/.default"
HOUR = 3600


class Clock:
    now = 1_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(tokens.time, "time", clock.time)
    return clock


class Entra:
    """A way to sign in: a new token of an hour for each question, or what it was told to raise."""

    def __init__(self, clock: Clock, name: str = "t") -> None:
        self._clock, self._name = clock, name
        self.asked: list[tuple[str, ...]] = []
        self.error: Exception | None = None

    def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        self.asked.append(scopes)
        if self.error:
            raise self.error
        return AccessTokenInfo(f"{self._name}{len(self.asked)}", int(self._clock.now) + HOUR)


# --- one principal


def az(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> AzureCliCredential:
    """azure-identity's own, with an `az` that answers this, one after the other."""
    left = list(answers)

    def check_output(command: list[str], **_: Any) -> str:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return json.dumps({"accessToken": answer, "expires_on": 2**33})

    monkeypatch.setattr("azure.identity._credentials.azure_cli.shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("azure.identity._credentials.azure_cli.subprocess.check_output", check_output)
    return AzureCliCredential(process_timeout=60)


SLOW = subprocess.TimeoutExpired("az", 60)
NOBODY = subprocess.CalledProcessError(1, "az", stderr="ERROR: Please run 'az login' to setup account.")


def test_a_slow_az_makes_nobody_else_of_us(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    machine = Entra(clock, "the-machine-s")
    mine = FirstSignedIn(az(monkeypatch, "mine", SLOW, "mine-again"), machine)
    assert mine.get_token_info(SCOPE).token == "mine"
    with pytest.raises(CredentialUnavailableError):
        mine.get_token_info(SCOPE)
    assert mine.get_token_info(SCOPE).token == "mine-again"
    assert machine.asked == []


def test_nor_does_one_that_is_slow_at_the_first_question(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    machine = Entra(clock)
    with pytest.raises(CredentialUnavailableError, match="Azure CLI"):
        FirstSignedIn(az(monkeypatch, SLOW), machine).get_token_info(SCOPE)
    assert machine.asked == []


def test_azure_identitys_chain_would_have(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """What azure-identity 1.27 does: the reason for a chain of our own. Where this fails, it may go."""
    chain = ChainedTokenCredential(az(monkeypatch, "mine", SLOW), Entra(clock, "the-machine-s"))  # type: ignore[arg-type]
    assert chain.get_token_info(SCOPE).token == "mine"
    assert chain.get_token_info(SCOPE).token == "the-machine-s1"


def test_where_nobody_is_signed_in_the_next_way_counts_and_stays(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    machine = Entra(clock, "the-machine-s")
    chosen = FirstSignedIn(az(monkeypatch, NOBODY, "too-late"), machine)
    assert [chosen.get_token_info(SCOPE).token for _ in range(2)] == ["the-machine-s1", "the-machine-s2"]


def test_where_no_way_is_open_each_says_why(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    machine = Entra(clock)
    machine.error = CredentialUnavailableError(message="no machine")
    with pytest.raises(ClientAuthenticationError, match=r"AzureCliCredential: .*az login.*; Entra: no machine"):
        FirstSignedIn(az(monkeypatch, NOBODY), machine).get_token_info(SCOPE)


# --- its tokens


def test_a_token_is_asked_for_once_for_each_scope(clock: Clock) -> None:
    entra = Entra(clock)
    kept = CachedCredential(entra)
    assert [kept.get_token(SCOPE).token, kept.get_token_info(SCOPE).token, kept.get_token(OTHER).token] == [
        *("t1", "t1", "t2")
    ]
    assert entra.asked == [(SCOPE,), (OTHER,)]


def test_it_is_renewed_before_it_ends(clock: Clock) -> None:
    kept = CachedCredential(Entra(clock))
    kept.get_token(SCOPE)
    clock.now += HOUR - 601
    assert kept.get_token(SCOPE).token == "t1"
    clock.now += 1
    assert kept.get_token(SCOPE).token == "t2"


def test_az_which_hands_out_the_old_one_is_not_asked_at_every_look(clock: Clock) -> None:
    class Az(Entra):
        def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
            self.asked.append(scopes)
            return AccessTokenInfo("old", 1_000_000 + HOUR)

    entra = Az(clock)
    kept = CachedCredential(entra)
    kept.get_token(SCOPE)
    clock.now += HOUR - 500
    for _ in range(4):  # at 0, 15, 30 and 45 s: each look at a job asks for a token
        assert kept.get_token(SCOPE).token == "old"
        clock.now += 15
    assert len(entra.asked) == 3


def test_a_renewal_that_fails_is_made_up_for_by_the_token_that_is_still_good(clock: Clock) -> None:
    entra = Entra(clock)
    kept = CachedCredential(entra)
    kept.get_token(SCOPE)
    entra.error = CredentialUnavailableError(message="Failed to invoke the Azure CLI")
    clock.now += HOUR - 600
    for _ in range(10):
        assert kept.get_token(SCOPE).token == "t1"
        clock.now += 59
    entra.error = None
    assert kept.get_token(SCOPE).token == "t12"


def test_after_its_end_the_failure_is_passing_for_ten_minutes(clock: Clock) -> None:
    entra = Entra(clock)
    kept = CachedCredential(entra)
    kept.get_token(SCOPE)
    entra.error = CredentialUnavailableError(message="Failed to invoke the Azure CLI")
    for after in (0, 599):
        clock.now = 1_000_000 + HOUR + after
        with pytest.raises(NotRenewed, match="Failed to invoke") as raised:
            kept.get_token(SCOPE)
        assert passing(raised.value)
    clock.now += 1
    with pytest.raises(CredentialUnavailableError) as final:
        kept.get_token(SCOPE)
    assert not passing(final.value)


def test_a_first_sign_in_that_fails_is_no_renewal(clock: Clock) -> None:
    entra = Entra(clock)
    entra.error = ServiceRequestError("no route to login.microsoftonline.com")
    with pytest.raises(ServiceRequestError):
        CachedCredential(entra).get_token(SCOPE)


def test_claims_are_asked_for_whatever_is_kept(clock: Clock) -> None:
    """Continuous access evaluation: Azure says that it takes the token no longer."""
    kept = CachedCredential(Entra(clock))
    kept.get_token(SCOPE)
    assert kept.get_token(SCOPE, claims="more").token == "t2"
    assert kept.get_token(SCOPE).token == "t2"


def test_another_tenants_token_is_another(clock: Clock) -> None:
    kept = CachedCredential(Entra(clock))
    assert kept.get_token(SCOPE).token == "t1"
    assert kept.get_token(SCOPE, tenant_id="guests").token == "t2"
    assert kept.get_token(SCOPE).token == "t1"
