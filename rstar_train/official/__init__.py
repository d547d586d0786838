"""The released code's files at the door: layouts, results, value head, replay."""
