"""Attention, and the encoder and decoder layers made of it."""
