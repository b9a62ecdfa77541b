import os
from typing import Callable, Optional, TypeVar

import numpy as np
from numpy.typing import NDArray

__version__: str

Sample = TypeVar("Sample", np.uint8, np.uint16, np.float32)

class Error(RuntimeError): ...

class Weights:
    @staticmethod
    def builtin(scale: int = 2, model: str = "") -> Weights: ...
    @staticmethod
    def builtin_names() -> list[str]: ...
    @staticmethod
    def load(path: str | os.PathLike[str], scale: int = 0) -> Weights: ...
    @property
    def scale(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def architecture(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def parameter_count(self) -> int: ...

class Upscaler:
    def __init__(
        self,
        weights: Weights,
        *,
        threads: int = 0,
        tile: int = 0,
        memory: int = 100663296,
        self_ensemble: bool = False,
    ) -> None: ...
    @property
    def scale(self) -> int: ...
    @property
    def weights(self) -> Weights: ...
    def __call__(
        self,
        image: NDArray[Sample],
        *,
        progress: Optional[Callable[[int, int], None]] = None,
    ) -> NDArray[Sample]: ...
    def trim(self) -> None: ...

def upscale(
    image: NDArray[Sample], scale: int = 2, *, model: str = "", threads: int = 0
) -> NDArray[Sample]: ...
def load(path: str | os.PathLike[str], scale: int = 0, *, threads: int = 0) -> Upscaler: ...
