//! What an event does to the cases of its person.
