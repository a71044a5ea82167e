"""Stage release: a model version goes into service, is watched, and taken back if it fails."""
