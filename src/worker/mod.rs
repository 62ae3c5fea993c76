//! Due jobs become calls, calls settle cases; expired leases are taken back.
