//! The public listener: verify, deduplicate, commit in groups, answer.
