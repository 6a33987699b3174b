"""Provisioning, demo and tests of this repository, with nothing but a bare Python."""
