"""What is computed once: keyed by what made it, written whole or not at all, verified when it is read."""

from corrlib.cache.code import code_digest
from corrlib.cache.entries import (
    DamagedEntryWarning,
    StoreError,
    cache_dir,
    cached,
    read_result,
    replacing,
    write_result,
)

__all__ = ["DamagedEntryWarning", "StoreError", "cache_dir", "cached", "code_digest"]
__all__ += ["read_result", "replacing", "write_result"]
