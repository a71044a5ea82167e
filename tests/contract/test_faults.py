"""Faults of requests and of blobs, as Azure's clients meet them, and the rules that ask for them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from azure.core.exceptions import (
    AzureError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.storage.blob import BlobClient

from emulator.__main__ import main
from emulator.faults.rules import KINDS, REQUEST
from emulator.front import admin
from emulator.machine.home import Home
from emulator.machine.processes import Processes
from tests.chaos.kills import wait_for_indexes
from tests.contract.faulty import VERSION, client, fault, hits
from tests.contract.lab import Lab

LOST = (ServiceRequestError, ServiceResponseError, IncompleteReadError)
REQUESTS: dict[str, tuple[dict[str, Any], type[Exception] | tuple[type[Exception], ...], str]] = {
    "throttled": ({"retry_after": 0}, HttpResponseError, "TooManyRequests"),
    "error": ({}, HttpResponseError, "InternalServerError"),
    "unavailable": ({"retry_after": 0}, HttpResponseError, "ServiceUnavailable"),
    "no-answer": ({}, LOST, "timed out"),
    "reset": ({}, LOST, "reset by peer|closed connection"),
    "truncated": ({}, LOST, "IncompleteRead|reset by peer"),
}
"""Kind → its options, what a client without retries raises, and what that says."""


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_client_without_retries_sees_the_fault_and_one_with_them_gets_through(
    kind: str, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, error, says = REQUESTS[kind]
    with fault(lab.home, kind, path=lab.workspace, count=2, **options) as rule:
        with pytest.raises(error, match=says):
            client(monkeypatch, retries=0).get(lab.workspace, VERSION)
        assert client(monkeypatch, retries=2).get(lab.workspace, VERSION)["name"] == "mlw-refusals"
        assert hits(lab.home, rule) == 2


def test_every_fault_of_requests_has_a_test_here() -> None:
    others = {"slow", "empty", "nonsense", "token-expired", "token-revoked"}
    assert {name for name, kind in KINDS.items() if kind.point == REQUEST} == REQUESTS.keys() | others


def test_a_slow_body_arrives_whole_after_its_time(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    arm = client(monkeypatch, retries=0)
    arm.get(lab.workspace, VERSION)
    with fault(lab.home, "slow", path=lab.workspace, count=1, seconds=0.6):
        since = time.monotonic()
        assert arm.get(lab.workspace, VERSION)["name"] == "mlw-refusals"
        assert time.monotonic() - since > 0.5


def test_an_answer_without_anything_in_it_and_one_that_is_none(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    arm = client(monkeypatch, retries=0)
    with fault(lab.home, "empty", path=lab.workspace, count=1):
        assert arm.get(lab.workspace, VERSION) == {}
    with fault(lab.home, "nonsense", path=lab.workspace, count=1), pytest.raises(DecodeError, match="200 text/html"):
        arm.get(lab.workspace, VERSION)
    assert arm.get(lab.workspace, VERSION)["name"] == "mlw-refusals"


def test_an_answer_that_is_lost_was_worth_the_work_all_the_same(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{lab.group('rg-lost')}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-lost"
    with fault(lab.home, "reset", path=path, method="PUT", count=1, answered=True), pytest.raises(LOST):
        query = {"api-version": "2023-01-31"}
        client(monkeypatch, retries=0).run("PUT", path, query, {"location": "eastus2"})
    assert lab.get(path)["name"] == "id-lost"


def test_a_rate_with_a_seed_hits_the_same_requests_each_time(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> list[bool]:
        seen = []
        with fault(lab.home, "error", path=lab.workspace, rate=0.4, seed=11, after=1):
            for _ in range(8):
                try:
                    client(monkeypatch, retries=0).get(lab.workspace, VERSION)
                    seen.append(True)
                except HttpResponseError:
                    seen.append(False)
        return seen

    first = run()
    assert 0 < first.count(False) < 8
    assert first[0], "the first match is let through"
    assert run() == first


@pytest.fixture
def blob(lab: Lab) -> BlobClient:
    """A blob of 100,000 bytes under Azure's host name, for a client that retries once."""
    storage = lab.store.get(lab.storage)
    assert storage is not None
    blob = BlobClient(
        f"https://{storage.name}.blob.core.windows.net",
        "azureml-blobstore-faults",
        "file",
        credential={"account_name": storage.name, "account_key": storage.internal["keys"][0]},
        retry_total=1,
        initial_backoff=0,
        increment_base=0,
        connection_data_block_size=4096,
    )
    container = blob._get_container_client()
    if not container.exists():
        container.create_container()
    blob.upload_blob(b"x" * 100_000, overwrite=True)
    return blob


