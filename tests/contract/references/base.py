"""What a reference is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lamina_server.layers.tensors import Layout

Array = np.ndarray[Any, Any]
Reference = Callable[[Any, Sequence[Array], Mapping[str, Array], Layout], list[Array]]
