"""The language of Azure Resource Manager: paths of resources, and errors in its words.

Not in it: what answers (`manager`). Every room may import it; it imports none.
"""
