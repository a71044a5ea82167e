"""Azure on loopback: the same host names, the same refusals, no subscription.

In it: what answers in Azure's place, the stand-in that is trained and served, the azure-native plugin, the rehearsal.
Not in it: anything that runs against Azure itself.
Nobody of the product imports it: ``python -m emulator exec -- COMMAND`` runs a command whose Azure traffic ends here.
Its rooms stand above one another as `make lint` says ("Rooms of the emulator" in pyproject.toml).
"""
