"""Upkeep: the loop in every API and worker process that repairs what others left behind."""
