"""How models are trained: one recipe, or several by their names over what they have in common.

Not in it: the job (`sections.finetune`), and what fits a GPU (`checks.memory`).
"""
