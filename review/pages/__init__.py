"""A review as people read it: Markdown for a pull request, a page, a picture of the resources.

Not in it: what a review finds. `review` alone imports it.
"""
