"""The command line `python -m jobs`."""
