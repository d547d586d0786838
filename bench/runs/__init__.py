"""What a run leaves: header, records and trees, how they are written, read and graded."""
