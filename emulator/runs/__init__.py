"""What happens behind jobs and deployments: processes that really train and really serve.

Not in it: training and serving themselves (`training`), and jobs as resources. Rooms from `resources` up may import it.
"""
