//! The pipeline of one request, in one function that reads like the design.
