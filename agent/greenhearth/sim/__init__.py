"""Plants that behave, the controllers that serve them, and the replay of real history."""
