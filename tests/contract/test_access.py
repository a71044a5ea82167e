"""Who gets at the emulator: this machine alone, over TLS of its own authority, with tokens it has signed."""

from __future__ import annotations

import json
import os
import stat
import uuid
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobServiceClient
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from emulator.access.entra import Tokens
from emulator.machine.environment import REMOVED_PREFIXES, for_services
from emulator.machine.home import SUBSCRIPTION_ID, Home
from tests import credentials
from tests.contract.arm import Refusal
from tests.contract.lab import Lab

ARM = "https://management.azure.com"
ML = "https://eastus2.api.azureml.ms"
SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"


def port(home: Home, name: str) -> int:
    running = home.running()
    assert running is not None
    return int(getattr(running[1], name))


def test_everything_listens_on_loopback_alone(lab: Lab, home: Home) -> None:
    assert lab.live, "with an inference server"
    running = home.running()
    assert running is not None
    emulator = psutil.Process(running[0])
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for process in (emulator, *emulator.children(recursive=True))
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {address for address, _ in listening} == {"127.0.0.1"}
    assert {port(home, name) for name in ("proxy", "https", "blobs")} < {number for _, number in listening}


def test_nothing_is_said_without_tls(home: Home) -> None:
    for name in ("https", "blobs"):
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{port(home, name)}/health", timeout=10)
    plain = requests.get(
        f"http://management.azure.com{SUBSCRIPTION}", proxies={"http": os.environ["HTTPS_PROXY"]}, timeout=10
    )
    assert plain.status_code == 403, "the proxy passes on CONNECT alone"


def test_who_does_not_trust_its_authority_does_not_talk_to_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    import certifi

    assert home.ca_file.read_text() not in Path(certifi.where()).read_text()
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    monkeypatch.delenv("SSL_CERT_FILE")
    for address in (
        ARM,
        "https://login.microsoftonline.com",
        "https://stx.blob.core.windows.net",
        "https://kv.vault.azure.net",
    ):
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(address, timeout=10)


@pytest.mark.parametrize(
    "address", [f"{ARM}{SUBSCRIPTION}?api-version=2022-12-01", f"{ML}/history/v1.0{SUBSCRIPTION}/runs"]
)
def test_tokens_are_checked_wherever_they_are_taken(lab: Lab, address: str) -> None:
    tokens = Tokens(lab.home, lab.store)
    good = tokens.sign("https://management.azure.com")
    forged = Tokens(Home(lab.home.root / "another"), lab.store).sign("https://management.azure.com")
    wrong = {
        "none": None,
        "forged": forged,
        "cut": good[:-2],
        "expired": tokens.sign("https://management.azure.com", lifetime=-1),
        "storage's": tokens.sign("https://storage.azure.com"),
    }
    for name, token in wrong.items():
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        assert requests.get(address, headers=headers, timeout=10).status_code == 401, name
    assert requests.get(address, headers={"Authorization": f"Bearer {good}"}, timeout=10).status_code != 401


def test_settings_take_the_homes_own_token(lab: Lab, home: Home) -> None:
    address = f"https://127.0.0.1:{port(home, 'https')}/admin/roles"
    for headers in ({}, {"Authorization": f"Bearer {Tokens(home, lab.store).sign(ARM)}"}):
        answer = requests.post(address, json=[], headers=headers, verify=str(home.ca_file), timeout=10)
        assert answer.status_code == 401


def test_the_key_of_the_authority_is_nowhere_and_others_are_the_owners_alone(home: Home) -> None:
    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert mode(home.root) == mode(home.certificates) == mode(home.root / "secrets") == 0o700
    keys = [path for path in home.certificates.iterdir() if b"PRIVATE KEY" in path.read_bytes()]
    assert [path.name for path in keys] == ["server.key"]
    assert all(mode(path) == 0o600 for path in (*keys, *(home.root / "secrets").iterdir()))
    # What signed the server's certificate was forgotten with it: nobody can sign another one.
    server = serialization.load_pem_private_key(keys[0].read_bytes(), None)
    authority = x509.load_pem_x509_certificate(home.ca_file.read_bytes())
    der = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert server.public_key().public_bytes(*der) != authority.public_key().public_bytes(*der)


