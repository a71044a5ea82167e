"""Azure Resource Manager by plain REST: where a token is sent, and what comes of an answer."""

from __future__ import annotations

import pytest
from azure.core.exceptions import AzureError, DecodeError, HttpResponseError

from cloud import client as azure
from cloud.arm import Arm
from tests.unit.arm_fake import install

LIST = "/subscriptions/s/providers"
REGIONAL = "https://eastus2.api.azureml.ms/components"


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (LIST, "https://management.azure.com/more"),
        (REGIONAL, "https://eastus2.api.azureml.ms/more"),
        (REGIONAL, "https://management.azure.com/more"),
    ],
)
def test_a_list_goes_on_where_it_began_or_at_azure_resource_manager(
    monkeypatch: pytest.MonkeyPatch, first: str, more: str
) -> None:
    arm = install(monkeypatch)
    arm.get(first, {"value": [1], "nextLink": f"{more}?page=2"})
    arm.get(more, {"value": [2]})
    assert Arm().items(first, "2021-04-01") == [1, 2]


@pytest.mark.parametrize(
    "link",
    [
        "https://example.com/more",
        "https://management.azure.com.example.com/more",
        "https://management.azure.com@example.com/more",
        "http://management.azure.com/more",
    ],
)
def test_no_token_is_sent_anywhere_else(monkeypatch: pytest.MonkeyPatch, link: str) -> None:
    arm = install(monkeypatch)
    arm.get(LIST, {"value": [1], "nextLink": link})
    arm.get(link, {"value": [2]})
    with pytest.raises(AzureError, match="leads to another host"):
        Arm().items(LIST, "2021-04-01")
    assert len(arm.sent) == 1


def test_the_fake_refuses_an_api_version_that_azure_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    arm = install(monkeypatch)
    arm.get(LIST, {"value": [1]})
    assert Arm().items(LIST, "2021-04-01") == [1]
    with pytest.raises(AzureError, match="InvalidApiVersionParameter"):
        Arm().items(LIST, "2021-04-01x")


def test_nothing_is_followed_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    arm = install(monkeypatch)
    waited: list[float] = []

    def in_vain(poller: object, stop: object, seconds: float, tell: object) -> None:
        waited.append(seconds)

    monkeypatch.setattr(azure, "wait_for", in_vain)
    operation = "https://management.azure.com/operations/1"
    arm.then("DELETE", "/x", (202, {"Azure-AsyncOperation": operation}, None))
    arm.get(operation, {"status": "Succeeded"})
    with pytest.raises(AzureError, match="has not ended DELETE after 2 h; it may go on there"):
        Arm().delete("/x", "2021-04-01", print)
    assert Arm().run("DELETE", "/x", {"api-version": "2021-04-01"}, seconds=60) is None
    assert waited == [7200, 60]


def test_what_is_not_there_is_none_and_what_is_refused_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    arm = install(monkeypatch)
    assert Arm().find("/x", "2021-04-01") is None
    arm.get("/x", {"name": "x"})
    assert Arm().find("/x", "2021-04-01") == {"name": "x"}
    arm.refuse("GET", "/x", 403, "AuthorizationFailed")
    with pytest.raises(HttpResponseError, match="AuthorizationFailed") as refused:
        Arm().find("/x", "2021-04-01")
    assert refused.value.status_code == 403
    assert arm.sent[-1] == ("GET", "https://management.azure.com/x?api-version=2021-04-01")


def test_the_rows_of_a_service_that_answers_with_an_array(monkeypatch: pytest.MonkeyPatch) -> None:
    arm = install(monkeypatch)
    arm.get(REGIONAL, [{"name": "a"}, {"name": "b"}])
    assert Arm().rows(REGIONAL, page="1") == [{"name": "a"}, {"name": "b"}]
    assert arm.sent == [("GET", f"{REGIONAL}?page=1")]
    arm.refuse("GET", REGIONAL, 403, "Denied")
    with pytest.raises(HttpResponseError, match="Denied"):
        Arm().rows(REGIONAL)


@pytest.mark.parametrize(("pages", "found"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (1_000, [1, 2, 3])])
def test_a_list_may_be_left_early(pages: int, found: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    arm = install(monkeypatch)
    arm.get(LIST, {"value": [1], "nextLink": "https://management.azure.com/2"})
    arm.get("/2", {"value": [2], "nextLink": "https://management.azure.com/3"})
    arm.get("/3", {"value": [3]})
    assert Arm().items(LIST, "2021-04-01", most_pages=pages) == found


@pytest.mark.parametrize(("status", "deleted"), [(200, True), (204, False)])
def test_a_deletion_says_whether_something_was_there(
    status: int, deleted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = install(monkeypatch)
    arm.then("DELETE", "/x", (status, {}, None))
    assert Arm().delete("/x", "2021-04-01", print, forceToPurge="true") is deleted
    assert arm.sent == [("DELETE", "https://management.azure.com/x?api-version=2021-04-01&forceToPurge=true")]


@pytest.mark.parametrize(
    ("answer", "found"),
    [((200, {}, {"a": 1}), {"a": 1}), ((200, {}, None), {}), ((200, {}, [1]), {}), ((204, {}, None), {})],
)
def test_an_answer_without_an_object_is_an_empty_one(
    answer: tuple[int, dict[str, str], object], found: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = install(monkeypatch)
    arm.then("PUT", "/x", answer)
    assert Arm().run("PUT", "/x", {"api-version": "2021-04-01"}, {"tags": {}}) == found
    assert arm.bodies == [{"tags": {}}]


PAGE = b"<html><body>Please accept the terms of use.</body></html>"


def test_a_page_of_a_proxy_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken for an empty one, it would say that an endpoint has no traffic to lose."""
    arm = install(monkeypatch)
    for method in ("GET", "PUT", "POST"):
        arm.then(method, "/x", (200, {"Content-Type": "text/html"}, PAGE))
    for ask in (
        lambda: Arm().get("/x", "2021-04-01"),
        lambda: Arm().find("/x", "2021-04-01"),
        lambda: Arm().items("/x", "2021-04-01"),
        lambda: Arm().run("PUT", "/x", {}, {"tags": {}}),
        lambda: Arm().run("POST", "/x", {}),
    ):
        with pytest.raises(DecodeError, match=r"not Azure's, but perhaps a proxy's.*\(200 text/html\)"):
            ask()


def test_a_page_of_no_type_and_an_array_where_an_object_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    arm = install(monkeypatch)
    arm.then("GET", "/x", (200, {"Content-Type": ""}, PAGE), (200, {}, [1]))
    with pytest.raises(DecodeError) as raised:
        Arm().get("/x", "2021-04-01")
    told = "the answer is not Azure's, but perhaps a proxy's on the way to it (200 of no type)"
    assert raised.value.message == told
    assert Arm().get("/x", "2021-04-01") == {}
