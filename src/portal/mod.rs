//! The HTML pages and the portal page.
