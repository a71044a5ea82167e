"""What `make lint` asks beside the linters: secrets in files, known vulnerabilities of the pinned packages.

Not in it: rules about code, which ruff, mypy and import-linter have. Nobody imports it.
"""
