"""An endpoint goes out of service, so that nothing bills, and comes back with what it had.

Endpoint, address, key, model and flow stay. Not in it: what its tags say (`jobs/paused.py`), which the release reads,
too; how a version goes into service (`release`). The commands import it.
"""
