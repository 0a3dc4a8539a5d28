"""The mathematics and the language of GRPO training: numpy and the standard library only, no I/O."""
