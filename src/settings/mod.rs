//! The settings file: read, refuse unknown keys, resolve secrets, validate.
