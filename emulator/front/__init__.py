"""The front door: the proxy, the certificate, the server that sends a request to whoever answers it, faults on the way.

Not in it: what the answers are. Only the programs of `emulator` import it, as nothing stands above it.
"""
