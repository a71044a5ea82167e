"""Stage dataset: the files, uploaded or prepared by a job, as data assets of the workspace.

Not in it: preparing rows (`data_prep`). The stage's hook starts it; its spec is read by `infra`.
"""
