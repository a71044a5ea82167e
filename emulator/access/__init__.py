"""Who may do what: Entra's tokens, role assignments and what a managed identity has to be allowed.

Not in it: the resources identities and roles are declared with (`resources`). Every room that answers may import it.
"""
