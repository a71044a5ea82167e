"""Stage finetune: the job, its attempts, its failures, and the model it makes.

Not in it: putting the model into service (`release`). The stage's hook and the commands import it.
"""
