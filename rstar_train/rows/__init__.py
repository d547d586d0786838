"""Training rows: what one holds, and how trees become rows."""
