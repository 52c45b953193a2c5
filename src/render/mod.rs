//! Resolved style + geometry ▶ pixels: scene, canvas (the rasteriser behind a few calls), symbols, labels, legends, palette.
