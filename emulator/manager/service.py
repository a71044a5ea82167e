"""Azure Resource Manager: one way to create, read, list and delete for every type in the table."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from emulator.arm.errors import AzureError, not_found
from emulator.arm.paths import GROUP_TYPE, SUBSCRIPTION_TYPE, ArmPath, parse
from emulator.cloud.parts import Cloud
from emulator.machine.home import SUBSCRIPTION_ID
from emulator.machine.store import Resource
from emulator.manager.bodies import assemble, check_location, merge, place
from emulator.manager.calls import Answer, Call
from emulator.manager.operations import Transitions
from emulator.manager.subscription import Subscription
from emulator.manager.work import Work
from emulator.resources import filled
from emulator.resources.base import Kind, fill_identity
from emulator.subscription.policy import engine as policy
from emulator.validation.refusal import check_post, check_put
from emulator.validation.versions import check_version

OPERATION = re.compile(r"/mfeoperations?(status|results)/([0-9a-f-]{36})$")


class ResourceManager:
    """Dispatches calls to the table of resource types."""

    def __init__(self, cloud: Cloud, kinds: list[Kind], transitions: Transitions) -> None:
        self._cloud = cloud
        self._store = cloud.store
        self._kinds = {kind.type.lower(): kind for kind in kinds}
        self._subscription = Subscription(cloud)
        self._work = Work(cloud.store, self._kinds, transitions)
        self.operations = self._work.operations

    # --- dispatch

    def handle(self, call: Call) -> Answer:
        """Answer one call.

        Raises:
            AzureError: whatever Azure would refuse.
        """
        operation = OPERATION.search(call.path.lower())
        if operation:
            return self._work.poll(call, operation[1], operation[2])
        path = parse(call.path)
        if path and path.subscription and path.subscription.lower() != SUBSCRIPTION_ID:
            raise AzureError(404, "SubscriptionNotFound", f"The subscription '{path.subscription}' could not be found.")
        if not call.query.get("api-version"):
            raise AzureError(
                400,
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            )
        about = self._subscription.answer(call.method, call.path, call.body)
        if about is not None:
            return Answer(about.status, about.body, dict(about.headers))
        if path is None:
            raise AzureError(404, "InvalidResourceType", f"The resource type of '{call.path}' could not be found.")
        if call.method == "HEAD":  # whether there is one
            self._get(call, path)
            return Answer(204)
        if call.method == "GET":
            return self._list(call, path) if path.tail else self._get(call, path)
        if call.method == "POST":
            return self._act(call, path)
        if path.tail:
            raise AzureError(405, "MethodNotAllowed", f"{call.method} is not allowed on a collection.")
        if call.method == "PUT":
            return self._put(call, path)
        if call.method == "PATCH":
            return self._patch(call, path)
        if call.method == "DELETE":
            return self._delete(call, path)
        raise AzureError(405, "MethodNotAllowed", f"The method {call.method} is not allowed.")

    def _kind(self, kind: str, api_version: str, location: str | None = None) -> Kind:
        found = self._kinds.get(kind.lower())
        if found is None:
            namespace, _, name = kind.partition("/")
            raise AzureError(
                404,
                "InvalidResourceType",
                f"The resource type '{name}' could not be found in the namespace '{namespace}' for api version "
                f"'{api_version}'. The supported api-versions are ''.",
            )
        check_version(found.type, api_version, location)
        return found

    # --- reads

    def _get(self, call: Call, path: ArmPath) -> Answer:
        kind = self._kind(path.type, call.query["api-version"])
        return Answer(200, self._seen(kind, self._existing(kind, path)))

    def _seen(self, kind: Kind, resource: Resource) -> dict[str, Any]:
        return filled.tagged(self._store, kind.view(resource))

    def _list(self, call: Call, path: ArmPath) -> Answer:
        if path.type == SUBSCRIPTION_TYPE and str(path.tail).lower() == "resourcegroups":
            groups = self._kind(GROUP_TYPE, call.query["api-version"])
            return Answer(200, {"value": [groups.view(each) for each in self._store.of_type(GROUP_TYPE)]})
        if path.type == GROUP_TYPE or not path.names:
            self._group(path)
        elif self._store.get(path.id) is None and not self._kind_is_implicit(path.collection_type):
            raise not_found(path.type, "/".join(path.names), path.resource_group)
        kind = self._kind(path.collection_type, call.query["api-version"])
        if path.resource_group is None and (found := kind.everywhere()) is not None:
            return Answer(200, kind.collection(path.id, found, call.query))
        depths = {path.id.count("/") + (4 if not path.names else 2)}
        if not path.names and path.resource_group is None:  # of the subscription, those in groups included
            depths.add(path.id.count("/") + 6)
        members = [member for member in self._store.below(path.id, kind.type) if member.id.count("/") in depths]
        return Answer(200, kind.collection(path.id, members, call.query))

    def _kind_is_implicit(self, kind: str) -> bool:
        found = self._kinds.get(kind.lower())
        return bool(found and found.implicit_parent)

    def _existing(self, kind: Kind, path: ArmPath) -> Resource:
        found = kind.find(path)
        if found is not None:
            return found
        self._group(path)
        if path.type == GROUP_TYPE:
            raise _no_group(path)
        parent = self._store.get(path.parent_id) if len(path.names) > 1 else None
        raise kind.missing(path) if parent else not_found(path.type, "/".join(path.names), path.resource_group)

    def _group(self, path: ArmPath) -> None:
        if path.type == GROUP_TYPE or path.resource_group is None:
            return
        group = f"/subscriptions/{path.subscription}/resourceGroups/{path.resource_group}"
        if self._store.get(group) is None:
            raise _no_group(path)

    # --- writes

    def _put(self, call: Call, path: ArmPath) -> Answer:
        kind = self._kind(path.type, call.query["api-version"], place(call.body))
        if call.body is None:
            raise AzureError(400, "InvalidRequestContent", "The request content was invalid: the body is empty.")
        self._group(path)
        check_put(kind.type, call.body)  # before the lock: the first body of a namespace loads its models
        with self._store.lock:
            self._group(path)
            self._parent(path, kind)
            old = self._store.get(path.id)
            resource = assemble(path, kind, call.body, old)
            if old is not None:
                check_location(old, resource, path)
            policy.enforce(self._store, resource, call.query["api-version"])
            kind.admit(path, resource.body, old)
            before = old or self._restored(kind, path, resource)
            fill_identity(self._cloud, resource, before)
            kind.fill(resource, before)
            access = resource.properties.get("publicNetworkAccess")
            if str(access).lower() in ("enabled", "disabled"):  # which Azure takes in any case, and gives back in one
                resource.properties["publicNetworkAccess"] = str(access).capitalize()
            resource.properties["provisioningState"] = (
                ("Updating" if old else "Creating") if kind.asynchronous else "Succeeded"
            )
            self._store.put(resource)
        status = kind.replaced if old else kind.created
        if not kind.asynchronous:
            kind.apply(resource)
            return Answer(status, self._seen(kind, resource))
        return Answer(status, self._seen(kind, resource), self._work.begin("apply", resource, call))

    def _restored(self, kind: Kind, path: ArmPath, resource: Resource) -> Resource | None:
        """The soft-deleted resource a PUT brings back; that it asks for that, ``admit`` has made sure of."""
        gone = self._store.find_deleted(path.id) if kind.soft_deleted else None
        if gone is not None:
            resource.body = {**json.loads(json.dumps(gone.body)), "systemData": resource.body["systemData"]}
            resource.internal = dict(gone.internal)
            self._store.purge(path.id)
        return gone

    def _parent(self, path: ArmPath, kind: Kind) -> None:
        if len(path.names) < 2 or self._store.get(path.parent_id) is not None:
            return
        if not kind.implicit_parent:
            parent_type = path.type.rsplit("/", 1)[0]
            raise AzureError(
                404,
                "ParentResourceNotFound",
                f"Can not perform requested operation on nested resource. Parent resource "
                f"'{'/'.join(path.names[:-1])}' of type '{parent_type}' not found.",
            )

    def _patch(self, call: Call, path: ArmPath) -> Answer:
        kind = self._kind(path.type, call.query["api-version"])
        with self._store.lock:
            resource = self._existing(kind, path)
            changes = dict(call.body or {})
            if unknown := set(changes) - set(kind.patchable):
                raise AzureError(
                    400,
                    "BadRequest",
                    f"Could not find member '{min(unknown)}' on object of type "
                    "'PartialMinimalTrackedResourceWithIdentity'.",
                )
            old = Resource(copy.deepcopy(resource.body), dict(resource.internal))
            merge(resource.properties, changes.pop("properties", None) or {})
            resource.body.update(changes)
            fill_identity(self._cloud, resource, resource)
            if "properties" in kind.patchable:
                kind.fill(resource, old)
            self._store.put(resource)
        return Answer(200, self._seen(kind, resource))

    def _delete(self, call: Call, path: ArmPath) -> Answer:
        kind = self._kind(path.type, call.query["api-version"])
        forced = bool(kind.leaves_nothing) and call.query.get(kind.leaves_nothing, "").lower() == "true"
        with self._store.lock:
            resource = kind.find(path)
            if resource is None:  # or soft-deleted: then its name stays taken, forced or not
                if kind.type == GROUP_TYPE:
                    raise _no_group(path)
                return Answer(204)
            if kind.virtual:
                kind.remove(resource)
                return Answer(200)
            kind.admit_delete(resource, call.query)
            resource.properties["provisioningState"] = "Deleting"
            resource.internal["forced"] = forced
            self._store.put(resource)
        if not kind.asynchronous:
            self._work.remove(resource.id)
            return Answer(200, kind.view(resource) if kind.shown_deleted else None)
        return Answer(202, None, self._work.begin("remove", resource, call))

    def _act(self, call: Call, path: ArmPath) -> Answer:
        if not path.tail:
            raise AzureError(405, "MethodNotAllowed", "POST needs an action.")
        kind = self._kind(path.type, call.query["api-version"])
        resource = None if path.tail.lower() == "startpendingupload" else self._existing(kind, path)
        if resource is None:  # an upload is asked for before the asset it is for exists
            resource = Resource({"id": path.id, "name": path.name, "type": path.type})
        check_post(kind.type, path.tail, call.body or {})
        result = kind.act(resource, path.tail.lower(), call.body or {})
        if path.tail.lower() in kind.long_actions:
            return Answer(202, None, self._work.begin("apply", resource, call))
        return Answer(200, result)


def _no_group(path: ArmPath) -> AzureError:
    return AzureError(404, "ResourceGroupNotFound", f"Resource group '{path.resource_group}' could not be found.")
