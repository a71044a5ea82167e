"""The hosts beside ARM: Entra ID, run history and MLflow, scoring."""
