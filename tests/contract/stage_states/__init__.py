"""The stages `dataset` and `finetune` from every state an earlier run can have left."""
