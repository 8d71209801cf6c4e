"""A pretend Aeries: sections, gradebooks linked among each other, assignments by UniqueID, scores in arrays."""
