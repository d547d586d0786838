"""Stored runs as numbers that people publish: leaderboard, budgets, paper rows, plots, trees."""
