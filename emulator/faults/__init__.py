"""Azure on a bad day: rules that make requests, operations, tokens, roles, jobs and deployments fail on purpose."""
