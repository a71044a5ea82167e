"""Stage dataset: the files, uploaded or prepared by a job, as data assets of the workspace."""
