"""What a round leaves for readers: checkpoint with lineage, card, tables, plots."""
