"""Telling receivers how predictions ended: who may be one, what is sent, how it is signed and when it is tried again."""
