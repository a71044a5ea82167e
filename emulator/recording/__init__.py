"""What a command sends to Azure: written down as it comes, and brought into a form that is the same at every run.

Not in it: the recordings (`tests/recordings`, `tests/baselines`). `front` and the tests import it.
"""
