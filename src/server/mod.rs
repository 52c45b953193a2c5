//! Sockets, TLS with hot reload, HTTP/1.1 and 2, limits, compression, compute pool, operations port, drain.
