"""What nobody without a subscription could confirm, tried on Azure: claims of this project beside what was seen.

`python -m tests.prove` (`make prove STACK=dev`) says first what it will make and cost, works in a resource group of
its own, removes it whatever happens, and writes what it asked and was answered to tests/recordings, without ids and
secrets. The contract tests send those requests to the emulator: where Azure answered otherwise, they fail.
"""
