//! The private listener: health, metrics, the API, who may do what.
