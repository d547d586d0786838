"""Stored runs as numbers that people publish: leaderboard, budgets, headroom, paper, trees."""
