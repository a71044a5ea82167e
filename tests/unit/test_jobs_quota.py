"""Asking for quota: what is sent, what Azure's decisions become, and that nothing is filed unasked."""

from __future__ import annotations

import dataclasses
import threading

import pytest
from azure.core.pipeline.transport import RequestsTransport
from preflight_asked import A100, ML, NC24, SPEC, T4, usage

from cloud.errors import StageError
from jobs import __main__ as cli
from jobs import specs
from jobs.preflight import quota
from jobs.preflight.spec import CLUSTER, ENDPOINT, Machines
from tests.unit.arm_fake import ArmFake, install

REQUEST = f"{ML}/providers/Microsoft.Quota/quotas/standardNCADSA100v4Family"
DECISION = f"https://management.azure.com{ML}/providers/Microsoft.Quota/quotaRequests/1"


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    """A subscription with 24 A100 cores where 72 are wanted."""
    arm = install(monkeypatch)
    arm.get(f"{ML}/usages", {"value": [usage("standardNCADSA100v4Family", 0, 24)]})
    monkeypatch.setattr(specs, "preflight_of", lambda stack: SPEC)
    return arm


def decided(arm: ArmFake, state: str, code: str = "", status: int = 200) -> None:
    """A request that is taken, thought about, and decided."""
    error = {"error": {"code": code, "message": "so it is"}} if code else {}
    arm.then("PUT", REQUEST, (202, {"Location": f"{DECISION}?api-version=2025-09-01"}, None))
    body = {"properties": {"provisioningState": state, **error}}
    arm.then("GET", DECISION, (202, {}, None), (status, {}, body))


def request() -> list[str]:
    return quota.request(SPEC, {"standardNCADSA100v4Family": 72}, lambda line: None, threading.Event())


def test_the_request_is_microsoft_quota_s(arm: ArmFake) -> None:
    decided(arm, "Succeeded")
    assert request() == ["standardNCADSA100v4Family: 72 cores granted in eastus2"]
    assert arm.sent[0][1].endswith("standardNCADSA100v4Family?api-version=2025-09-01")
    assert arm.bodies == [quota.body("standardNCADSA100v4Family", 72)]


def test_the_body_is_what_azure_s_own_client_sends() -> None:
    from azure.mgmt.quota import models

    limit = models.LimitObject(value=72)
    name = models.ResourceName(value="family")
    properties = models.QuotaProperties(limit=limit, name=name, resource_type="dedicated")
    assert models.CurrentQuotaLimitBase(properties=properties).as_dict() == quota.body("family", 72)


@pytest.mark.parametrize(
    ("code", "says"), [("QuotaNotAvailableForResource", "another region"), ("ContactSupport", "newsupportrequest")]
)
def test_azure_s_refusals_say_what_next(arm: ArmFake, code: str, says: str) -> None:
    decided(arm, "Failed", code)
    with pytest.raises(StageError, match=f"was not granted.*{code}") as raised:
        request()
    assert says in raised.value.todo
    arm.refuse("PUT", REQUEST, 400, code)
    arm.queues.clear()
    with pytest.raises(StageError, match=f"was not granted.*{code}") as raised:
        request()
    assert says in raised.value.todo


def test_a_refusal_nobody_foresaw_goes_to_support(arm: ArmFake) -> None:
    decided(arm, "Invalid", "Novel")
    with pytest.raises(StageError, match=r"Novel: so it is.*newsupportrequest"):
        request()


def test_the_quota_provider_may_have_to_be_registered_first(arm: ArmFake) -> None:
    arm.refuse("PUT", REQUEST, 409, "MissingSubscriptionRegistration")
    with pytest.raises(StageError, match=r"az provider register --namespace Microsoft\.Quota"):
        request()


def test_other_errors_keep_their_own_advice(arm: ArmFake) -> None:
    arm.refuse("PUT", REQUEST, 403, "AuthorizationFailed")
    with pytest.raises(StageError, match=r"AuthorizationFailed.*Contributor"):
        request()


def test_a_decision_that_takes_days_is_not_waited_for(arm: ArmFake, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    monkeypatch.setattr(RequestsTransport, "sleep", lambda self, seconds: threading.Event().wait(0.01))
    arm.then("PUT", REQUEST, (202, {"Location": f"{DECISION}?api-version=2025-09-01"}, None))
    arm.then("GET", DECISION, (202, {}, None))
    stop.set()
    (line,) = quota.request(SPEC, {"standardNCADSA100v4Family": 72}, lambda line: None, stop)
    assert "still deciding" in line and "python -m jobs quota --stack dev" in line
    arm.then("GET", DECISION, (200, {}, {}))  # lets the poller's thread end


def test_nothing_is_filed_without_a_yes(arm: ArmFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    with pytest.raises(SystemExit, match="Add --yes"):
        cli.main(["quota", "request", "--stack", "dev"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: "")
    with pytest.raises(SystemExit, match="Nothing was filed"):
        cli.main(["quota", "request", "--stack", "dev"])
    assert {method for method, _ in arm.sent} == {"GET"}


def test_the_limit_asked_for_fits_the_stack_beside_others(arm: ArmFake, capsys: pytest.CaptureFixture[str]) -> None:
    arm.get(f"{ML}/usages", {"value": [usage("standardNCADSA100v4Family", 10, 24)]})
    decided(arm, "Succeeded")
    cli.main(["quota", "request", "--stack", "dev", "--yes"])
    assert arm.bodies[0]["properties"]["limit"]["value"] == 10 + 48 + 24
    said = capsys.readouterr().out
    assert "limit 24, to be 82 (cluster 24, endpoint 24)" in said and "NCSv3" in said and "granted" in said


def test_cores_can_be_chosen_and_what_fits_is_not_asked_for(arm: ArmFake, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["quota", "request", "--stack", "dev", "--yes", "--cores", "24"])
    assert "nothing to ask for" in capsys.readouterr().out
    decided(arm, "Succeeded")
    cli.main(["quota", "request", "--stack", "dev", "--yes", "--cores", "96"])
    assert arm.bodies[0]["properties"]["limit"]["value"] == 96
    with pytest.raises(SystemExit):
        cli.main(["quota", "request", "--stack", "dev", "--cores", "many"])


def test_each_family_is_asked_for(arm: ArmFake) -> None:
    both = (
        Machines(use=CLUSTER, vm_size=NC24, family=A100, cores=24, count=1),
        Machines(use=ENDPOINT, vm_size="Standard_NC4as_T4_v3", family=T4, cores=4, count=1, reserve=0.2),
    )
    from cloud.arm import Arm

    needs = quota.needs(Arm(), dataclasses.replace(SPEC, machines=both))
    assert [(need.needed, need.peak) for need in needs] == [(24, 0), (8, 8)]
    # Azure knows no such family here, so the catalogue's spelling goes, without spaces.
    assert [quota.resource_name(need) for need in needs] == ["standardNCADSA100v4Family", "StandardNCASv3_T4Family"]


def test_the_table_shows_limit_use_and_need(arm: ArmFake, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["quota", "--stack", "dev"])
    row = capsys.readouterr().out
    assert "24" in row and "48" in row and "cluster 24, endpoint 24" in row and "+24" in row
    cli.main(["quota", "--stack", "dev", "--json"])
    assert '"limitNeeded": 48' in capsys.readouterr().out


def test_a_quota_that_cannot_be_read_is_one_message(arm: ArmFake) -> None:
    arm.refuse("GET", f"{ML}/usages", 403, "AuthorizationFailed")
    with pytest.raises(SystemExit, match="error: the quota could not be read"):
        cli.main(["quota", "--stack", "dev"])
