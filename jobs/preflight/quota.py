"""vCPU quota: what the region grants, what is in use, what a stack needs, and how more is asked for.

Clusters and managed endpoints draw on one quota for each VM family and region, that of Azure ML (not that of
virtual machines).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cloud.catalogue import ML_VERSION
from cloud.errors import StageError, azure_errors, refusal
from cloud.report import Report
from cloud.waiting import minutely
from jobs.preflight.spec import BASE, CLUSTER, CLUSTERS, DATA_CLUSTER, ENDPOINT, Machines, PreflightSpec
from jobs.release.spec import BASE_DEPLOYMENT

if TYPE_CHECKING:
    from cloud.arm import Arm

QUOTA_VERSION = "2025-09-01"
UNLIMITED = -1
TOTAL = ("totaldedicatedcores", "totalclusterdedicatedregionalvcpus")
"""Names of the sum over all families of a region: as the API says it, and as people are shown it."""
TUTORIAL_RETIRED = "The tutorial also asks for Standard NCSv3 (Standard_NC6s_v3), which Azure retired on 2025-09-30."
_REFUSALS = {
    "MissingSubscriptionRegistration": "Run `az provider register --namespace Microsoft.Quota`, wait a minute, and "
    "ask again.",
    "QuotaNotAvailableForResource": "This offer or region has no quota of the family to give: choose another region "
    "or vmSize, or a pay-as-you-go subscription.",
    "ContactSupport": "A person at Azure has to decide: open a request of type `Service and subscription limits "
    "(quotas)` at https://aka.ms/newsupportrequest.",
}


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Cores of a family in a region; `name` as Azure spells it, `limit` -1 without one.

    Where not `counted`, Azure has given no number of those in use: so it is in a region of a subscription whose offer
    changed or that nobody has used, and the limit beside it is not the real one.
    """

    name: str
    used: int
    limit: int
    counted: bool = True


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a stack takes of one family.

    `needed` at the same time, in `parts` by use, which are had one after the other where `in_turn`; `own` of that is in
    use by the stack already. `peak` comes on top for as long as a new release stands beside the old one, and
    `training_again`, where `in_turn`, for as long as a next fine-tune runs while the endpoint answers. `usage` is None
    where the region knows no such family.
    """

    family: str
    needed: int
    parts: tuple[str, ...]
    peak: int
    own: int
    usage: Usage | None
    in_turn: bool = False
    training_again: int = 0

    @property
    def limit_needed(self) -> int:
        """The limit with which all of it fits beside what others use."""
        return (self.usage.used if self.usage else 0) - self.own + self.needed

    def fits(self, cores: int) -> bool:
        return self.usage is not None and (self.usage.limit == UNLIMITED or self.usage.limit >= cores)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "limitNeeded": self.limit_needed}


def plain(name: str) -> str:
    """A family without what its spellings differ in: case, spaces, and the cluster quota's suffix."""
    return name.lower().replace(" ", "").removesuffix("clusterdedicatedvcpus")


def usages(arm: Arm, spec: PreflightSpec) -> dict[str, Usage]:
    """Usage and limit by plain family name, of the whole subscription in the region."""
    found: dict[str, Usage] = {}
    for row in arm.items(f"{_location(spec)}/usages", ML_VERSION):
        name = row.get("name") or {}
        value, label = str(name.get("value") or ""), str(name.get("localizedValue") or "")
        if _is_share(row) or "lowpriority" in f"{row.get('type')} {value}".lower():
            continue  # a workspace's or a cluster's own share, and machines this project does not use
        used = row.get("currentValue")
        usage = Usage(
            name=value or label, used=int(used or 0), limit=int(row.get("limit") or 0), counted=used is not None
        )
        for spelling in filter(None, (value, label)):
            found.setdefault(plain(spelling), usage)
    return found


def _is_share(row: Mapping[str, Any]) -> bool:
    """Whether a row is about a workspace or one of its clusters, which Azure's own examples spell in two ways."""
    kind, id_ = (str(row.get(key, "")).lower() for key in ("type", "id"))
    return "/workspaces/" in id_ or "/workspaces/" in kind or "/workspace/" in kind


def needs(arm: Arm, spec: PreflightSpec) -> list[Need]:
    """What the stack needs of each family, beside what there is. Raises what azure-core raises."""
    there = usages(arm, spec)
    own = own_cores(arm, spec)
    families: dict[str, list[Machines]] = {}
    for machines in spec.machines:
        families.setdefault(plain(machines.family), []).append(machines)
    return [
        Need(
            family=group[0].family,
            needed=_at_once(group, in_turn=spec.in_turn),
            parts=tuple(f"{each.use} {each.cores_needed}" for each in group),
            peak=sum(each.cores_of(spec.releasing) for each in group if each.use == ENDPOINT),
            in_turn=spec.in_turn,
            training_again=_at_once(group) - _at_once(group, in_turn=True) if spec.in_turn else 0,
            own=sum(own.get(each.vm_size.lower(), {}).get(each.use, 0) for each in group),
            usage=there.get(family),
        )
        for family, group in families.items()
    ]


