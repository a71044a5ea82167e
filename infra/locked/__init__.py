"""What a stack is locked down with: a key of one's own.

Not in it: who may open what (`infra.access`, `infra.role_assignments`). Components of `infra` import it.
"""
