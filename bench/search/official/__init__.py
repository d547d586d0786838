"""The released code's searches, node by node: its steps, executor, MCTS, beam, and the replay."""
