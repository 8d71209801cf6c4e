"""The teacher's pages: one module per page of a course."""
