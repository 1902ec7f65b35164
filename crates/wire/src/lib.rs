//! The codec of identkit: operations, callbacks, bodies and tolerant JSON.
