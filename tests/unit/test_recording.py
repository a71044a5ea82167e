"""What a rehearsal's recording becomes: the same text at every run, without a secret, and with every word of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from emulator.recording import capture, normal

SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-0000000000a1"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-phi-dev-vinflv"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-phi-dev"
ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
ACR_PUSH = "8311e382-0749-4cb8-b61a-304f252e45ec"
KEY = "n0t-f0r-anybody-else-to-see-1234"


def sent(number: int, method: str, path: str, query: str = "2025-12-01", **more: Any) -> dict[str, Any]:
    plain = {"host": "management.azure.com", "headers": {}, "body": None, "answer": None, "status": 200}
    return {**plain, "number": number, "method": method, "path": path, "query": {"api-version": query}, **more}


def journey(principal: str, operation: str, time: str, key: str, fingerprint: str) -> list[dict[str, Any]]:
    """One run: what `infra/` and `jobs/` send, with the ids and times that Azure made this time."""
    endpoint = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw/onlineEndpoints/phi-dev"
    poll = f"{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/locations/eastus2/mfeOperationsStatus/"
    assignment = f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/22cdcdb2-8135-5dc1-a02b-8983422e3435"
    role = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{ACR_PULL}"
    alert = f"{GROUP}/providers/Microsoft.Insights/metricAlerts/alert-phi-dev-5xx"
    criterion = {
        "metricName": "RequestsPerMinute",
        "timeAggregation": "Average",
        "dimensions": [{"name": "statusCodeClass"}],
    }
    deployment = f"{endpoint}/deployments/m{fingerprint}"
    return [
        sent(0, "PUT", GROUP, "2024-03-01", body={"location": "eastus2"}),
        sent(1, "PUT", IDENTITY, "2023-01-31", answer={"properties": {"principalId": principal}}),
        sent(
            2,
            "PUT",
            assignment,
            "2022-04-01",
            body={"properties": {"principalId": principal, "roleDefinitionId": role}},
        ),
        sent(3, "PUT", endpoint, body={"properties": {"authMode": "Key"}}),
        sent(4, "GET", poll + operation, answer={"id": poll + operation, "name": operation, "status": "InProgress"}),
        sent(5, "GET", poll + operation),
        sent(6, "POST", f"{endpoint}/listKeys", answer={"primaryKey": key}),
        sent(7, "PUT", deployment, body={"tags": {"release_begun": time}}),
        sent(8, "PUT", endpoint, body={"properties": {"authMode": "Key", "traffic": {f"m{fingerprint}": 100}}}),
        sent(9, "PUT", f"{endpoint}/connections/c", body={"properties": {"credentials": {"keys": {"key": key}}}}),
        sent(
            10,
            "PUT",
            alert,
            "2018-03-01",
            body={"properties": {"windowSize": "PT5M", "criteria": {"allOf": [criterion]}}},
        ),
    ]


def one() -> list[dict[str, Any]]:
    principal, operation = "5f3c1d0e-8a54-4b0f-9a39-2f2b7f3f8c11", "0d9f1c7a-5f41-4ac5-8f27-6d0c8f1b2a33"
    return journey(principal, operation, "2026-11-28T18:00:01Z", KEY, "1f0481546c69")


def another() -> list[dict[str, Any]]:
    principal, operation = "c1a2b3c4-1111-4222-8333-444455556666", "ffffffff-1111-4222-8333-444455556666"
    return journey(
        principal, operation, "2026-11-29T07:10:59.123456+00:00", "an0ther-run-an0ther-key-56789012", "0123456789ab"
    )


def text(recorded: list[dict[str, Any]]) -> str:
    return normal.page(normal.document(recorded), "What was sent.")


def test_two_runs_of_one_program_read_the_same() -> None:
    assert text(one()) == text(another())


def test_what_goes_on_at_once_may_come_in_any_order() -> None:
    """Requests to other places overtake each other; those to one place are the program's own order."""
    alone = [sent(20 + at, "POST", f"{GROUP}/score", body={"question": word}) for at, word in enumerate("abc")]
    overtaken = [one()[at] for at in (0, 3, 1, 2, 6, 4, 5, 10, 8, 7, 9)]
    there, back = [*one(), *alone], [*overtaken, *alone[::-1]]
    renumbered = [{**each, "number": at} for at, each in enumerate(back)]
    assert [each["path"] for each in renumbered] != [each["path"] for each in there]
    assert text(there) == text(renumbered)
    traffic = [each for each in one() if each["number"] not in (3, 8)]
    swapped = [*traffic, {**one()[8], "number": 3}, {**one()[3], "number": 8}]
    assert text(swapped) != text(one()), "traffic before there is a deployment"


def test_it_can_be_read() -> None:
    page = text(one())
    found = yaml.safe_load(page)
    assert page.startswith("# What was sent.\n")
    assert "? " not in page
    here = "management.azure.com<group>/providers"
    endpoint = f"{here}/Microsoft.MachineLearningServices/workspaces/mlw/onlineEndpoints/phi-dev"
    assert found[endpoint] == [
        {"PUT": "api-version=2025-12-01", "body": {"properties": {"authMode": "Key"}}},
        {
            "PUT": "api-version=2025-12-01",
            "body": {"properties": {"authMode": "Key", "traffic": {"m<fingerprint>": 100}}},
        },
    ]
    assert found[f"{endpoint}/deployments/m<fingerprint>"][0]["body"] == {"tags": {"release_begun": "<time>"}}
    (role,) = found[f"{here}/Microsoft.Authorization/roleAssignments/22cdcdb2-8135-5dc1-a02b-8983422e3435"]
    assert role["body"]["properties"] == {
        "principalId": "<principalId of id-phi-dev>",
        "roleDefinitionId": "/subscriptions/<subscription>/providers/Microsoft.Authorization/roleDefinitions/"
        + ACR_PULL,
    }
    assert found["management.azure.com/subscriptions/<subscription>/resourceGroups/rg-phi-dev-vinflv"]
    (poll,) = [requests for place, requests in found.items() if place.endswith("/mfeOperationsStatus/<operation>")]
    assert poll == [{"GET": "api-version=2025-12-01"}], "two polls are one"


