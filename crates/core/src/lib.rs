//! Domain types, personal-data types, the error and the ports of identkit.
