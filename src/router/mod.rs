//! Deliveries become events, events become cases and jobs.
