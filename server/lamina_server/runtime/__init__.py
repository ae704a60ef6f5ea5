"""ONNX Runtime: which device, models made ready, runs. Nothing else imports it."""

import os

# ONNX Runtime starts a telemetry thread and a database in the user's cache when it is imported; this stops both.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from lamina_server.runtime.device import Device, DeviceError, open_device
from lamina_server.runtime.session import Placement, Session
from lamina_server.runtime.sessions import CacheStats, Lease, SessionCache
from lamina_server.runtime.workers import Workers

__all__ = [
    "CacheStats",
    "Device",
    "DeviceError",
    "Lease",
    "Placement",
    "Session",
    "SessionCache",
    "Workers",
    "open_device",
]
