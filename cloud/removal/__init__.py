"""What a delete leaves behind: soft-deleted names, workspaces with what hangs on them, and how they are purged.

Not in it: when a stack purges (`infra.purge`). Stages, commands and Pulumi's resources may import it.
"""