@pytest.mark.parametrize(
    ("word", "other"),
    [
        (ACR_PULL, ACR_PUSH),
        (ACR_PULL, "11111111-2222-4333-8444-555555555555"),
        ("statusCodeClass", "modelStatusCode"),
        ("RequestsPerMinute", "RequestLatency"),
        ("PT5M", "PT1M"),
        ("2022-04-01", "2020-04-01-preview"),
        ("22cdcdb2-8135-5dc1-a02b-8983422e3435", "22cdcdb2-8135-5dc1-a02b-8983422e3436"),
        ("eastus2", "eastus"),
        ('"PUT"', '"PATCH"'),
    ],
)
def test_a_changed_word_on_its_way_to_azure_is_seen(word: str, other: str) -> None:
    changed = json.loads(json.dumps(one()).replace(word, other))
    assert text(changed) != text(one())


def test_a_request_more_or_less_is_seen() -> None:
    assert text([*one(), sent(11, "DELETE", IDENTITY)]) != text(one())
    assert text(one()[:-1]) != text(one())


def test_no_secret_is_kept_wherever_it_stands() -> None:
    login = sent(
        11,
        "POST",
        "/tenant/oauth2/v2.0/token",
        host="login.microsoftonline.com",
        body={"client_secret": "s3cret-of-the-caller", "grant_type": "client_credentials"},  # pragma: allowlist secret
        answer={"access_token": "eyJ-not-a-real-token-but-long"},
    )
    upload = sent(12, "PUT", "/c/data.jsonl", host="st.blob.core.windows.net", body=capture.CONTENT)
    upload["query"] = {"sig": "abcdefghijklmnopqrstuvwxyz0123", "se": "2026-11-28T18:00:01Z", "sv": "2026-10-06"}
    elsewhere = sent(
        13, "PUT", f"{GROUP}/tags", body={"tags": {"note": f"the key is {KEY}", "short": "s3cret-of-the-caller"}}
    )
    page = text([*one(), login, upload, elsewhere])
    for secret in (KEY, "s3cret-of-the-caller", "eyJ-not-a-real-token", "abcdefghijklmnop"):
        assert secret not in page
    found = yaml.safe_load(page)
    assert found["st.blob.core.windows.net/c/data.jsonl"] == [{"PUT": "<signed>", "body": "<content>"}]
    assert found["management.azure.com<group>/tags"][0]["body"]["tags"]["note"] == "the key is <primaryKey of phi-dev>"
    assert "grant_type: client_credentials" in page
    assert "key: <primaryKey of phi-dev>" in page


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("/models/phi/versions/1830215936", "/models/phi/versions/<version>"),  # pragma: allowlist secret
        ("phi-ultrachat:1830215936", "phi-ultrachat:<version>"),
        ("finetune-1f0481546c69-1", "finetune-<fingerprint>-1"),
        ("m1f0481546c69", "m<fingerprint>"),
        ("registries/azureml/models/Phi-4-mini-instruct/versions/8", "same"),
        ("components/chat_completion_pipeline/versions/0.0.82", "same"),
        ("2026-11-28T18:00:01Z", "<time>"),
        ("2024-05-01-preview", "same"),
        ("Standard_NC24ads_A100_v4", "same"),
        ("d41d8cd98f00b204e9800998ecf8427e", "<hash>"),
        ("http://127.0.0.1:18640", "same"),
    ],
)
def test_only_what_changes_by_itself_is_replaced(text: str, kept: str) -> None:
    assert normal.Names([]).plain(text) == (text if kept == "same" else kept)


def test_a_kind_of_credential_is_no_secret() -> None:
    assert normal.is_secret(("properties", "credentials", "key"))
    assert normal.is_secret(("keys", "value"))
    assert not normal.is_secret(("credentials", "credentialsType"))
    assert not normal.is_secret(("keys", "keyName"))
    assert not normal.is_secret(("properties", "metricName"))


def test_the_number_of_a_fine_tuned_model_is_none_of_its_words() -> None:
    workspace = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw"

    def registered(version: str) -> list[dict[str, Any]]:
        tags = {"model": f"phi:{version}", "base": "registries/azureml/models/Phi-4-mini-instruct/versions/1"}
        return [
            sent(0, "GET", f"{workspace}/models/phi/versions/{version}"),
            sent(1, "PUT", f"{workspace}/models/phi/versions/{version}", body={"tags": {"job": "finetune-1"}}),
            sent(2, "PUT", f"{workspace}/onlineEndpoints/e/deployments/d", body={"tags": tags}),
        ]

    found = normal.document(registered("994526542"))
    assert found == normal.document(registered("7"))
    ((deployment,),) = [entries for target, entries in found.items() if target.endswith("/deployments/d")]
    assert deployment["body"]["tags"] == {
        "model": "phi:<version>",
        "base": "registries/azureml/models/Phi-4-mini-instruct/versions/1",
    }
    assert sum(target.endswith("/models/phi/versions/<version>") for target in found) == 1
