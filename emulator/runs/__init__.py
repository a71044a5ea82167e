"""What happens behind jobs and deployments: processes that really train and really serve."""
