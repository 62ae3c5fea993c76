//! A site that behaves like Atlassian's: for the demo, for integrators, and for our own tests.
