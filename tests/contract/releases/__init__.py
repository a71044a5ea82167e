"""Releases with Azure's clients and real inference servers, on one endpoint that these files share."""
