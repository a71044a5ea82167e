"""Where rows and tokenizers come from: files, the Hugging Face hub, data assets of Azure ML."""
