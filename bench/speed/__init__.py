"""How fast the harness is, part by part: `make bench`, or `python -m bench.speed --only ppm`.

    sandbox   a step in a warm interpreter, against a fresh `python -c`
    answers   one check, settled by spelling and by math-verify
    search    what the harness itself costs in a search: host CPU and memory of a node
    engine    generated tokens per second, and how much of that rate is left inside MCTS
    engines   every engine on one policy: start-up, tokens per second, greedy answers
    ppm       tokens per second, and what scoring siblings together saves
    memory    the most that a run holds, over all its processes
    training  tokens per second of PPM pairs with and without shared prefixes, of SFT beside TRL

Times belong to this machine and to what else it did. Ratios are taken between two things measured
in one run, and are what to compare from one commit to the next. How good the models are is not
measured here, and no figure is kept.
"""
