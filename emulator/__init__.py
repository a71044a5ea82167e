"""Azure on loopback: the same host names, the same refusals, no subscription.

Nothing outside this package imports it. ``python -m emulator exec -- COMMAND`` runs a command
whose Azure traffic ends here.
"""
