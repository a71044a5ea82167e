"""What is told of each failing example of a rule, in the order of the rules: `resource < rule: problem`."""

TOLD = """\
allowed-locations < allowed-locations: allowed-locations is in westeurope; allowed: eastus2

names-by-convention < names-by-convention: the storage is called mystorage, which does not match \
st[a-z][a-z0-9]{1,7}[a-z0-9]{1,8}[a-z0-9]{3,6}

tags-present < tags-present: tags-present has no tag owner

workspace-customer-tags < workspace-customer-tags: the default workspace workspace-customer-tags has no tag \
cost-center

vm-size-allowed < vm-size-allowed: vm-size-allowed runs on Standard_ND96isr_H200_v5; allowed: \
Standard_NC24ads_A100_v4, Standard_NC48ads_A100_v4, Standard_NC96ads_A100_v4, Standard_NC40ads_H100_v5, \
Standard_NC80adis_H100_v5, Standard_ND96asr_v4, Standard_ND96amsr_A100_v4, Standard_ND96isr_H100_v5, \
Standard_NV36ads_A10_v5, Standard_NV72ads_A10_v5, Standard_NC4as_T4_v3, Standard_NC8as_T4_v3, Standard_NC16as_T4_v3, \
Standard_NC64as_T4_v3, Standard_DS3_v2, Standard_DS4_v2, Standard_D4s_v3, Standard_D8s_v3

vm-size-retired < vm-size-allowed: vm-size-retired runs on Standard_NC6s_v3; allowed: Standard_NC24ads_A100_v4, \
Standard_NC48ads_A100_v4, Standard_NC96ads_A100_v4, Standard_NC40ads_H100_v5, Standard_NC80adis_H100_v5, \
Standard_ND96asr_v4, Standard_ND96amsr_A100_v4, Standard_ND96isr_H100_v5, Standard_NV36ads_A10_v5, \
Standard_NV72ads_A10_v5, Standard_NC4as_T4_v3, Standard_NC8as_T4_v3, Standard_NC16as_T4_v3, Standard_NC64as_T4_v3, \
Standard_DS3_v2, Standard_DS4_v2, Standard_D4s_v3, Standard_D8s_v3
vm-size-retired < vm-size-retired: vm-size-retired runs on Standard_NC6s_v3, retired on 2025-09-30

release-fits-model < release-fits-model: Phi-4-mini-instruct needs 24 GB of GPU memory to answer; \
Standard_NC4as_T4_v3 has 16 GB

cluster-fits-model < cluster-fits-model: Phi-4-mini-instruct needs 17 GB of GPU memory to be trained; \
cluster-fits-model has 16 GB

cluster-scales-to-zero < cluster-scales-to-zero: cluster-scales-to-zero keeps 1 node(s) running; allowed: 0

cluster-max-nodes < cluster-max-nodes: cluster-max-nodes grows to 10 nodes; allowed: 4

cluster-idle-time < cluster-idle-time: cluster-idle-time keeps idle nodes for 3600 s; allowed: 600 s

cluster-dedicated < cluster-dedicated: cluster-dedicated asks for LowPriority machines

cluster-login-closed < cluster-login-closed: cluster-login-closed opens SSH to the internet: \
remoteLoginPortPublicAccess is Enabled

cluster-no-local-auth < cluster-no-local-auth: cluster-no-local-auth lets its machines have accounts of their own

model-from-approved-registry < model-from-approved-registry: model-from-approved-registry takes its model from the \
registry somebody

unapproved-release < model-from-approved-registry: unapproved-release takes its model from the registry hub

component-pinned < component-pinned: component-pinned trains with whatever version of its component is the newest then

component-of-another < component-pinned: component-of-another trains with a component of the registry somebody

connection-target < connection-target: connection-target leads to https://elsewhere.example.com/score

plain-http < connection-target: plain-http leads to http://phi.inference.ml.azure.com/score

endpoint-auth-mode < endpoint-auth-mode: endpoint-auth-mode has the auth mode AMLToken; allowed: Key, AADToken

endpoint-public-access < endpoint-public-access: endpoint-public-access answers to the internet
endpoint-public-access < public-with-reason: endpoint-public-access can be reached from the internet, and nobody says \
why

endpoint-instances < endpoint-instances: endpoint-instances has 5 instance(s); allowed: 1 to 4
endpoint-instances < serving-spending: 5 instance(s) of Standard_NC24ads_A100_v4 cost 13,396 US dollars a month; \
allowed: 3,000

endpoint-identity < endpoint-identity: endpoint-identity has no identity

endpoint-traffic-sum < endpoint-traffic-sum: endpoint-traffic-sum declares 90 % of its traffic

endpoint-keeps-traffic < endpoint-keeps-traffic: an update of endpoint-keeps-traffic would send properties.traffic as \
not there

release-in-steps < release-in-steps: the first traffic step is 100 %; allowed: 50 %

release-answers-throughout < release-answers-throughout: release-answers-throughout is done by strategy recreate; \
allowed: beside

storage-tls < storage-tls: storage-tls takes TLS1_0

storage-no-public-blob < storage-no-public-blob: storage-no-public-blob allows public blobs

storage-no-shared-key < storage-no-shared-key: storage-no-shared-key can be opened with its account key

storage-https-only < storage-https-only: storage-https-only answers over HTTP

vault-rbac < vault-rbac: vault-rbac uses access policies

vault-soft-delete < vault-soft-delete: vault-soft-delete has no soft delete

vault-purge-protection < vault-purge-protection: vault-purge-protection can be purged

registry-no-admin < registry-no-admin: registry-no-admin has an admin user

registry-sku < registry-sku: registry-sku has the SKU Basic; allowed: Standard, Premium

registry-no-anonymous-pull < registry-no-anonymous-pull: registry-no-anonymous-pull gives images to anybody

ai-services-no-keys < ai-services-no-keys: ai-services-no-keys takes keys

registry-no-export < registry-no-export: registry-no-export lets its images be exported

storage-recoverable < storage-recoverable: storage-recoverable keeps no earlier versions of a blob

storage-recoverable < storage-recoverable: storage-recoverable keeps deleted blobs for 0 days; at least: 7

storage-recoverable < storage-recoverable: storage-recoverable keeps deleted containers for 1 days; at least: 7

storage-trusted-services < storage-trusted-services: storage-trusted-services lets in no service of Azure's

workspace-user-identity < workspace-user-identity: the default workspace workspace-user-identity has an identity of \
its own alone

workspace-without-primary < workspace-user-identity: the default workspace workspace-without-primary acts as an \
identity of its own: the other is not its primary one

workspace-customer-key < workspace-customer-key: the default workspace workspace-customer-key is kept under \
Microsoft's keys

workspace-managed-network < workspace-managed-network: the default workspace workspace-managed-network has the \
isolation mode Disabled

workspace-high-business-impact < workspace-high-business-impact: the default workspace workspace-high-business-impact \
is not marked as of high business impact

one-hub-per-project < one-hub-per-project: the hub one-hub-per-project has no project

connection-secrets < connection-secrets: connection-secrets holds credentials, and its outputs are not marked as \
secret

connections-one-by-one < connections-one-by-one: at-once and connections-one-by-one are written at the same time

trust-0 < trust-one-environment: trust-0 trusts the environment another, which is not the stack's

trust-1 < trust-one-environment: trust-1 trusts repo:someone/finetune-phi:ref:refs/heads/main, which is no \
environment of a repository

trust-2 < trust-one-environment: trust-2 trusts repo:someone@1/finetune-phi@2:pull_request, which is no environment \
of a repository

trust-3 < trust-one-environment: trust-3 trusts tokens of https://vstoken.actions.githubusercontent.com

trust-any < trust-one-environment: trust-any trusts repo:someone@1/*:environment:checked, which is no environment of \
a repository

role-no-owner < role-no-owner: role-no-owner grants Owner

role-no-subscription-scope < role-no-subscription-scope: role-no-subscription-scope is granted on \
/subscriptions/00000000-0000-4000-8000-0000000000a1

role-no-wildcard < role-no-wildcard: role-no-wildcard allows *

role-no-wildcard < role-no-wildcard: role-no-wildcard allows Microsoft.Authorization/*

role-no-wildcard < role-no-wildcard: role-no-wildcard allows Microsoft.Storage/*/read

role-no-wildcard < role-no-wildcard: role-no-wildcard can be granted on \
/subscriptions/00000000-0000-4000-8000-0000000000a1

role-known-principals < role-known-principals: role-known-principals is granted to \
11111111-0000-4000-8000-000000000000, who is not known

endpoint-identity-roles < endpoint-identity-roles: unable, the identity of endpoint-identity-roles, has no AcrPull

public-with-reason < public-with-reason: public-with-reason can be reached from the internet, and nobody says why

preflight < sealed-as-it-says: preflight records that these are looser: localAuth

open < private-endpoints: open has no private endpoint

diagnostics-on < diagnostics-on: diagnostics-on sends its logs nowhere

silent < diagnostics-on: silent sends its logs nowhere

stack < budget-present: there is no budget

stateful-protected < stateful-protected: stateful-protected is not protected

logs-kept < logs-kept: logs-kept keeps logs for 7 days; allowed: 30 to 730

alerts-on < alerts-on: alerts-on is switched off

finetune-spending < finetune-spending: 100 epoch(s) on 1 x Standard_NC24ads_A100_v4, 3 attempt(s) at most, may cost \
1,102 US dollars; allowed: 100

serving-spending < serving-spending: 2 instance(s) of Standard_NC24ads_A100_v4 cost 5,358 US dollars a month; \
allowed: 3,000
"""
