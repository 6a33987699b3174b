from . import (
    retention_signal,
)
