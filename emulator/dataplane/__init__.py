"""The hosts beside Resource Manager: run history and MLflow, scoring, file shares, vault, flows, price list.

Not in it: Entra ID (`access`), blobs (Azurite). `front` alone hands it requests.
"""
