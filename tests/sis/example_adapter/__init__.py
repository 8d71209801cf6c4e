"""An adapter from outside: a package of its own (`package/`), the SIS that it talks to, and how it is held to the contract."""
