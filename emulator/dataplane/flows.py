"""``<region>.api.azureml.ms/flow/api``: the prompt flows of a workspace, whose files are on its file share."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

import yaml

from emulator.arm.errors import now, user_error
from emulator.cloud.parts import Cloud
from emulator.machine import files
from emulator.machine.home import TENANT_ID
from emulator.machine.store import Resource
from emulator.resources.workspaces import WORKING_DIRECTORY

TYPE = "Microsoft.MachineLearningServices/workspaces/flows"
PREFIX = "/flow/api/"
WORKSPACE = r"(?P<workspace>/subscriptions/[^/]+/resourceGroups/[^/]+/providers/[^/]+/workspaces/[^/]+)"
FLOW = re.compile(rf"/flow/api{WORKSPACE}/Flows(/(?P<flow>[^/]+))?$", re.IGNORECASE)
KINDS = ("Default", "Evaluation", "Chat", "Rag")
SETTABLE = ("flowName", "description", "tags", "flowType", "flowDefinitionFilePath", "isArchived")


class Flows:
    """Create, read, list and update; the service has no call that deletes a flow, they go with their workspace."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def handle(self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any], caller: str) -> Any:
        """Answer one call; ``caller`` is an object id.

        Raises:
            AzureError: unknown workspace or flow, or a flow whose files are not there or make no sense.
        """
        found = FLOW.match(path)
        workspace = self._cloud.store.get(found["workspace"]) if found else None
        if found is None or workspace is None:
            raise user_error(f"{method} {path} was not found.", 404, "NotFoundError")
        if not found["flow"]:
            return self._create(workspace, body, caller) if method == "POST" else self._list(workspace, query)
        flow = self._cloud.store.get(f"{workspace.id}/flows/{found['flow']}")
        if flow is None or query.get("experimentId") != workspace.properties["workspaceId"]:
            raise user_error(f"Flow {found['flow']} was not found.", 404, "NotFoundError")
        if method == "PUT":
            self._set(workspace, flow, body)
            return ""
        return flow.body["flow"]

    def _list(self, workspace: Resource, query: Mapping[str, str]) -> list[dict[str, Any]]:
        view = query.get("listViewType", "ActiveOnly").lower()
        return [
            each.body["flow"]
            for each in self._cloud.store.below(workspace.id, TYPE)
            if view == "all" or each.body["flow"]["isArchived"] is (view == "archivedonly")
        ]

    def _create(self, workspace: Resource, body: Mapping[str, Any], caller: str) -> dict[str, Any]:
        name, experiment = str(uuid.uuid4()), workspace.properties["workspaceId"]
        content = {
            "flowId": name,
            "flowName": "",
            "description": None,
            "tags": {},
            "flowType": "Default",
            "experimentId": experiment,
            "createdDate": now(),
            "owner": {"userObjectId": caller, "userTenantId": TENANT_ID, "userName": caller},
            "flowResourceId": f"azureml://locations/{workspace.body['location']}/workspaces/{experiment}/flows/{name}",
            "studioPortalEndpoint": f"https://ml.azure.com/prompts/flow/{experiment}/{name}/details?wsid={workspace.id}",
            "isArchived": False,
        }
        flow = Resource({"id": f"{workspace.id}/flows/{name}", "name": name, "type": TYPE, "flow": content})
        if not body.get("flowDefinitionFilePath"):
            raise user_error("flowDefinitionFilePath is required.")
        self._set(workspace, flow, body)
        created: dict[str, Any] = flow.body["flow"]
        return created

    def _set(self, workspace: Resource, flow: Resource, body: Mapping[str, Any]) -> None:
        given = {name: body[name] for name in SETTABLE if body.get(name) is not None}
        if "flowType" in given:
            known = {kind.lower(): kind for kind in KINDS}
            if str(given["flowType"]).lower() not in known:
                raise user_error(f"Flow type {given['flowType']!r} is none of {', '.join(KINDS)}.")
            given["flowType"] = known[str(given["flowType"]).lower()]
        if "flowDefinitionFilePath" in given:
            self._check_definition(workspace, str(given["flowDefinitionFilePath"]))
        flow.body["flow"] |= {**given, "lastModifiedDate": now()}
        self._cloud.store.put(flow)

    def _check_definition(self, workspace: Resource, path: str) -> None:
        """The file on the share has to be a flow whose nodes' files are beside it."""
        datastore = self._cloud.store.get(f"{workspace.id}/datastores/{WORKING_DIRECTORY}")
        assert datastore is not None  # every workspace but a hub has it
        where = datastore.properties
        share = files.share(self._cloud.home, where["accountName"], where["fileShareName"])
        place = (share / path).resolve()
        if not place.is_relative_to(share.resolve()) or not place.is_file():
            raise user_error(f"The flow definition file {path} does not exist on the file share of the workspace.", 404)
        try:
            definition = yaml.safe_load(place.read_text())
            sources = [node["source"]["path"] for node in definition["nodes"] if node["source"]["type"] == "code"]
        except (yaml.YAMLError, KeyError, TypeError) as error:
            raise user_error(f"The flow definition file {path} is no flow: {error!r}.") from error
        for source in sources:
            if not (place.parent / source).is_file():
                raise user_error(f"The flow {path} names {source}, which is not beside it.")
