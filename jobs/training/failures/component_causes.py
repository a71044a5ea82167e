"""Causes that the fine-tune component names itself, in its own words.

They are in its packages (azureml-acft-common-components, -accelerator and -contrib-hf-nlp 0.0.91) and in
Azure/azureml-assets, assets/training/finetune_acft_hf_nlp; those marked *ran* were seen when its steps were run.
"""

from __future__ import annotations

from jobs.training.failures.cause import Cause

LIGHTER = (
    "Lower recipe.per_device_train_batch_size (raise recipe.gradient_accumulation_steps by the same factor) or "
    "recipe.max_seq_length, set recipe.apply_lora or recipe.apply_deepspeed, or take a GPU with more memory "
    "(compute.vmSize)."
)
LORA_CONFIG = '{"lora_algo": "peft", "lora_target_modules": ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]}'
"""What the component needs to know to train adapters for Phi-3 and Phi-4."""

COMPONENT = (
    Cause(
        name="GPU memory, one row at a time",
        pattern=r"Auto find batch size couldn't find the right batch size|No executable batch size found",
        means="not even one conversation at a time fits into the GPU's memory",
        todo="Lower recipe.max_seq_length, set recipe.apply_lora, or take a GPU with more memory (compute.vmSize).",
        source="InsufficientGPUMemoryAutoFindBatchSize, and accelerate's text that leads to it",
    ),
    Cause(
        name="shared memory",
        pattern=r"not enough shared memory on the machine|insufficient shared memory \(shm\)|out of shared memory"
        r"|killed by signal: Bus error",
        means="the training's container has too little shared memory for its batches",
        todo="Lower recipe.per_device_train_batch_size (raise recipe.gradient_accumulation_steps by the same factor) "
        "or recipe.dataloader_num_workers, or raise recipe.shm_size_finetune, which is 5g unless set.",
        source="InsufficientSHMMemory (ran); PyTorch's DataLoader",
    ),
    Cause(
        name="GPUs of the node",
        pattern=r"CUDA error: invalid device ordinal|number_of_gpu_to_use_finetuning \[.{0,20}\] is\s+higher than gpus",
        means="the node has fewer GPUs than the training was started for",
        todo="The program sets that number by compute.vmSize: let the cluster have that size (`pulumi up --refresh`).",
        source="CudaErrorInvalidDeviceOrdinal",
    ),
    Cause(
        name="no GPU",
        pattern=r"selected compute does not meet minimum compute requirements",
        means="PyTorch found no GPU on the node",
        todo="Run `pulumi up` again for another node. If it stays so, the cluster is not of the size compute.vmSize "
        "names: `pulumi up --refresh` shows that.",
        source="SKUNotSupported, raised where torch.cuda.is_available() is false",
    ),
    Cause(
        name="half precision",
        pattern=r"loss scale already at minimum|error while training with Deepspeed \[|attempting to train with "
        r"fp16 precision",
        means="the numbers of a training in half precision ran out of range",
        todo="Lower recipe.learning_rate, set recipe.precision to 32, or take a GPU that knows bfloat16 (A100 or "
        "H100).",
        source="LossScaleAtMinimum, FP16TrainingNotSupportedForModel; DeepSpeed's own text",
    ),
    Cause(
        name="metric of the best model",
        pattern=r"KeyError: 'eval_(f1|exact)'|Code: 'eval_(f1|exact)'|eval_\w+', which is not found in the "
        r"evaluation metrics",
        means="the metric that recipe.metric_for_best_model names is never measured",
        todo="Remove recipe.metric_for_best_model: `loss` is the only one that can work.",
        source="transformers, at the first evaluation (ran)",
    ),
    Cause(
        name="recipe",
        pattern=r"Invalid settings found\. Deep ?Speed|Set evaluation_strategy to one of steps or epoch"
        r"|Invalid learning rate|Invalid optimiser name|Flash Attention is not supported with 32-bit"
        r"|Invalid deepspeed config file|stage3_gather_16bit_weights_on_model_save should be",
        means="keys of the recipe that do not go together, the base model's own defaults included",
        todo="Set in `recipe` what the component's message says. The job's tags tell what was sent: `recipe` and, for "
        "what the base model's own defaults brought in, `model_defaults`.",
        source="validations of src/finetune/finetune.py",
    ),
    Cause(
        name="LoRA",
        pattern=r"Lora is not supported for|Please specify `?target_modules|Target modules .{0,200} not found in "
        r"the base "
        r"model",
        means="the component does not know which layers of this base model take adapters, and the model's own "
        "finetune_config.json does not tell",
        todo=f"Set recipe.finetune_config_path to a JSON file with {LORA_CONFIG}, or recipe.apply_lora to false.",
        source="LoraWrapper and peft (ran, both)",
    ),
    Cause(
        name="chat tokens",
        pattern=r"Chat Special tokens are not set|missing in :param chat_special_tokens",
        means="the base model's finetune_config.json does not say how its turns begin",
        todo="Set recipe.finetune_config_path to a JSON file with "
        '{"chat_special_tokens": {"instruction_template": "<|user|>", "response_template": "<|assistant|>"}}, those '
        "being the base model's own marks, or take a base model of the registry that comes with them.",
        source="ChatSpecialTokens.from_dict (ran)",
    ),
    Cause(
        name="base model",
        pattern=r"MLmodel file is not found|MLFLOW model is connected to pytorch_model_path|is not supported, "
        r"Supported model "
        r"families|doesn't support the current Task",
        means="the base model is none that this component fine-tunes for chat",
        todo="Choose in `model` one of the registry's MLflow models with the fine-tuning task chat-completion.",
        source="src/model_selector/model_selector.py, ModelFamilyNotSupported, ModelIncompatibleWithTask",
    ),
    Cause(
        name="too few conversations",
        pattern=r"which is fewer than \d+ samples|Found no examples after data preprocessing",
        means="the training file has too few conversations that the component can use; it needs ten",
        todo="Give it more: raise data.rows or data.split, or name a larger data.source; then `make data`.",
        source="check_min_train_samples (ran)",
    ),
    Cause(
        name="nothing to learn",
        pattern=r"No assistant tokens found after preprocessing|'NoneType' object has no attribute 'write'",
        means="conversations have no answer left within recipe.max_seq_length, the first one above all: the component "
        "stops at a first conversation without anything to learn",
        todo="Raise recipe.max_seq_length, or take the conversations out whose question alone is longer; then `make "
        "data`.",
        source="preprocess_for_finetune.py; the second is what datasets.map says when the first row yields nothing "
        "(ran)",
    ),
    Cause(
        name="data file",
        pattern=r"Error while loading the dataset|User Passed Columns:|Unable to validate dtype for feature|dtype "
        r"mismatch for "
        r"feature|duplicate column names|Dataset columns are identical",
        means="the training or the test file as a whole cannot be read as conversations; the component names no row",
        todo="`make data` with data.badRows: refuse names the row and what is wrong with it. Where it finds nothing, "
        "the file of the job is not the one it prepared: change data.seed, then `make data` and `pulumi up`.",
        source="ACFTDataException of data_utils.py and validation_utils.py (ran, the first two)",
    ),
    Cause(
        name="data row",
        pattern=r"Failure while applying chat template|Conversation roles must alternate",
        means="a conversation is not what the base model's chat template takes",
        todo="Correct the conversation, or let data.badRows: repair or skip do it; `make data` names the row.",
        source="ACFTValidationException of preprocess/base.py (ran); the templates' own text",
    ),
    Cause(
        name="hardware",
        pattern=r"Potential temporary hardware failure|cuDNN error:|uncorrectable ECC "
        r"error|ncclInternalError|ncclSystemError"
        r"|ncclUnhandledCudaError|ncclRemoteError|Watchdog caught collective operation timeout",
        means="a GPU, or the connection between GPUs, broke down",
        todo="Run `pulumi up` again: a new attempt gets another node.",
        source="the component's CUDA_ERROR_EXCEPTION_MESSAGE; PyTorch and NCCL",
    ),
)
"""From the special to the general: the first that fits is told."""

REFUSED = Cause(
    name="refused by the component",
    pattern=r"ACFT(Validation|User|Data)Exception|\bACFTUserError\b",
    means="the component refused what it was given: its message is in this error",
    todo="Change the setting, or the data, that the component's message names.",
    source="the component's exceptions for a user's mistakes",
    weak=True,
)
