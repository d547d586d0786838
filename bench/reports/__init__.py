"""Stored runs as numbers that people publish: tables, budgets, claims, headroom, paper, trees."""
