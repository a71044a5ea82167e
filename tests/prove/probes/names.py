"""Names after a deletion: what is free again, what stays taken; hubs, projects, connections, managed networks."""

from __future__ import annotations

from tests.prove.azure import ML, Azure
from tests.prove.group import PROVIDERS, Group
from tests.prove.probes import Facts, Probe

LOGS = "2023-09-01"


def purge_alive(on: Group, azure: Azure, measured: Facts) -> Facts:
    id_ = f"{on.ml}/mlw-alive-{on.run}"
    body = on.workspace_body()
    on.purged(id_)
    made = azure.call("make it", "PUT", id_, ML, body)
    gone = azure.call("delete it for good", "DELETE", id_, query={"forceToPurge": "true"})
    again = azure.call("make it again", "PUT", id_, ML, body)
    return {"made": made.outcome, "deleted": gone.outcome, "made again": again.outcome}


def purge_late(on: Group, azure: Azure, measured: Facts) -> Facts:
    id_ = f"{on.ml}/mlw-late-{on.run}"
    body = on.workspace_body()
    azure.call("make it", "PUT", id_, ML, body)
    gone = azure.call("delete it", "DELETE", id_)
    name = id_.rsplit("/", 1)[1]
    every = f"/subscriptions/{on.subscription}/{PROVIDERS}.MachineLearningServices/workspaces"
    names = [each.get("name") for each in on.quietly.get(every).get("value", ())]
    purged = azure.call("purge it", "DELETE", id_, query={"forceToPurge": "true"})
    again = azure.call("make it again", "PUT", id_, ML, body)
    on.purged(id_)
    return {
        "deleted": gone.outcome,
        "listed in the subscription": "yes" if name in names else "no",
        "purged": purged.outcome,
        "made again": again.outcome,
    }


def log_analytics(on: Group, azure: Azure, measured: Facts) -> Facts:
    id_ = f"{on.group()}/{PROVIDERS}.OperationalInsights/workspaces/log-prove-{on.run}"
    body = {"location": on.location, "properties": {"sku": {"name": "PerGB2018"}}}
    first = azure.call("make it", "PUT", id_, LOGS, body)
    azure.call("delete it", "DELETE", id_, LOGS)
    second = azure.call("make it again", "PUT", id_, LOGS, body)
    forced = azure.call("delete it for good", "DELETE", id_, LOGS, query={"force": "true"})
    third = azure.call("make it a third time", "PUT", id_, LOGS, body)

    def customer(answer: object) -> str:
        return str(getattr(answer, "answer", {}).get("properties", {}).get("customerId"))

    return {
        "after a deletion it is": "the same" if customer(first) == customer(second) else "another",
        "forced": forced.outcome,
        "after a forced deletion it is": "the same" if customer(second) == customer(third) else "another",
    }


def hub(on: Group, azure: Azure, measured: Facts) -> Facts:
    hub_id, project_id = f"{on.ml}/hub-prove-{on.run}", f"{on.ml}/proj-prove-{on.run}"
    body = on.workspace_body("Hub")
    on.purged(hub_id)
    made = azure.call("make the hub", "PUT", hub_id, ML, body)
    on.purged(project_id)
    project = azure.call("make the project", "PUT", project_id, ML, on.workspace_body("Project", hubResourceId=hub_id))
    seen = azure.call("read the hub", "GET", hub_id)
    keys = {
        "authType": "CustomKeys",
        "category": "CustomKeys",
        "target": "-",
        "credentials": {"keys": {"endpoint": "https://example.com/", "key": "made up"}},
        "metadata": {"azureml.flow.connection_type": "Custom", "azureml.flow.module": "promptflow.connections"},
    }
    connection = azure.call("make a connection", "PUT", f"{project_id}/connections/phi", ML, {"properties": keys})
    early = azure.call("delete the hub first", "DELETE", hub_id)
    properties = (seen.answer or {}).get("properties", {})
    return {
        "hub": made.outcome,
        "project": project.outcome,
        "the hub lists its project": "yes" if properties.get("associatedWorkspaces") else "no",
        "connection": connection.outcome,
        "hub with a project deleted": early.outcome,
    }


def managed_network(on: Group, azure: Azure, measured: Facts) -> Facts:
    id_ = f"{on.ml}/mlw-net-{on.run}"
    body = on.workspace_body(managedNetwork={"isolationMode": "AllowInternetOutbound"}, provisionNetworkNow=True)
    on.purged(id_)
    made = azure.call("make it", "PUT", id_, ML, body)
    seen = azure.call("read it", "GET", id_)
    network = (seen.answer or {}).get("properties", {}).get("managedNetwork", {})
    status = (network.get("status") or {}).get("status", "none")
    found = azure.wait(
        lambda: (
            on.quietly.get(id_).get("properties", {}).get("managedNetwork", {}).get("status", {}).get("status")
            == "Active"
        ),
        45 * 60,
    )
    return {
        "made": made.outcome,
        "the network right afterwards": str(status),
        "the network in the end": "Active" if found else "not Active within 45 minutes",
    }


PROBES = (
    Probe(
        name="purge-alive",
        claim="forceToPurge on a living workspace frees its name at once",
        run=purge_alive,
        believed={"made": "20[0-2], then Succeeded", "deleted": "20[0-9].*", "made again": "20[0-2], then Succeeded"},
        makes="a workspace, twice",
        minutes=6,
    ),
    Probe(
        name="purge-late",
        claim="forceToPurge after the soft delete does nothing: the name stays taken for 14 days",
        run=purge_late,
        believed={"deleted": "20[0-9].*", "listed in the subscription": "", "purged": "", "made again": "400 .*"},
        makes="a workspace, whose name may stay soft-deleted (free of charge) for 14 days",
        minutes=6,
    ),
    Probe(
        name="log-analytics",
        claim="A Log Analytics workspace comes back with its logs unless its deletion was forced",
        run=log_analytics,
        believed={
            "after a deletion it is": "the same",
            "forced": "20[0-9].*",
            "after a forced deletion it is": "another",
        },
        makes="a Log Analytics workspace",
        minutes=3,
    ),
    Probe(
        name="hub",
        claim="A hub lists its projects, takes a connection at once, and stays while it has a project",
        run=hub,
        believed={
            "hub": "20[0-2], then Succeeded",
            "project": "20[0-2], then Succeeded",
            "the hub lists its project": "yes",
            "connection": "200",
            "hub with a project deleted": "4[0-9][0-9].*",
        },
        makes="a hub, a project, a connection",
        minutes=6,
    ),
    Probe(
        name="managed-network",
        claim="provisionNetworkNow makes the managed network with the workspace, in about half an hour",
        run=managed_network,
        believed={"made": "20[0-2], then Succeeded", "the network in the end": "Active"},
        makes="a workspace with a managed network",
        minutes=45,
        own=("the network right afterwards",),
    ),
)
