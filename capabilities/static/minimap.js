// Maps of the pages: features of the page (GeoJSON) or the tiles of a tileset.
"use strict";
(function () {
  const element = document.getElementById("minimap");
  if (!element || !window.ol) {
    return;
  }
  const accent = "#0b5c8a";
  const grey = "#8a8f98";
  const hatch = pattern();

  function pattern() {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const pen = tile.getContext("2d");
    pen.strokeStyle = grey;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(0, 8);
    pen.lineTo(8, 0);
    pen.stroke();
    return pen.createPattern(tile, "repeat");
  }

  // What is withheld looks like nothing else: hatched areas, hollow squares.
  function style(feature) {
    const secret = feature.get("statut") === "secret";
    const point = feature.getType ? feature.getType() === "Point" : feature.getGeometry().getType() === "Point";
    const stroke = new ol.style.Stroke({ color: secret ? grey : accent, width: point ? 1 : 1.2 });
    if (point && secret) {
      const fill = new ol.style.Fill({ color: "rgba(255,255,255,0.7)" });
      return new ol.style.Style({
        image: new ol.style.RegularShape({ points: 4, radius: 4, angle: Math.PI / 4, fill, stroke }),
      });
    }
    if (point) {
      return new ol.style.Style({ image: new ol.style.Circle({ radius: 4, fill: new ol.style.Fill({ color: "rgba(11,92,138,0.65)" }), stroke }) });
    }
    return new ol.style.Style({ stroke, fill: new ol.style.Fill({ color: secret ? hatch : "rgba(11,92,138,0.18)" }) });
  }

  function failed(error) {
    element.classList.add("failed");
    element.textContent = element.dataset.failed;
    console.error(error);
  }

  async function json(url) {
    const answer = await fetch(url, { credentials: "include", headers: { Accept: "application/geo+json, application/json" } });
    if (!answer.ok) {
      throw new Error(url + ": " + answer.status);
    }
    return answer.json();
  }

  function show(layer, extent) {
    const map = new ol.Map({
      target: element,
      layers: [layer],
      controls: ol.control.defaults.defaults({ attribution: false }).extend([new ol.control.ScaleLine()]),
      view: new ol.View({ center: [0, 0], zoom: 2, maxZoom: 20 }),
    });
    map.getView().fit(extent, { padding: [24, 24, 24, 24], maxZoom: 16 });
  }

  async function features(url) {
    const document = await json(url);
    const format = new ol.format.GeoJSON({ featureProjection: "EPSG:3857" });
    const source = new ol.source.Vector({ features: format.readFeatures(document.type === "Feature" ? { type: "FeatureCollection", features: [document] } : document) });
    if (source.getFeatures().length > 0) {
      show(new ol.layer.Vector({ source, style }), source.getExtent());
    } else {
      element.remove();
    }
  }

  async function tiles(url) {
    const tileset = await json(url);
    const source = new ol.source.VectorTile({
      format: new ol.format.MVT(),
      // Below whatever name this page was reached by.
      url: tileset.tiles[0].replace(/^https?:\/\/[^/]+/, ""),
      maxZoom: Math.min(tileset.maxzoom, 18),
      tileLoadFunction: (tile, src) => {
        tile.setLoader(async (extent, resolution, projection) => {
          const answer = await fetch(src, { credentials: "include" });
          const data = answer.status === 200 ? await answer.arrayBuffer() : new ArrayBuffer(0);
          tile.setFeatures(tile.getFormat().readFeatures(data, { extent, featureProjection: projection }));
        });
      },
    });
    const extent = ol.proj.transformExtent(tileset.bounds || [-5, 41, 10, 52], "EPSG:4326", "EPSG:3857");
    show(new ol.layer.VectorTile({ source, style }), extent);
  }

  const work = element.dataset.tilejson ? tiles(element.dataset.tilejson) : features(element.dataset.features);
  work.catch(failed);
})();
