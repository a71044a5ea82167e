"""Checks of the preflight for a stack that is locked down: its key, its network, what policies would deny.

Only reads. May import the preflight's findings, spec and grants.
"""
