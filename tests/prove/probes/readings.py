"""What can be read without making anything."""

from __future__ import annotations

from cloud import client
from tests.prove.azure import Azure
from tests.prove.group import PROVIDERS, SERVING, Group
from tests.prove.probes import Facts, Probe

TAGS = ("model_specific_defaults", "finetune_compute_allow_list", "inference_compute_allow_list")
SIZE = "Standard_NC24ads_A100_v4"
BASE = ("azureml", "Phi-4-mini-instruct", "1")


def _places(on: Group) -> str:
    return f"/subscriptions/{on.subscription}/{PROVIDERS}.MachineLearningServices/locations/{on.location}"


def base_model(on: Group, azure: Azure, measured: Facts) -> Facts:
    azure.go_on()
    registry, name, version = BASE
    found = client.registry_client(registry).models.get(name, version=version)
    tags = dict(found.tags or {})
    for tag in TAGS:
        measured[tag] = str(tags.get(tag, "none"))
    return {"type": str(found.type), **{f"tag {tag}": _yes(tag in tags) for tag in TAGS}}


def usages(on: Group, azure: Azure, measured: Facts) -> Facts:
    answer = azure.call("the region's usages", "GET", f"{_places(on)}/usages", "2024-10-01")
    rows = answer.answer.get("value", [])
    measured["rows"] = str(len(rows))
    measured["types"] = ", ".join(sorted({str(row.get("type")) for row in rows}))
    return {
        "status": answer.outcome,
        "rows without a current value": "some" if any(row.get("currentValue") is None for row in rows) else "none",
        "the A100 family has a row": _yes("standardncadsa100v4family" in {_plain(row) for row in rows}),
    }


def sizes(on: Group, azure: Azure, measured: Facts) -> Facts:
    answer = azure.call("the region's sizes", "GET", f"{_places(on)}/vmSizes", "2024-10-01")
    rows = {str(row["name"]).lower(): row for row in answer.answer.get("value", [])}
    measured["sizes"] = str(len(rows))
    return {
        "status": answer.outcome,
        f"{SERVING} serves endpoints": _yes("MIR" in rows.get(SERVING.lower(), {}).get("supportedComputeTypes", ())),
        f"{SIZE} is for": ", ".join(sorted(rows.get(SIZE.lower(), {}).get("supportedComputeTypes", ["not offered"]))),
    }


def namespaces(on: Group, azure: Azure, measured: Facts) -> Facts:
    names = ("Cdn", "PolicyInsights", "Network", "MachineLearningServices", "Consumption")
    state = {
        name: azure.call(
            f"Microsoft.{name}", "GET", f"/subscriptions/{on.subscription}/{PROVIDERS}.{name}", "2021-04-01"
        )
        for name in names
    }
    return {name: str((each.answer or {}).get("registrationState")) for name, each in state.items()}


def missing(on: Group, azure: Azure, measured: Facts) -> Facts:
    workspace, nobody = on.workspace(), "nobody"
    identity = f"{on.group()}/{PROVIDERS}.ManagedIdentity/userAssignedIdentities/id-{nobody}"
    places = {
        "workspace": (f"{on.ml}/mlw-{nobody}-{on.run}", "2025-12-01"),
        "cluster": (f"{workspace}/computes/{nobody}", "2025-12-01"),
        "endpoint": (f"{workspace}/onlineEndpoints/{nobody}", "2025-12-01"),
        "connection": (f"{workspace}/connections/{nobody}", "2025-12-01"),
        "model version": (f"{workspace}/models/{nobody}/versions/1", "2025-12-01"),
        "job": (f"{workspace}/jobs/{nobody}", "2025-12-01"),
        "identity": (identity, "2023-01-31"),
        "federated credential": (f"{identity}/federatedIdentityCredentials/{nobody}", "2023-01-31"),
        "budget": (f"{on.group()}/{PROVIDERS}.Consumption/budgets/{nobody}", "2024-08-01"),
        "alert": (f"{on.group()}/{PROVIDERS}.Insights/metricAlerts/{nobody}", "2018-03-01"),
    }
    return {kind: azure.call(kind, "GET", id_, version).outcome for kind, (id_, version) in places.items()}


def _plain(row: dict[str, dict[str, str]]) -> str:
    return str(row.get("name", {}).get("value", "")).replace(" ", "").lower()


def _yes(true: bool) -> str:
    return "yes" if true else "no"


PROBES = (
    Probe(
        name="base-model",
        claim=f"{BASE[1]} is an MLflow model whose tags say its own defaults, and maybe the machines it takes",
        run=base_model,
        # The lists of machines are tags of other models of the catalogue; this one's are in no public source.
        believed={"type": "mlflow_model", f"tag {TAGS[0]}": "yes", f"tag {TAGS[1]}": "", f"tag {TAGS[2]}": ""},
    ),
    Probe(
        name="usages",
        claim="The usages of a region tell of every family, used or not",
        run=usages,
        believed={"status": "200", "the A100 family has a row": "yes"},
        own=("rows without a current value", "the A100 family has a row"),
    ),
    Probe(
        name="sizes",
        claim="The list of sizes says which of them endpoints take (MIR)",
        run=sizes,
        believed={"status": "200", f"{SERVING} serves endpoints": "yes", f"{SIZE} is for": ".*AmlCompute.*"},
        own=(f"{SIZE} is for",),
    ),
    Probe(
        name="namespaces",
        claim="Endpoints need Microsoft.Cdn and Microsoft.PolicyInsights registered",
        run=namespaces,
        believed={"Cdn": "Registered", "PolicyInsights": "Registered"},
        own=("Cdn", "PolicyInsights", "Network", "MachineLearningServices", "Consumption"),
    ),
    Probe(
        name="missing",
        claim="What is not there is answered 404, with a code that azure-native takes for gone or not",
        run=missing,
        believed={
            "workspace": "404 ResourceNotFound",
            "endpoint": "404 NotFound",
            "connection": "404 UserError",
            "identity": "404 ResourceNotFound",
            "cluster": "404 .+",
            "model version": "404 .+",
            "job": "404 .+",
            "federated credential": "404 .+",
            "budget": "404 .+",
            "alert": "404 ResourceNotFound",
        },
        makes="a workspace",
        minutes=3,
    ),
)
