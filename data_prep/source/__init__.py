"""Where rows and tokenizers come from: files, the Hugging Face hub, data assets of Azure ML.

Not in it: reading the files (`read`). `read`, `card` and `run` import it.
"""
