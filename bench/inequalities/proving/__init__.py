"""From a claim to the steps of a certificate: goals, what clears them, and what closes them."""
