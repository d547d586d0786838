"""Who searches before there is a policy that is worth it."""
