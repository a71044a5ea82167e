"""What all who answer act on: the parts of the running emulator, the questions models were asked, names of blobs.

Not in it: behaviour of any resource type. Rooms from `validation` up may import it.
"""