# --- what is uploaded runs, and is written, in its job's directory


def blobs(lab: Lab) -> BlobServiceClient:
    key = lab.arm.post(f"{lab.storage}/listKeys", "2024-01-01")["keys"][0]["value"]
    account = lab.storage.rsplit("/", 1)[1]
    return BlobServiceClient(f"https://{account}.blob.core.windows.net", credential=key)


def job(lab: Lab, files: dict[str, str], **properties: Any) -> Path:
    """Uploads code and runs a job with it to its end; the job's directory. Raises Refusal for a job that fails."""
    name = f"access-{uuid.uuid4().hex[:8]}"
    container = "access"
    account = blobs(lab)
    if not account.get_container_client(container).exists():
        account.create_container(container)
    for path, text in files.items():
        account.get_blob_client(container, f"{name}/{path}").upload_blob(text)
    place = f"https://{lab.storage.rsplit('/', 1)[1]}.blob.core.windows.net/{container}/{name}"
    code, environment = f"{lab.workspace}/codes/{name}/versions/1", f"{lab.workspace}/environments/{name}/versions/1"
    lab.put(code, {"properties": {"codeUri": place}})
    lab.put(environment, {"properties": {"image": "mcr.microsoft.com/azureml/base:latest"}})
    body = {
        "jobType": "Command",
        "command": "python where.py",
        "codeId": code,
        "environmentId": environment,
        "computeId": f"{lab.workspace}/computes/{lab.cluster}",
        **properties,
    }
    path = f"{lab.workspace}/jobs/{name}"
    lab.put(path, {"properties": body})
    lab.wait(path, "Completed")
    (work,) = (lab.home.root / "work").glob(f"{name}-*")
    return work


WHERE = """\
import json, os, sys
print(json.dumps({"file": os.path.abspath(__file__), "cwd": os.getcwd(), "has": dict(os.environ)}))
"""


def test_uploaded_code_runs_in_its_jobs_directory(lab: Lab) -> None:
    work = job(lab, {"where.py": WHERE})
    told = json.loads(next(line for line in (work / "std_log.txt").read_text().splitlines() if line.startswith("{")))
    assert told["cwd"] == str(work / "code")
    assert told["file"] == str(work / "code" / "where.py")
    assert credentials.found(told["has"]) == []
    assert {*told["has"]} - {*for_services(told["has"])} <= {"AZUREML_RUN_ID", "PWD", "OLDPWD", "SHLVL", "_"}


def test_nothing_of_the_emulators_has_a_credential_of_the_callers(lab: Lab, home: Home) -> None:
    """The server itself, Azurite and the model's server; a job above."""
    assert lab.live
    running = home.running()
    assert running is not None
    server = psutil.Process(running[0])
    family = [server, *server.children(recursive=True)]
    assert len(family) >= 3
    for process in family:
        assert credentials.found(process.environ()) == [], process.cmdline()
        opening = [name for name in process.environ() if name.startswith(REMOVED_PREFIXES)]
        assert [name for name in opening if name != "AZUREML_MODEL_DIR"] == [], process.cmdline()


def test_no_credential_of_the_callers_is_in_anything_that_is_kept(lab: Lab, home: Home) -> None:
    """Database, logs, blobs, what jobs were given and what they wrote, all of it on the emulator's own side too."""
    assert lab.live
    job(lab, {"where.py": WHERE})
    kept = [path for path in home.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(kept) > 20
    assert [str(path) for path in kept if credentials.MARK.encode() in path.read_bytes()] == []


def test_a_blob_whose_name_leads_out_of_it_is_not_stored(lab: Lab) -> None:
    with pytest.raises(HttpResponseError, match="invalid characters"):
        job(lab, {"a/../../../planted.py": "raise SystemExit"})


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_nor_does_a_name_lead_out_of_it(lab: Lab, kind: str) -> None:
    given = {"jobInputType": "uri_file", "uri": "azureml://x"} if kind == "inputs" else {"jobOutputType": "uri_folder"}
    with pytest.raises(Refusal, match="no name of an input or output"):
        job(lab, {"where.py": WHERE}, **{kind: {"../../../planted": given}})
