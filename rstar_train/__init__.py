"""The reference trainer: rStar-Math's rounds as data and stages; its checkpoints feed `bench`."""
