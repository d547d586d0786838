"""What joins this project to EleutherAI's lm-evaluation-harness; the task YAML names it.

Importing this loads neither lm-eval nor any data.
"""
