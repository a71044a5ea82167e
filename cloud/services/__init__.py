"""One module for each service that is asked beside Resource Manager and Azure ML: blobs, shares, MLflow, prices, …

Not in it: signing in, clients of the two (`cloud`). Stages, commands and front ends may import it.
"""
