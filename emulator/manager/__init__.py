"""Azure Resource Manager: one way to read, write and delete for every type, long-running operations, the subscription.

Not in it: what is particular to a type (`resources`). `front` alone hands it requests.
"""
