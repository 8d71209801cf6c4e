"""The administrators' overview, beside the Django admin: what goes on in her institutions, and what she can do about it.

Each page and form asks for a right of the admin and shows rows of her own institutions only; what she does and looks up
is written down (`AuditEntry`).
"""
