"""Stage finetune: the job, its attempts, its failures, and the model it makes."""
