"""The sections of a stack's settings that say what it is called, what of it is somebody else's and whose key it
lies under.

Not in it: how names are made (`settings.naming`). `settings.tree` imports it; others read what they are given.
"""
