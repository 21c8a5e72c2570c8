"""Servers over the public API of `qa`. They translate, and decide nothing."""
