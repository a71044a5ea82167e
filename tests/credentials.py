"""Credentials as people and CI machines have them in their environment, each with a value of its own to be found by."""

from __future__ import annotations

NAMES = (
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "ANTHROPIC_API_KEY",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "ARM_CLIENT_SECRET",
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AZUREML_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_DEVOPS_EXT_PAT",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_STORAGE_KEY",
    "CI_JOB_TOKEN",
    "CODECOV_TOKEN",
    "COHERE_API_KEY",
    "DATABRICKS_TOKEN",
    "DD_API_KEY",
    "DIGITALOCEAN_ACCESS_TOKEN",
    "DOCKER_AUTH_CONFIG",
    "DOCKER_PASSWORD",
    "GEMINI_API_KEY",
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CREDENTIALS",
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "IDENTITY_HEADER",
    "KUBECONFIG",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "MSI_SECRET",
    "MSSQL_SA_PASSWORD",
    "MYSQL_PWD",
    "NETRC",
    "NPM_TOKEN",
    "OPENAI_API_KEY",
    "PGPASSFILE",
    "PGPASSWORD",
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_CONFIG_PASSPHRASE",
    "PYPI_TOKEN",
    "REDISCLI_AUTH",
    "SENTRY_DSN",
    "SLACK_BOT_TOKEN",
    "SLACK_WEBHOOK_URL",
    "SONAR_TOKEN",
    "SSH_AUTH_SOCK",
    "STRIPE_SECRET_KEY",
    "SYSTEM_ACCESSTOKEN",
    "TF_TOKEN_app_terraform_io",
    "TWILIO_AUTH_TOKEN",
    "TWINE_PASSWORD",
    "UV_PUBLISH_TOKEN",
    "VAULT_TOKEN",
    "WANDB_API_KEY",
    "azure_client_secret",
)
ADDRESSES = ("DATABASE_URL", "PIP_INDEX_URL", "UV_INDEX_URL", "PIP_EXTRA_INDEX_URL", "HTTP_PROXY", "http_proxy")
"""Variables that hold a password inside an address."""


MARK = "-of-the-caller"
"""In each of the values."""


def planted() -> dict[str, str]:
    """Every one of them: a value that can be nobody's, in an address where it is one."""
    named = {name: f"canary-{number:03}{MARK}" for number, name in enumerate(NAMES)}
    addresses = {
        name: f"https://user:canary-{number:03}{MARK}@packages.example/simple"
        for number, name in enumerate(ADDRESSES, len(NAMES))
    }
    return {**named, **addresses}


def found(environment: dict[str, str]) -> list[str]:
    """The names under which an environment still holds one."""
    return sorted(name for name, value in environment.items() if MARK in value)
