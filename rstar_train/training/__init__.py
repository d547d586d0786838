"""What every training shares: trainer, watcher, packing, attention, LoRA, precision, processes."""
