"""The demo: a pretend LMS and a pretend SIS as processes of their own, and the real tool between them."""
