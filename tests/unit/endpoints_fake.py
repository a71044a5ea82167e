"""Online endpoints of a workspace that is a fake."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

MACHINE = "Standard_NC24ads_A100_v4"


class Poller:
    """A long-running operation that has ended."""

    def __init__(self, outcome: Any = None) -> None:
        self._outcome = outcome

    def done(self) -> bool:
        return True

    def wait(self, timeout: float | None = None) -> None:
        raise AssertionError("it has ended")

    def result(self) -> Any:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


def probe(initial_delay: int, timeout: int = 20) -> SimpleNamespace:
    """A deployment's probe as a release makes it."""
    return SimpleNamespace(initial_delay=initial_delay, timeout=timeout, period=10, failure_threshold=30)


class Endpoints:
    """One endpoint with its deployments; ``history`` is every traffic it ever had."""

    def __init__(self) -> None:
        self.traffic: dict[str, int] = {}
        self.tags: dict[str, str] = {}
        self.mirror: dict[str, int] = {}
        self.mirrors: list[dict[str, int]] = []
        self.history: list[dict[str, int]] = []
        self.deployments: dict[str, Any] = {}
        self.deleted: list[str] = []
        self.created: list[Any] = []
        self.updated: list[str] = []
        self.outcomes: dict[str, Exception] = {}
        self.refused_traffic: Exception | None = None
        self.state = "Succeeded"

    def deployment(self, name: str, state: str = "Succeeded", **more: Any) -> None:
        self.deployments[name] = SimpleNamespace(
            name=name,
            provisioning_state=state,
            tags=more.get("tags", {"model": "m"}),
            model="m",
            instance_type=MACHINE,
            creation_context=SimpleNamespace(created_at=more.get("created")),
            instance_count=1,
            endpoint_name="phi",
            request_settings=SimpleNamespace(
                max_concurrent_requests_per_instance=more.get("concurrent", 8), request_timeout_ms=90_000
            ),
            liveness_probe=more.get("liveness", probe(600)),
            readiness_probe=probe(10),
        )

    # client.online_endpoints
    def get(self, name: str, endpoint_name: str | None = None) -> Any:
        assert (name if endpoint_name is None else endpoint_name) == "phi"
        if endpoint_name is not None:
            if name not in self.deployments:
                raise ResourceNotFoundError(f"deployment {name} not found")
            return self.deployments[name]
        zeroes = dict.fromkeys(self.deployments, 0)
        return SimpleNamespace(
            name=name,
            provisioning_state=self.state,
            traffic=zeroes | self.traffic,
            mirror_traffic=dict(self.mirror),
            tags=dict(self.tags),
            auth_mode="key",
            scoring_uri="https://e.eastus2.inference.ml.azure.com/score",
        )

    def get_keys(self, name: str) -> Any:
        assert name == "phi"
        return SimpleNamespace(primary_key="the-key")

    def begin_create_or_update(self, resource: Any) -> Poller:
        if hasattr(resource, "endpoint_name"):
            assert resource.endpoint_name == "phi"
            return self._create(resource)
        if self.refused_traffic is not None:
            return Poller(self.refused_traffic)
        self.tags = dict(resource.tags)
        traffic = {name: share for name, share in resource.traffic.items() if share}
        if resource.mirror_traffic != self.mirror:
            self.mirror = dict(resource.mirror_traffic)
            self.mirrors.append(self.mirror)
        assert not set(self.mirror) & set(traffic), "a deployment has live traffic or copies, never both"
        if traffic == self.traffic:
            return Poller(resource)
        self.traffic = traffic
        assert sum(self.traffic.values()) in (0, 100)
        self.history.append(self.traffic)
        return Poller(resource)

    # client.online_deployments
    def _create(self, resource: Any) -> Poller:
        failure = self.outcomes.get(resource.name)
        if self.deployments.get(resource.name) is resource:  # as it was read: an update in place
            self.updated.append(resource.name)
            resource.provisioning_state = "Failed" if failure else "Succeeded"
            return Poller(failure or resource)
        self.created.append(resource)
        self.deployment(resource.name, "Failed" if failure else "Succeeded", tags=resource.tags)
        return Poller(failure or resource)

    def list(self, endpoint_name: str) -> list[Any]:
        assert endpoint_name == "phi"
        return list(self.deployments.values())

    def begin_delete(self, name: str, endpoint_name: str) -> Poller:
        assert endpoint_name == "phi"
        if self.traffic.get(name):
            return Poller(HttpResponseError(f"Can't delete deployment [{name}] with non-zero traffic weight."))
        assert name not in self.mirror, "copies go to it"
        del self.deployments[name]
        self.deleted.append(name)
        return Poller()

    def get_logs(self, name: str, endpoint_name: str, lines: int, container_type: str | None = None) -> str:
        assert (endpoint_name, container_type) in (("phi", None), ("phi", "storage-initializer")), container_type
        assert name in self.deployments
        return "fetched\n" if container_type else "loading\nout of memory\n"


def tags_written(endpoints: Endpoints) -> Any:
    """``Arm`` as far as tags of a deployment go."""
    of = "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"

    def run(method: str, path: str, query: dict[str, str], body: dict[str, Any], *, tell: object) -> None:
        assert (method, query) == ("PATCH", {"api-version": "2025-12-01"}) and callable(tell)
        folder, _, name = path.rpartition("/")
        assert folder == f"{of}/onlineEndpoints/phi/deployments" and set(body) == {"tags"}, path
        endpoints.deployments[name].tags = body["tags"]

    return SimpleNamespace(run=run)
