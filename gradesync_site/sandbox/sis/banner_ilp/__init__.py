"""A pretend ILP before a pretend Banner: letters of many students in one exchange, answered student by student."""
