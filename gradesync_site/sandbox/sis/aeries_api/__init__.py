"""A pretend Aeries with its own API; its OneRoster is the dialect “aeries”.

Gradebooks are linked among each other, assignments go by UniqueID, scores come in arrays.
"""
