//! Webhook receiver: authenticate, parse, deduplicate, acknowledge after fsync.
