"""The public frameworks rules refer to; an id stands here only where it was looked up."""

from __future__ import annotations

from pulumi_policy import PolicyComplianceFramework

_BENCHMARK = {
    "AM-2": "Use only approved services",
    "IM-1": "Use centralized identity and authentication system",
    "IM-3": "Manage application identities securely and automatically",
    "IM-8": "Restrict the exposure of credential and secrets",
    "LT-3": "Enable logging for security investigation",
    "NS-2": "Secure cloud native services with network controls",
    "PA-7": "Follow just enough administration (least privilege) principle",
}
_BENCHMARK_V2 = {"AI-1": "Ensure use of approved models"}
_CIS = {
    "3.1": "Ensure that 'Secure transfer required' is set to 'Enabled'",
    "3.7": "Ensure that 'Public access level' is disabled for storage accounts with blob containers",
    "3.15": "Ensure the 'Minimum TLS version' for storage accounts is set to 'Version 1.2'",
    "8.5": "Ensure the Key Vault is Recoverable",
    "8.6": "Enable Role Based Access Control for Azure Key Vault",
}
_WELL_ARCHITECTED = {
    "CO:04": "Set spending guardrails",
    "CO:07": "Optimize component costs",
    "CO:12": "Optimize scaling costs",
    "OE:11": "Safe deployment practices",
    "SE:03": "Classify and consistently apply sensitivity labels",
}


def benchmark(control: str) -> PolicyComplianceFramework:
    """Microsoft cloud security benchmark. Raises KeyError for an id that was not looked up."""
    return PolicyComplianceFramework("Microsoft cloud security benchmark", "v1", control, _BENCHMARK[control])


def cis(control: str) -> PolicyComplianceFramework:
    """CIS Microsoft Azure Foundations Benchmark. Raises KeyError for an id that was not looked up."""
    return PolicyComplianceFramework("CIS Microsoft Azure Foundations Benchmark", "2.0.0", control, _CIS[control])


def well_architected(code: str) -> PolicyComplianceFramework:
    """Azure Well-Architected Framework, by checklist code. Raises KeyError for a code that was not looked up."""
    return PolicyComplianceFramework("Azure Well-Architected Framework", None, code, _WELL_ARCHITECTED[code])


def benchmark_v2(control: str) -> PolicyComplianceFramework:
    """Microsoft cloud security benchmark v2, a preview. Raises KeyError for an id that was not looked up."""
    return PolicyComplianceFramework("Microsoft cloud security benchmark", "v2", control, _BENCHMARK_V2[control])
