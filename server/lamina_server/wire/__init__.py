"""Protobuf to domain and back. Generic over descriptors: a new layer kind needs no line here."""
