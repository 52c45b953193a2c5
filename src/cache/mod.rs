//! Whole answers kept by (publication, scope, canonical request).
