"""From text to answers: characters, tokens, expressions, and the structures they stand in."""
