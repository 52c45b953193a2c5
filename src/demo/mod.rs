//! The synthetic metropolis and everything a demonstration needs: cluster, files, CA, conventions.

pub mod metropolis;
