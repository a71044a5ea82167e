"""Nobody reads or plants a blob, or asks a model's server, who cannot show that he may."""

from __future__ import annotations

import time
from collections.abc import Iterator

import jwt
import pytest
import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient

from emulator.access.entra import Tokens
from emulator.machine.home import CLIENT_OBJECT_ID, TENANT_ID, Home
from tests.contract.lab import Lab

STORAGE = "https://storage.azure.com"
VERSION = {"x-ms-version": "2025-05-05"}
CONTAINER = "planted"


@pytest.fixture(scope="module")
def account(lab: Lab) -> Iterator[str]:
    """The name of an account with one container and one blob, made with the account's key."""
    lab.make_storage("stplanted")
    path = lab.storage.replace("strefusals", "stplanted")
    key = lab.arm.post(f"{path}/listKeys", "2024-01-01")["keys"][0]["value"]
    service = BlobServiceClient("https://stplanted.blob.core.windows.net", credential=key)
    container = service.create_container(CONTAINER)
    container.upload_blob("train.jsonl", b"{}")
    yield "stplanted"
    lab.delete(path)


def forged() -> str:
    """A token as anybody can write it: right issuer, audience and times, and a signature of nobody's."""
    at = int(time.time())
    claims = {
        "iss": f"https://sts.windows.net/{TENANT_ID}/",
        "aud": STORAGE,
        "oid": CLIENT_OBJECT_ID,
        "iat": at,
        "nbf": at - 5,
        "exp": at + 3600,
    }
    return jwt.encode(claims, "x" * 32, algorithm="HS256").rsplit(".", 1)[0] + ".bm90LWEtc2lnbmF0dXJl"


def attempts(base: str, headers: dict[str, str], verify: str | bool = True) -> list[int]:
    """What is answered to who lists, reads and plants code."""
    blob = {"x-ms-blob-type": "BlockBlob"}
    planted = b"raise SystemExit"
    return [
        requests.get(f"{base}/?comp=list", headers=headers, verify=verify, timeout=30).status_code,
        requests.get(f"{base}/{CONTAINER}/train.jsonl", headers=headers, verify=verify, timeout=30).status_code,
        requests.put(
            f"{base}/{CONTAINER}/LocalUpload/x/sitecustomize.py",
            planted,
            headers={**headers, **blob},
            verify=verify,
            timeout=30,
        ).status_code,
    ]


def test_a_token_of_nobodys_or_of_another_home_opens_no_blob(lab: Lab, account: str, home: Home) -> None:
    another = Tokens(Home(lab.home.root / "another"), lab.store).sign(STORAGE)
    misaddressed = Tokens(home, lab.store).sign("https://management.azure.com")
    for token in (forged(), another, misaddressed):
        headers = {**VERSION, "Authorization": f"Bearer {token}"}
        assert attempts(f"https://{account}.blob.core.windows.net", headers) == [401, 401, 401]


@pytest.mark.parametrize("shown", ["forged", "good", "nothing", "another key"])
def test_azurites_own_port_takes_no_token_at_all(lab: Lab, account: str, home: Home, shown: str) -> None:
    running = home.running()
    assert running is not None
    given = {
        "forged": f"Bearer {forged()}",
        "good": f"Bearer {Tokens(home, lab.store).sign(STORAGE)}",
        "another key": f"SharedKey {account}:bm90LWEtc2lnbmF0dXJl",
        "nothing": "",
    }[shown]
    headers = {**VERSION, **({"Authorization": given} if given else {})}
    base = f"https://127.0.0.1:{running[1].blobs}"
    for headers_of, place in ((headers, f"{base}/{account}"), ({**headers, "Host": f"{account}.x"}, base)):
        assert all(400 <= code < 500 for code in attempts(place, headers_of, str(home.ca_file)))


def test_the_right_token_opens_what_its_roles_say(lab: Lab, account: str, home: Home) -> None:
    """Owner of the subscription reads no blob, on Azure either; a role for blobs does."""

    class Credential:
        def get_token(self, *scopes: str, **more: object) -> AccessToken:
            return AccessToken(Tokens(home, lab.store).sign(STORAGE), int(time.time()) + 3600)

    service = BlobServiceClient(f"https://{account}.blob.core.windows.net", credential=Credential(), retry_total=0)
    container = service.get_container_client(CONTAINER)
    with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch"):
        container.download_blob("train.jsonl")
    reader = {"principal": CLIENT_OBJECT_ID, "role": "Storage Blob Data Reader"}
    owner = {"principal": CLIENT_OBJECT_ID, "role": "Owner"}
    with lab.setting("roles", [owner, reader]):
        assert container.download_blob("train.jsonl").readall() == b"{}"
        assert [blob.name for blob in container.list_blobs()] == ["train.jsonl"]
        with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch"):
            container.upload_blob("x", b"y")
    with lab.setting("roles", [owner, {**reader, "role": "Storage Blob Data Contributor"}]):
        for name, content in (("with a blank/ä+%", b"y"), ("long", bytes(9 * 1024 * 1024))):
            container.upload_blob(name, content, metadata={"word": "value"})
            assert container.download_blob(name).readall() == content
            container.delete_blob(name)


def test_a_key_counts_only_where_the_account_takes_keys(lab: Lab, account: str) -> None:
    path = lab.storage.replace("strefusals", account)
    key = lab.arm.post(f"{path}/listKeys", "2024-01-01")["keys"][0]["value"]
    service = BlobServiceClient(f"https://{account}.blob.core.windows.net", credential=key, retry_total=0)
    wrong = BlobServiceClient(f"https://{account}.blob.core.windows.net", credential=key[:-4] + "AA==", retry_total=0)
    assert next(iter(service.list_containers())).name == CONTAINER
    with pytest.raises(HttpResponseError, match=r"Authenti|Authori"):
        list(wrong.list_containers())
    with (
        lab.state(path, allowSharedKeyAccess=False),
        pytest.raises(HttpResponseError, match="KeyBasedAuthenticationNotPermitted"),
    ):
        list(service.list_containers())


def test_a_models_server_answers_nobody_but_the_emulator(lab: Lab) -> None:
    assert lab.live
    served = [port for _, _, kind, _, port in lab.store.processes() if kind == "deployment"]
    assert served
    for port in set(served):
        for headers in ({}, {"Authorization": "Bearer x"}):
            assert requests.get(f"http://127.0.0.1:{port}/", headers=headers, timeout=30).status_code == 401
            asked = requests.post(f"http://127.0.0.1:{port}/score", json={}, headers=headers, timeout=30)
            assert asked.status_code == 401
            swagger = requests.get(f"http://127.0.0.1:{port}/swagger.json", headers=headers, timeout=30)
            assert swagger.status_code == 401
