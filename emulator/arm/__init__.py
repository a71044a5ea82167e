"""Azure Resource Manager: paths, errors, long-running operations and the dispatch of requests."""