def _at_once(group: Sequence[Machines], *, in_turn: bool = False) -> int:
    """Cores that are held at the same time.

    Where clusters and endpoint have their machines in turn: data are prepared, a model is trained, then it answers.
    """
    clusters = [each.cores_needed for each in group if each.use in CLUSTERS]
    answering = sum(each.cores_needed for each in group if each.use not in CLUSTERS)
    return max(*clusters, answering) if in_turn and clusters else sum(clusters) + answering


def total(arm: Arm, spec: PreflightSpec) -> Usage | None:
    """The region's sum over all families, where it tells one."""
    there = usages(arm, spec)
    return next((there[name] for name in TOTAL if name in there), None)


def own_cores(arm: Arm, spec: PreflightSpec) -> dict[str, dict[str, int]]:
    """Cores the stack's clusters and deployments hold now, by size (lower case) and use; none before the first up."""
    sizes = {(each.vm_size.lower(), each.use): each for each in spec.machines}
    own: dict[str, dict[str, int]] = {}
    for use, name in ((CLUSTER, spec.cluster_name), (DATA_CLUSTER, spec.data_cluster_name)):
        if not any(each.use == use for each in spec.machines):
            continue
        cluster = arm.find(f"{spec.workspace_scope}/computes/{name}", ML_VERSION) or {}
        inner = (cluster.get("properties") or {}).get("properties") or {}
        size = str(inner.get("vmSize", "")).lower()
        if machines := sizes.get((size, use)):
            own.setdefault(size, {})[use] = int(inner.get("currentNodeCount") or 0) * machines.cores
    endpoint = f"{spec.workspace_scope}/onlineEndpoints/{spec.endpoint}"
    if arm.find(endpoint, ML_VERSION):
        for deployment in arm.items(f"{endpoint}/deployments", ML_VERSION):
            size = str((deployment.get("properties") or {}).get("instanceType", "")).lower()
            use = BASE if deployment.get("name") == BASE_DEPLOYMENT else ENDPOINT
            if machines := sizes.get((size, use)):
                count = int((deployment.get("sku") or {}).get("capacity") or 1)
                uses = own.setdefault(size, {})
                uses[use] = uses.get(use, 0) + machines.cores_of(count)
    return own


def body(name: str, cores: int) -> dict[str, Any]:
    """What Microsoft.Quota takes for a family of dedicated cores."""
    limit = {"limitObjectType": "LimitValue", "value": cores}
    return {"properties": {"limit": limit, "name": {"value": name}, "resourceType": "dedicated"}}


def resource_name(need: Need) -> str:
    """The family as Microsoft.Quota's URL has it: Azure's own spelling where it has no spaces."""
    name = need.usage.name if need.usage else need.family
    return name if " " not in name else need.family.replace(" ", "")


def request(spec: PreflightSpec, wanted: Mapping[str, int], report: Report, stop: threading.Event) -> list[str]:
    """Asks for the limits in `wanted` (quota name to cores) and follows the requests, one line each.

    Azure decides at once or hands the request to a person; when `stop` is set, the requests stay filed. Raises
    StageError for a refusal.
    """
    from cloud.arm import Arm

    arm = Arm()
    return [_ask(arm, spec, name, cores, report, stop) for name, cores in wanted.items()]


def _ask(arm: Arm, spec: PreflightSpec, name: str, cores: int, report: Report, stop: threading.Event) -> str:
    from azure.core.exceptions import HttpResponseError

    report(f"{name}: asking for {cores} cores in {spec.location}")
    path = f"{_location(spec)}/providers/Microsoft.Quota/quotas/{name}"
    what, on = f"the quota of {cores} cores was not granted", f"{name} in {spec.location}"
    with azure_errors(what, on):
        try:
            tell = minutely(report, f"{name}: Azure is still deciding")
            last = arm.run("PUT", path, {"api-version": QUOTA_VERSION}, body(name, cores), stop, tell=tell)
        except HttpResponseError as error:
            code, why = refusal(error)
            if not _known(code):
                raise
            raise StageError(what, on=on, why=f"{code}: {why}", todo=_known(code)) from error
    if last is None:
        again = f"Azure is still deciding; `python -m jobs quota --stack {spec.stack}` shows the limit"
        return f"{name}: {cores} cores requested, {again}"
    properties = last.get("properties") or {}
    if properties.get("provisioningState") in ("Failed", "Invalid"):
        # The operation ends well even when what it decided is no.
        error_ = properties.get("error") or {}
        code = str(error_.get("code") or properties["provisioningState"])
        why = str(error_.get("message") or properties.get("message") or "Azure gives no reason")
        todo = _known(code) or _REFUSALS["ContactSupport"]
        raise StageError(what, on=on, why=f"{code}: {why}", todo=todo)
    return f"{name}: {cores} cores granted in {spec.location}"


def _known(code: str) -> str:
    return next((text for known, text in _REFUSALS.items() if known in code), "")


def _location(spec: PreflightSpec) -> str:
    return f"{spec.scope}/providers/Microsoft.MachineLearningServices/locations/{spec.location}"
