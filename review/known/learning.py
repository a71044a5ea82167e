"""Azure ML and AI Foundry: workspaces, clusters, endpoints, deployments, connections."""

from __future__ import annotations

from cloud.catalogue import CLUSTER, CONNECTION, DEPLOYMENT, ENDPOINT, MODEL_REGISTRY, WORKSPACE
from review.known.judge import Finding, Level, Property, for_good, harmless, matters, naming, number, one_of, prop
from review.known.stores import KEY_SOURCE, NETWORK, NO_LOCAL_AUTH, PUBLIC, TIER, off

HIGH, MEDIUM, LOW, NONE = Level.HIGH, Level.MEDIUM, Level.LOW, Level.NONE

_OUT: Finding = (HIGH, "what runs in it reaches, and can send data to, the whole internet")
_APPROVED = (
    "what runs in it reaches other addresses; from the first host on Azure bills a firewall in its network, "
    "1.25 USD an hour by its list, and as much again in the hub's"
)
_PAID: Finding = (MEDIUM, "more machines can run, and be paid for, at once")
_KEPT: Finding = (MEDIUM, "machines run, and are paid for, without a job")
_SSH: Finding = (HIGH, "its nodes can be logged in to from outside")
_ANSWERS = matters("the model answers in another way")
_CUT = (LOW, "fewer machines can run at once")


def _kept(nodes: float) -> Finding:
    return _KEPT if nodes else (NONE, "")


def _many(nodes: float) -> Finding:
    return (LOW, "a machine can run, and be paid for") if nodes <= 1 else _PAID


