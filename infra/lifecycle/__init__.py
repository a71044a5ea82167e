"""What becomes of resources later: replaced, protected, recreated, tagged by others.

Not in it: the resources. Components of `infra` and `__main__` import it; it imports no component.
"""
