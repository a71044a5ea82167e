"""The emulator's stand-in for Phi: a causal language model small enough to be fine-tuned on a laptop in half a minute.

It has the kinds of layers Phi-4-mini has (RMSNorm, rotary positions, SwiGLU, tied embedding) and its chat template,
with about six thousand times fewer parameters. It learns by heart what it is fine-tuned on and knows nothing else.
Training is JAX and optax; answering (`model`, `serving`) is NumPy, so that a deployment starts without importing JAX.
Jobs and deployments start its programs as processes; of the emulator, `faults` alone imports it, for its errors.
"""
