//! `seuil`: a map server for social-housing statistics.
//!
//! The rooms, their order and the way of a request are described in `ARCHITECTURE.md`.

pub mod cache;
pub mod catalogue;
pub mod check;
pub mod cli;
pub mod compute;
pub mod config;
pub mod convention;
pub mod db;
pub mod demo;
pub mod encode;
pub mod error;
pub mod filter;
pub mod geo;
pub mod import;
pub mod pki;
pub mod portal;
pub mod protocol;
pub mod publish;
pub mod query;
pub mod render;
pub mod server;
pub mod service;
pub mod store;
pub mod style;
