"""Stage release: a model version goes into service, is watched, and taken back if it fails.

Not in it: making the version (`training`). The stage's hook and the commands import it; its spec is read by `infra`.
"""
