"""Managed online endpoints and their deployments, served by the real inference server."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from emulator.arm.errors import AzureError, endpoint_invalid, endpoint_missing, user_error
from emulator.arm.paths import ArmPath
from emulator.cloud.uris import resolve
from emulator.machine.store import Resource
from emulator.resources import deployments
from emulator.resources.base import Kind
from emulator.resources.workspaces import ML
from emulator.runs.servers import Servers
from emulator.subscription.registrations import check_endpoint_providers

ENDPOINT_LIMIT = "endpoint-limit"
MAX_ENDPOINTS = 300
"""Azure's limit for a subscription, unless the admin setting ``endpoint-limit`` says otherwise."""


class OnlineEndpoint(Kind):
    """An endpoint: a URL, two keys and a division of traffic."""

    type = f"{ML}/workspaces/onlineEndpoints"
    asynchronous = True
    long_actions = ("regeneratekeys",)

    def missing(self, path: ArmPath) -> AzureError:
        return endpoint_missing()

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]", path.name):
            raise endpoint_invalid(
                f"The endpoint name {path.name} is invalid: 3 to 32 characters, a letter first, letters, digits and "
                "hyphens, a letter or digit last."
            )
        if old is None and any(
            other.name.lower() == path.name.lower() and _place(other.body) == _place(body)
            for other in self.cloud.store.of_type(self.type)
        ):
            raise endpoint_invalid(
                "There is already an endpoint with this name, Endpoint name needs to be unique within a region. Try "
                "some other name."
            )
        count, limit = len(self.cloud.store.of_type(self.type)), self.cloud.store.setting(ENDPOINT_LIMIT, MAX_ENDPOINTS)
        if old is None and count >= limit:
            raise endpoint_invalid(
                f"Endpoint Quota reached for subscription {path.subscription}.Current usage/limit: {count}/{limit}."
            )
        if old is not None and old.internal.get("never_lived") and old.properties["provisioningState"] == "Failed":
            raise endpoint_invalid(
                "This endpoint has not been created successfully or is in deleting provisioning state. Please recreate "
                "endpoint."
            )
        properties = body.get("properties", {})
        self._admit_traffic(path, properties.get("traffic") or {})
        self._admit_mirror(path, properties.get("mirrorTraffic") or {}, properties.get("traffic") or {})

    def _admit_traffic(self, path: ArmPath, traffic: dict[str, int]) -> None:
        known = {each.name for each in self.cloud.store.below(path.id, Deployment.type)}
        for name in traffic:
            if name not in known:
                raise endpoint_invalid(
                    f"Traffic is given to deployment {name}, which does not exist in endpoint {path.name}."
                )
        if sum(traffic.values()) not in (0, 100):
            raise endpoint_invalid(
                f"The traffic percentages of endpoint {path.name} add up to {sum(traffic.values())}; they have to add "
                "up to 0 or 100."
            )

    def _admit_mirror(self, path: ArmPath, mirrored: dict[str, int], live: dict[str, int]) -> None:
        """Azure's limits; the wording of their refusals is unproven."""
        given = {name: share for name, share in mirrored.items() if share}
        if len(given) > 1:
            raise endpoint_invalid(f"Endpoint {path.name} can mirror its traffic to one deployment only.")
        for name, share in given.items():
            if self.cloud.store.get(f"{path.id}/deployments/{name}") is None:
                raise endpoint_invalid(f"Traffic is mirrored to deployment {name}, which does not exist in endpoint.")
            if not 0 < share <= 50:
                raise endpoint_invalid(f"The mirrored traffic of deployment {name} is {share}; at most 50 is allowed.")
            if live.get(name):
                raise endpoint_invalid(f"Deployment {name} can have live traffic or mirrored traffic, not both.")

    def fill(self, resource: Resource, old: Resource | None) -> None:
        resource.internal.setdefault("keys", [secrets.token_urlsafe(24), secrets.token_urlsafe(24)])
        if old is None:
            resource.internal["never_lived"] = True
        properties = resource.properties
        properties.pop("keys", None)
        host = f"https://{resource.name}.{resource.region}.inference.ml.azure.com"
        properties["scoringUri"] = f"{host}/score"
        properties["swaggerUri"] = f"{host}/swagger.json"
        # A PUT without traffic resets it, as on Azure.
        properties["traffic"] = properties.get("traffic") or {}
        properties["mirrorTraffic"] = properties.get("mirrorTraffic") or {}
        properties.setdefault("authMode", "Key")
        _with_defaults(resource)

    def apply(self, resource: Resource) -> None:
        check_endpoint_providers(self.cloud.store)
        with self.cloud.store.lock:
            current = self.cloud.store.get(resource.id)
            if current is not None and current.internal.pop("never_lived", None):
                self.cloud.store.put(current)

    def act(self, resource: Resource, action: str, body: dict[str, Any]) -> Any:
        names = ("primaryKey", "secondaryKey")
        if action in ("listkeys", "regeneratekeys") and resource.properties["authMode"] != "Key":
            raise endpoint_invalid(
                f"Endpoint {resource.name} has the auth mode {resource.properties['authMode']} and therefore no keys."
            )
        if action == "listkeys":
            return dict(zip(names, resource.internal["keys"], strict=True))
        if action == "regeneratekeys":
            at = 0 if str(body.get("keyType", "")).lower() == "primary" else 1
            with self.cloud.store.lock:
                current = self.cloud.store.get(resource.id) or resource
                current.internal["keys"][at] = body.get("keyValue") or secrets.token_urlsafe(24)
                self.cloud.store.put(current)
            return None
        return super().act(resource, action, body)