LEARNING: dict[str, tuple[Property, ...]] = {
    WORKSPACE.type: (
        *naming("kind", "hubResourceId"),
        *harmless("friendlyName", "description", "discoveryUrl", "provisionNetworkNow"),
        prop("sku.**", TIER),
        prop("storageAccount", matters("its data, job outputs and models are in another account", HIGH)),
        prop("keyVault", matters("its secrets are in another vault", HIGH)),
        prop("containerRegistry", matters("it runs images from another registry", HIGH)),
        prop("applicationInsights", matters("its telemetry goes elsewhere")),
        prop("publicNetworkAccess", PUBLIC, "Enabled"),
        prop("allowPublicAccessWhenBehindVnet", off((HIGH, "it can be reached from the internet")), False),
        prop("hbiWorkspace", for_good("it cannot be changed on a workspace that exists"), False),
        prop("v1LegacyMode", off((MEDIUM, "it no longer does what only the second version of its API can")), False),
        prop("primaryUserAssignedIdentity", matters("it acts as another identity", at_first=LOW)),
        prop("imageBuildCompute", matters("images are built elsewhere", at_first=LOW)),
        prop("systemDatastoresAuthMode", one_of(
             {"AccessKey": (MEDIUM, "whoever may run a job may use the account's key"), "Identity": None,
              "UserDelegationSAS": None}, created=LOW,
             leaving=(MEDIUM, "jobs reach the data as somebody; who has no role on it is refused")), "AccessKey"),
        prop("managedNetwork.isolationMode", one_of({"Disabled": _OUT, "AllowInternetOutbound":
             (MEDIUM, "what runs in it may send data anywhere"), "AllowOnlyApprovedOutbound": None}, created=LOW,
             leaving=(MEDIUM, "what runs in it reaches approved addresses only; a job that needs another one fails")),
             "Disabled"),
        prop("managedNetwork.outboundRules**", matters(_APPROVED, HIGH, at_first=HIGH)),
        prop("managedNetwork.firewallSku", TIER, "Standard"),
        prop("managedNetwork.managedNetworkKind", for_good("it cannot be set back")),
        prop("managedNetwork.enableNetworkMonitor", matters("the network is watched, or no longer"), False),
        *harmless("managedNetwork.status.**", "associatedWorkspaces**"),
        prop("encryption.**", KEY_SOURCE),
        prop("enableServiceSideCMKEncryption", for_good("it counts only when a workspace is made"), False),
        prop("sharedPrivateLinkResources**", NETWORK),
        prop("serverlessComputeSettings.**", NETWORK),
        prop("workspaceHubConfig.**", matters("what its projects are made with is another", at_first=LOW)),
    ),
    MODEL_REGISTRY.type: (
        *naming("intellectualPropertyPublisher", "managedResourceGroup.**", "managedResourceGroupSettings.**"),
        *harmless("discoveryUrl", "mlFlowRegistryUri", "kind"),
        prop("publicNetworkAccess", PUBLIC, "Enabled"),
        prop("regionDetails**", matters("it is kept in other regions, or otherwise, and is paid for there",
             at_first=LOW)),
        prop("registryPrivateEndpointConnections**", NETWORK),
        prop("sku.**", TIER),
    ),
    CLUSTER.type: (
        *naming("computeName", "workspaceName", "properties.computeType"),
        *harmless("properties.description"),
        prop("properties.disableLocalAuth", NO_LOCAL_AUTH, False),
        prop("properties.properties.vmSize", matters("jobs run on other machines, at another price")),
        prop("properties.properties.vmPriority",
             matters("its machines are dedicated, or can be taken away"), "Dedicated"),
        prop("properties.properties.osType", matters("jobs run on another system"), "Linux"),
        prop("properties.properties.remoteLoginPortPublicAccess", one_of(
            {"Enabled": _SSH, "NotSpecified": _SSH, "Disabled": None}), "NotSpecified"),
        prop("properties.properties.enableNodePublicIp", one_of(
            {True: (HIGH, "each node has an address on the internet"), False: None}, created=LOW), True),
        prop("properties.properties.subnet.**", NETWORK),
        prop("properties.properties.isolatedNetwork", NETWORK, False),
        prop("properties.properties.userAccountCredentials.**",
             matters("somebody can log in to its nodes", HIGH, at_first=HIGH)),
        prop("properties.properties.scaleSettings.maxNodeCount", number(_PAID, _CUT, created=_many)),
        prop("properties.properties.scaleSettings.minNodeCount",
             number(_KEPT, (LOW, "fewer machines are kept without a job"), created=_kept), 0),
        prop("properties.properties.scaleSettings.nodeIdleTimeBeforeScaleDown",
             number((LOW, "each job ends with a longer wait that is paid for"),
             (LOW, "idle nodes are released sooner"))),
    ),
    ENDPOINT.type: (
        *naming("endpointName", "workspaceName"),
        *harmless("properties.description", "properties.properties.created*", "properties.properties.lastModified*"),
        prop("kind", matters("another kind of endpoint answers in another way"), "Managed"),
        prop("sku.**", TIER),
        prop("properties.authMode", one_of({"AADToken": None, "Key": (LOW, "a key that does not expire opens it"),
             "AMLToken": (MEDIUM, "its tokens end after hours, and the chat with them")},
             leaving=(MEDIUM, "its keys stop working, and whoever calls it with one is refused"))),
        prop("properties.publicNetworkAccess", PUBLIC, "Enabled"),
        prop("properties.traffic.*", matters("the program, and not the release, decides who gets the traffic", HIGH,
             at_first=MEDIUM)),
        prop("properties.mirrorTraffic.*", matters("what callers ask is sent to another deployment, too", HIGH,
             at_first=MEDIUM)),
        prop("properties.keys.**", matters("its keys are other ones", HIGH, at_first=MEDIUM)),
        prop("properties.compute", matters("it runs elsewhere", at_first=MEDIUM)),
    ),
    DEPLOYMENT.type: (
        *naming("deploymentName", "endpointName", "workspaceName"),
        *harmless("properties.description", "properties.properties.**"),
        prop("kind", _ANSWERS, "Managed"),
        prop("sku.capacity", number((MEDIUM, "more machines run, and are paid for, day and night"),
             (MEDIUM, "fewer machines answer"))),
        prop("sku.**", TIER),
        prop("properties.endpointComputeType", _ANSWERS),
        prop("properties.instanceType", matters("it answers from other machines, at another price")),
        prop("properties.model", matters("another model answers")),
        prop("properties.modelMountPath", _ANSWERS),
        prop("properties.environmentId", matters("it runs another image")),
        prop("properties.environmentVariables.**", _ANSWERS),
        prop("properties.codeConfiguration.**", matters("other code answers")),
        prop("properties.egressPublicNetworkAccess", one_of({"Enabled": (HIGH, "it may send data anywhere"),
             "Disabled": None}, created=MEDIUM), "Enabled"),
        prop("properties.appInsightsEnabled", matters("its requests are recorded, or no longer"), False),
        prop("properties.dataCollector.**", matters("what callers ask is kept, or no longer", at_first=MEDIUM)),
        prop("properties.scaleSettings.**", matters("another number of machines runs, and is paid for")),
        prop("properties.requestSettings.**", _ANSWERS),
        prop("properties.livenessProbe.**", matters("Azure restarts it by other signs")),
        prop("properties.readinessProbe.**", matters("Azure gives it traffic by other signs")),
        prop("properties.startupProbe.**", matters("Azure gives it traffic by other signs")),
    ),
    CONNECTION.type: (
        *naming("connectionName", "workspaceName"),
        *harmless("properties.metadata.Location"),
        prop("properties.target", matters("what is asked, and the credentials with it, go to another address", HIGH)),
        prop("properties.metadata.endpoint",
             matters("what is asked, and the key with it, goes to another address", HIGH)),
        prop("properties.metadata.ResourceId", matters("it leads to another resource", HIGH)),
        prop("properties.metadata.request_timeout_seconds", number((LOW, "callers wait longer for an answer"),
             (MEDIUM, "callers give up sooner"))),
        prop("properties.metadata.**", matters("whoever uses the connection reads it in another way")),
        prop("properties.credentials.**", matters("it is used with other credentials")),
        prop("properties.authType", matters("it is used with another kind of credentials", HIGH)),
        prop("properties.category", matters("whoever uses the connection reads it in another way")),
        prop("properties.isSharedToAll", one_of(
             {True: (MEDIUM, "everybody in the hub and its projects can use it"), False: None}, created=LOW)),
        prop("properties.sharedUserList**", matters("other people can use it", HIGH, at_first=MEDIUM)),
        prop("properties.expiryTime", matters("it ends at another time", at_first=LOW)),
        prop("properties.useWorkspaceManagedIdentity", matters("it is used as another identity"), False),
        prop("properties.peRequirement", NETWORK),
    ),
}  # fmt: skip
"""By type."""
