"""Request bodies checked against Azure's own typed models, and the API versions each type has.

Not in it: refusals that depend on what there is (`resources`). Rooms from `subscription` up may import it.
"""
