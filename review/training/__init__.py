"""The fine-tunes of a preview: one, or one for each recipe.

Not in it: what their inputs mean (`known`), and prices (`cost`).
"""
