"""An agency of five years, made up, of which the truth is known."""
