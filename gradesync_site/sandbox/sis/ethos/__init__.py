"""A pretend Ethos Integration tenant: API key and JWT, versioned media types, GUIDs, unverified grades by submission."""