class Deployment(Kind):
    """A deployment: one model behind an endpoint, on machines of its own."""

    type = f"{ML}/workspaces/onlineEndpoints/deployments"
    asynchronous = True
    servers: Servers  # set once the emulator is put together

    def missing(self, path: ArmPath) -> AzureError:
        return endpoint_missing()

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        endpoint = self.cloud.store.get(path.parent_id)
        state = endpoint.properties.get("provisioningState") if endpoint else None
        if state in ("Failed", "Deleting"):
            raise endpoint_invalid(
                "This endpoint has not been created successfully or is in deleting provisioning state. Please recreate "
                "endpoint before creating a deployment."
            )
        if state in ("Creating", "Updating"):
            raise endpoint_invalid(
                f"Cannot create a deployment in endpoint {path.names[-2]} because it is in {state} provisioning state."
            )
        if old is not None and old.internal.get("never_served") and old.properties["provisioningState"] == "Failed":
            raise endpoint_invalid(
                f"Specified deployment [{path.name}] failed during initial provisioning and is in an unrecoverable "
                "state. Delete and re-create."
            )
        if old is not None and old.properties.get("instanceType") != body["properties"].get("instanceType"):
            raise endpoint_invalid("The instance type of a deployment cannot be changed.", "InstanceType")
        model = body.get("properties", {}).get("model")
        if not model:
            raise endpoint_invalid("A deployment needs a model.", "Model")
        workspace = path.id[: path.id.lower().rindex("/onlineendpoints/")]
        resolve(self.cloud, workspace, _uri(model))  # refuses a model that does not exist
        deployments.admit(self.cloud, path, body)

    def fill(self, resource: Resource, old: Resource | None) -> None:
        resource.internal["never_served"] = old is None
        properties = resource.properties
        # The client crashes on a deployment without scale settings.
        properties["scaleSettings"] = properties.get("scaleSettings") or {"scaleType": "Default"}
        properties.setdefault("endpointComputeType", "Managed")
        _with_defaults(resource)

    def apply(self, resource: Resource) -> None:
        workspace = resource.id[: resource.id.lower().rindex("/onlineendpoints/")]
        deployments.check_identity(self.cloud, resource, workspace)
        model = _uri(resource.properties["model"])
        # Other request or probe settings of the same model: Azure rolls them out under the traffic.
        place = str(resolve(self.cloud, workspace, model))  # a model has several names
        if resource.internal.get("served") != place or self.servers.port(resource.id) is None:
            self.servers.serve(resource.id, workspace, model)
        with self.cloud.store.lock:
            current = self.cloud.store.get(resource.id)
            if current is not None:
                current.internal |= {"never_served": False, "served": place}
                self.cloud.store.put(current)

    def admit_delete(self, resource: Resource, query: Mapping[str, str]) -> None:
        endpoint = self.cloud.store.get(resource.id.rsplit("/deployments/", 1)[0])
        if endpoint is not None and endpoint.properties.get("traffic", {}).get(resource.name):
            raise endpoint_invalid(f"Can't delete deployment [{resource.name}] with non-zero traffic weight.")
        # Unproven: whether Azure refuses this one, too.
        if endpoint is not None and endpoint.properties.get("mirrorTraffic", {}).get(resource.name):
            raise endpoint_invalid(f"Can't delete deployment [{resource.name}] with mirrored traffic.")

    def remove(self, resource: Resource) -> None:
        self.servers.stop(resource.id)

    def act(self, resource: Resource, action: str, body: dict[str, Any]) -> Any:
        if action != "getlogs":
            return super().act(resource, action, body)
        if resource.properties.get("provisioningState") in ("Creating", "Deleting"):
            raise user_error("Deployment is in deleting or creating state so logs can't be retrieved.")
        loader = body.get("containerType") == "StorageInitializer"
        log = self.servers.loading(resource.id) if loader else self.servers.log(resource.id)
        lines = log[-int(body.get("tail") or 100) :]
        return {"content": "\n".join(lines) or "There are no logs for this deployment at the moment."}


def _with_defaults(resource: Resource) -> None:
    # Azure returns both in every answer, and clients iterate over them.
    resource.body["tags"] = resource.body.get("tags") or {}
    resource.properties["properties"] = resource.properties.get("properties") or {}


def _uri(model: Any) -> str:
    # Clients send the id as text; the typed model of the REST API wraps it.
    return str(model.get("assetId") if isinstance(model, dict) else model)


def _place(body: dict[str, Any]) -> str:
    return str(body.get("location", "")).replace(" ", "").lower()