BLOBS = "*.blob.core.windows.net"


@pytest.mark.parametrize(("kind", "method"), [("error", "GET"), ("unavailable", "PUT"), ("reset", "PUT")])
def test_blob_traffic_is_led_through_the_emulator_while_a_rule_is_about_it(
    kind: str, method: str, lab: Lab, blob: BlobClient
) -> None:
    def use() -> None:
        with BlobClient.from_blob_url(blob.url, credential=blob.credential, retry_total=0) as once:
            if method == "PUT":
                once.upload_blob(b"y" * 100_000, overwrite=True)
            else:
                once.download_blob().readall()

    with fault(lab.home, kind, host=BLOBS, method=method, count=1) as rule:
        with pytest.raises((*LOST, HttpResponseError)):
            use()
        assert hits(lab.home, rule) == 1
    use()
    assert blob.download_blob().readall() == (b"y" if method == "PUT" else b"x") * 100_000


def test_the_storage_client_reads_a_truncated_blob_again(lab: Lab, blob: BlobClient) -> None:
    with fault(lab.home, "truncated", host=BLOBS, method="GET", count=1, bytes=1000) as rule:
        with BlobClient.from_blob_url(blob.url, credential=blob.credential, initial_backoff=0) as again:
            assert again.download_blob().readall() == b"x" * 100_000
        assert hits(lab.home, rule) == 1


def test_a_killed_azurite_comes_back_by_itself(lab: Lab, blob: BlobClient) -> None:
    (azurite,) = Processes(lab.store).family("azurite")
    wait_for_indexes(lab.home)
    azurite.kill()
    azurite.wait(5)
    deadline = time.monotonic() + 60
    while True:
        try:
            assert blob.download_blob().readall() == b"x" * 100_000
            return
        except (AzureError, *LOST):
            assert time.monotonic() < deadline
            time.sleep(0.2)


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"kind": "thunder"}, "there is no fault 'thunder'; there are throttled"),
    ({"kind": "error", "seconds": 3}, "seconds means nothing to error"),
    ({"kind": "slow"}, "slow needs seconds"),
    ({"kind": "role-late"}, "role-late needs seconds or reads"),
    ({"kind": "error", "rate": 1.5}, "rate: "),
    ({"kind": "job-fails", "cause": "bad luck"}, "cause: "),
    ({"kind": "error", "often": 3}, "often: "),
)


@pytest.mark.parametrize(("rule", "says"), WRONG)
def test_a_wrong_rule_is_refused_with_its_reason(rule: dict[str, Any], says: str, home: Home) -> None:
    with pytest.raises(admin.EmulatorError, match=says):
        admin.call(home, "POST", "faults", rule)


def test_the_command_line_adds_lists_and_clears(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    del home

    def faults(*arguments: str) -> tuple[int, str, str]:
        return main(["faults", *arguments]), *capsys.readouterr()

    code, added, error = faults("add", "throttled", "--id", "mine", "--path", "*/no/*", "--count", "3", "--seed", "7")
    assert (code, error) == (0, "")
    assert added.split() == ["mine", "throttled", "*", "*", "*/no/*", "next", "3", "hit", "0", "of", "0"]
    assert faults("list") == (0, added, "")
    code, _, error = faults("add", "throttled", "--id", "mine")
    assert code == 1
    assert "there is a rule mine already" in error
    assert faults("clear") == (0, added, "")
    assert faults("list") == (0, "no rules: everything goes well\n", "")
