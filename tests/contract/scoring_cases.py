"""The scoring URL and its keys: what is refused, and the way through."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chat import entra
from chat.phi_client import ask
from chat.phi_messages import ChatRequest, KeyRefused
from cloud.client import credential
from emulator.machine.home import CLIENT_OBJECT_ID
from tests.contract.lab import Lab
from tests.contract.serving_cases import CASES


def asked(**parameters: Any) -> dict[str, Any]:
    """A question with parameters."""
    return {"input_data": {"input_string": [{"role": "user", "content": "Who are you?"}], "parameters": parameters}}


@CASES.refused("score-key")
def _(lab: Lab) -> None:
    lab.score(lab.live, authorization="Bearer wrong")


@CASES.refused("score-header")
def _(lab: Lab) -> None:
    lab.score(lab.live, authorization="Basic wrong")


@CASES.refused("score-route")
def _(lab: Lab) -> None:
    lab.score(lab.idle)


@CASES.refused("score-timeout")
def _(lab: Lab) -> None:
    deployment = f"{lab.live}/deployments/blue"
    with lab.state(deployment, requestSettings={"requestTimeout": "PT0.001S"}):
        lab.score(lab.live)


@CASES.refused("score-model")
def _(lab: Lab) -> None:
    """Azure's image for chat models is another thing: it answers 200 and an empty object."""
    assert lab.score(lab.live, body={"input_data": {"input_string": 7}}).strip() == "{}"
    lab.score(lab.tuned, body=asked(temperature=0))


@CASES.refused("score-parameter")
def _(lab: Lab) -> None:
    lab.score(lab.tuned, body=asked(colour="red"))


@CASES.refused("score-input")
def _(lab: Lab) -> None:
    lab.score(lab.tuned, body={"messages": [{"role": "user", "content": "Who?"}]})


@CASES.refused("score-completions")
def _(lab: Lab) -> None:
    lab.score(lab.tuned, body={"messages": [{"role": "user", "content": "Who?"}]}, route="/v1/chat/completions")


@CASES.refused("score-busy")
def _(lab: Lab) -> None:
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _: lab.score(lab.live), range(24)))


@CASES.passes("score-key")
@CASES.passes("score-header")
@CASES.passes("score-route")
@CASES.passes("score-timeout")
def _(lab: Lab) -> None:
    assert "output" in lab.score(lab.live)
    assert "output" in lab.score(lab.live, deployment="blue")


@CASES.passes("score-model")
@CASES.passes("score-parameter")
@CASES.passes("score-input")
def _(lab: Lab) -> None:
    (said,) = json.loads(lab.score(lab.tuned, body=asked(do_sample=False, max_new_tokens=9)))
    assert set(said) == {"0"}


@CASES.passes("score-completions")
def _(lab: Lab) -> None:
    asked = {"messages": [{"role": "user", "content": "Who?"}], "max_tokens": 9}
    assert "choices" in lab.score(lab.live, body=asked, route="/v1/chat/completions")


@CASES.passes("score-busy")
def _(lab: Lab) -> None:
    """More are let in where the deployment says it takes more at once."""
    deployment = f"{lab.live}/deployments/blue"
    more = {"requestTimeout": "PT1M", "maxConcurrentRequestsPerInstance": 12}
    with lab.state(deployment, requestSettings=more), ThreadPoolExecutor(12) as pool:
        assert all(pool.map(lambda _: lab.score(lab.live), range(24)))


def regenerate(lab: Lab, endpoint: str, key: str) -> None:
    lab.arm.run("POST", f"{endpoint}/regenerateKeys", "2025-12-01", {"keyType": key})


@CASES.refused("keys-auth")
def _(lab: Lab) -> None:
    with lab.state(lab.idle, authMode="AADToken"):
        regenerate(lab, lab.idle, "Primary")


@CASES.refused("keys-type")
def _(lab: Lab) -> None:
    regenerate(lab, lab.idle, "Tertiary")


@CASES.refused("keys-old")
def _(lab: Lab) -> None:
    old = lab.arm.post(f"{lab.live}/listKeys", "2025-12-01")["primaryKey"]
    regenerate(lab, lab.live, "Primary")
    lab.score(lab.live, authorization=f"Bearer {old}")


@CASES.refused("score-token")
def _(lab: Lab) -> None:
    key = lab.arm.post(f"{lab.live}/listKeys", "2025-12-01")["primaryKey"]
    with lab.state(lab.live, authMode="AADToken"):
        lab.score(lab.live, authorization=f"Bearer {key}")


@CASES.refused("score-role")
def _(lab: Lab) -> None:
    lab.live  # noqa: B018
    reader = [{"principal": CLIENT_OBJECT_ID, "role": "Reader"}]
    with lab.state(lab.live, authMode="AADToken"), lab.setting("roles", reader):
        lab.score(lab.live, authorization=f"Bearer {entra.token()}")


@CASES.passes("score-token")
@CASES.passes("score-role")
def _(lab: Lab) -> None:
    """A token of Azure ML's opens it with the one role that it takes, a token for anything else does not."""
    scientist = [{"principal": CLIENT_OBJECT_ID, "role": "AzureML Data Scientist"}]
    url = lab.get(lab.live)["properties"]["scoringUri"]
    with lab.state(lab.live, authMode="AADToken"), lab.setting("roles", scientist):
        assert lab.score(lab.live, authorization=f"Bearer {entra.token()}")
        assert ask(url, entra.token, ChatRequest("Who are you?", temperature=0.0)).deployment == "blue"
        elsewhere = credential().get_token("https://storage.azure.com/.default").token
        with pytest.raises(KeyRefused, match="onlineEndpoints/score/action"):
            ask(url, lambda: elsewhere, ChatRequest("Who are you?"))


@CASES.passes("keys-auth")
@CASES.passes("keys-type")
@CASES.passes("keys-old")
def _(lab: Lab) -> None:
    """Each key is another one afterwards, the other one stays, and both open the endpoint."""
    before = lab.arm.post(f"{lab.live}/listKeys", "2025-12-01")
    regenerate(lab, lab.live, "Secondary")
    after = lab.arm.post(f"{lab.live}/listKeys", "2025-12-01")
    assert after["primaryKey"] == before["primaryKey"] and after["secondaryKey"] != before["secondaryKey"]
    for key in after.values():
        lab.score(lab.live, authorization=f"Bearer {key}")
