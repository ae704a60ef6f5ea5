"""The messages and stubs of lamina.v1: generated from proto/lamina/v1 by `make generate`, never edited."""
