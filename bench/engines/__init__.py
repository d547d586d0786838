"""Models behind protocols: engines that generate, policies that propose, a PPM that scores."""
