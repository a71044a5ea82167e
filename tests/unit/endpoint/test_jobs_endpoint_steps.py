"""The steps on an endpoint, with each of their errors whole."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceRequestError
from endpoint_steps import AGAIN, TAKEN_UP, Clock, Waits, becomes, error_of, of
from endpoints_fake import Poller
from jobs_fake import FakeMl

from chat.entra import token
from cloud.errors import ModelFault, NotFinished, StageError
from jobs.release import containers, scaling


def test_a_deployment_that_is_waited_for_and_what_is_said_where_it_is_not_well(
    ml: FakeMl, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    its = of(ml, said, Waits(clock))
    its.finish("m1", Poller())  # type: ignore[arg-type]
    its.finish("m1", Poller(ServiceRequestError("no route.")))  # type: ignore[arg-type]
    assert said == [
        "deployment m1 is healthy after 0 s",
        "warning: deployment m1: Azure could not be reached (no route.); its state is asked for again",
        "deployment m1 is healthy after 0 s",
    ]
    becomes(ml, "Failed")()
    log = ". Last lines of its inference-server's log:\n  loading\n  out of memory\n"
    assert error_of(lambda: its.finish("m1", Poller())) == (  # type: ignore[arg-type]
        f"ModelFault: the deployment failed (deployment m1): it ended Failed{log.rstrip()}. {AGAIN}"
    )
    passing = error_of(lambda: its.finish("m1", Poller(ServiceRequestError("no route."))))  # type: ignore[arg-type]
    assert passing.startswith(f"ModelFault: the deployment failed (deployment m1): it ended Failed{log.rstrip()}. ")
    refused = error_of(lambda: its.finish("m1", Poller(HttpResponseError("(BadModel) no"))))  # type: ignore[arg-type]
    assert refused.startswith(f"ModelFault: the deployment failed (deployment m1): (BadModel) no{log.rstrip()}. ")
    del ml.online_endpoints.deployments["m1"]
    assert error_of(lambda: its.finish("m1", Poller())) == (  # type: ignore[arg-type]
        f"StageError: the deployment failed (deployment m1): it is gone. {AGAIN}"
    )
    assert issubclass(ModelFault, StageError) and issubclass(NotFinished, StageError)


def test_the_log_of_the_container_that_came_furthest(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []
    texts = {None: "", "storage-initializer": "\n".join(f"line {number}\n" for number in range(20))}

    def get_logs(name: str, endpoint_name: str, lines: int, container_type: str | None = None) -> str:
        asked.append((name, endpoint_name, lines, container_type))
        return texts[container_type]

    monkeypatch.setattr(ml.online_endpoints, "get_logs", get_logs)
    client: Any = ml
    shown = "\n  ".join(f"line {number}" for number in range(5, 20))
    assert containers.last_lines(client, "phi", "m1") == f". Last lines of its storage-initializer's log:\n  {shown}\n"
    assert asked == [("m1", "phi", 15, None), ("m1", "phi", 15, "storage-initializer")]
    texts["storage-initializer"] = " \n"
    assert containers.last_lines(client, "phi", "m1") == ""

    def refused(*_: object, **__: object) -> str:
        raise HttpResponseError("not you")

    monkeypatch.setattr(ml.online_endpoints, "get_logs", refused)
    assert containers.log(client, "phi", "m1", "inference-server", 5) == ""


def test_the_address_and_the_key_or_none(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    its = of(ml, [])
    assert its.address() == ("https://e.eastus2.inference.ml.azure.com/score", "the-key")
    found = ml.online_endpoints.get("phi")
    found.auth_mode = "aad_token"
    monkeypatch.setattr(ml.online_endpoints, "get", lambda name: found)
    assert its.address() == ("https://e.eastus2.inference.ml.azure.com/score", token)

    def gone(*_: object) -> None:
        raise ResourceNotFoundError("no endpoint")

    monkeypatch.setattr(ml.online_endpoints, "get", gone)
    assert error_of(its.address).startswith(
        "StageError: the endpoint's key could not be read (endpoint phi): no endpoi"
    )
    assert error_of(its.traffic).startswith(
        "StageError: the live traffic could not be read (endpoint phi): no endpoint"
    )
    assert error_of(its.settled).startswith("StageError: the endpoint could not be read (endpoint phi): no endpoint")


def test_a_deployment_that_is_removed_takes_its_copies_and_its_scaling_with_it(
    ml: FakeMl, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, removed = list[str](), list[str]()
    monkeypatch.setattr(scaling, "remove", lambda spec, name: removed.append(name))
    ml.online_endpoints.mirror = {"m1": 10}
    ml.online_endpoints.deployments["m1"].tags = {"scaled": "1 to 3"}
    of(ml, said).remove("m1")
    assert (ml.online_endpoints.mirrors, removed, said) == ([{}], ["m1"], ["deployment m1 deleted"])
    ml.online_endpoints.deployment("m2")
    ml.online_endpoints.mirror = {"m3": 10}
    of(ml, said).remove("m2")
    assert (ml.online_endpoints.mirror, removed) == ({"m3": 10}, ["m1"])
    ml.online_endpoints.deployment("m4")
    ml.online_endpoints.traffic = {"m4": 100}
    assert error_of(lambda: of(ml, said).remove("m4")).startswith(
        "StageError: the deployment could not be deleted, it still costs money (deployment m4): Can't delete deployment"
    )


def test_traffic_and_copies_never_meet(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoints = ml.online_endpoints
    its = of(ml, [], deployed_as="m1")
    endpoints.mirror = {"m1": 10}
    its.set_traffic({"m1": 100})
    assert (endpoints.traffic, endpoints.mirrors) == ({"m1": 100}, [{}])
    endpoints.mirror = {"m2": 10}
    endpoints.deployment("m2")
    its.set_traffic({"m1": 100})
    assert endpoints.mirror == {"m2": 10}, "copies to another one go on"
    assert its.mirror(20) is False and endpoints.mirror == {"m2": 10}
    endpoints.mirror = {}
    endpoints.traffic = {}
    assert its.mirror(0) and its.mirror(20) and endpoints.mirror == {"m1": 20}
    assert its.mirror(20) and its.mirror(0)
    assert endpoints.mirrors == [{}, {"m1": 20}, {}]
    monkeypatch.setattr(type(its), "traffic", lambda self: {"m9": 100})
    assert error_of(lambda: its.set_traffic({"m1": 100})) == (
        "StageError: the traffic did not shift (endpoint phi): wanted 100 % m1, but the endpoint says 100 % m9. "
        + AGAIN
    )


def test_answers_under_way_are_waited_for(ml: FakeMl, clock: Clock) -> None:
    said: list[str] = []
    of(ml, said, Waits(clock), drain_seconds=75).drain(already=15)
    assert said == ["waiting 60 s for the answers under way"]
    of(ml, said, Waits(clock), drain_seconds=75).drain(already=75)
    assert len(said) == 1
    of(ml, said, Waits(clock), drain_seconds=75).drain(already=74.5)
    assert said[1:] == ["waiting 0.5 s for the answers under way"]
    stop = Waits(clock)
    stop.set()
    its = of(ml, said, stop, drain_seconds=75)
    assert error_of(its.drain) == (
        "NotFinished: the release is not finished (endpoint phi): you asked to stop; the answers under way come to "
        f"their end. {TAKEN_UP}"
    )
    its.drain(needed=True)
