"""The policy: supervised fine-tuning on what the search verified."""
