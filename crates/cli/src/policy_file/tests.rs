//! Files that are policies, and files that are not: where the fault is, and what to do.
