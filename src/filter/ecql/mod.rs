//! GeoServer's ECQL (`CQL_FILTER`) ▶ `Filter`.
