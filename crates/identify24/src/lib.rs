//! Client for the identify24 VideoIdent API 1.0.1.
