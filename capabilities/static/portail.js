// The portal's map: pictures of the server in Lambert-93, legends, identify. Everything comes from this server.
"use strict";
(function () {
  const page = document.body;
  const stage = document.getElementById("portail");
  const root = stage.dataset.root;
  const lang = stage.dataset.lang;
  const words = stage.dataset;
  const popup = document.getElementById("popup");
  const popupBody = document.getElementById("popup-body");
  const status = document.getElementById("status");
  const number = new Intl.NumberFormat(lang === "fr" ? "fr-FR" : "en-GB", { maximumFractionDigits: 2 });
  const schemas = new Map();
  const shown = new Map();

  function tag(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key in element && typeof value !== "string") {
        element[key] = value;
      } else {
        element.setAttribute(key, value);
      }
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  }

  async function json(url) {
    const answer = await fetch(url, { credentials: "include", headers: { Accept: "application/json" } });
    if (!answer.ok) {
      throw new Error(url + ": " + answer.status);
    }
    return answer.json();
  }

  function say(text) {
    status.textContent = text;
  }

  // Lambert-93 needs no formulas here: every picture is asked for in it.
  const lambert = new ol.proj.Projection({ code: "EPSG:2154", units: "m", extent: [0, 6000000, 1300000, 7200000], axisOrientation: "enu" });
  ol.proj.addProjection(lambert);

  function source(layer) {
    const made = new ol.source.ImageWMS({
      url: root + "/wms",
      params: { LAYERS: layer.id, STYLES: layer.style, VERSION: "1.3.0", FORMAT: "image/png", TRANSPARENT: "TRUE", LANGUAGE: lang === "fr" ? "fre" : "eng" },
      projection: lambert,
      ratio: 1.05,
      serverType: "qgis",
    });
    made.on("imageloaderror", () => say(words.failed));
    return made;
  }

  // Areas below, outlines over them, points on top; inside each, the order of the list.
  function height(layer, place) {
    const base = layer.theme === "contour" ? 2000 : layer.geometry === "point" ? 3000 : 1000;
    return base - place;
  }

  function legend(layer) {
    const style = layer.styles.find((s) => s.id === layer.style);
    const box = tag("div", { class: "legend" });
    if (!style) {
      return box;
    }
    box.append(tag("img", { src: style.legend, alt: style.title + " : " + style.classes.map((c) => c.title).join(" ; "), loading: "lazy" }));
    if (style.classes.some((c) => c.secret)) {
      box.append(tag("p", { class: "secret-note" }, words.secretnote));
    }
    return box;
  }

  function remember() {
    const view = map.getView();
    const center = view.getCenter().map((c) => Math.round(c));
    const layers = [...shown.keys()].map((id) => id + ":" + shown.get(id).layer.style);
    const hash = "#" + [center[0], center[1], Math.round(view.getResolution() * 100) / 100, layers.join(",")].join("/");
    history.replaceState(null, "", hash);
  }

  function recalled() {
    const [x, y, resolution, layers] = decodeURIComponent(location.hash.slice(1)).split("/");
    if (!resolution) {
      return null;
    }
    const wanted = (layers || "").split(",").filter(Boolean).map((l) => l.split(":"));
    return { center: [Number(x), Number(y)], resolution: Number(resolution), layers: new Map(wanted) };
  }

  const map = new ol.Map({
    target: "map",
    controls: ol.control.defaults
      .defaults({ attribution: false, zoomOptions: { zoomInTipLabel: words.zoomin, zoomOutTipLabel: words.zoomout }, rotate: false })
      .extend([
        new ol.control.ScaleLine({ minWidth: 90 }),
        new ol.control.MousePosition({ projection: lambert, coordinateFormat: (c) => "L93 " + Math.round(c[0]) + " " + Math.round(c[1]) }),
      ]),
    view: new ol.View({ projection: lambert, center: [704000, 7059000], resolution: 60, minResolution: 0.25, maxResolution: 1500 }),
  });
  const overlay = new ol.Overlay({ element: popup, positioning: "bottom-center", offset: [0, -10], autoPan: { animation: { duration: 150 } } });
  map.addOverlay(overlay);

  function toggle(layer, on, row) {
    const old = shown.get(layer.id);
    if (old) {
      map.removeLayer(old.image);
      shown.delete(layer.id);
    }
    row.classList.toggle("on", on);
    row.querySelector(".detail").hidden = !on;
    if (on) {
      const image = new ol.layer.Image({ source: source(layer), zIndex: height(layer, layer.place), opacity: layer.opacity });
      map.addLayer(image);
      shown.set(layer.id, { image, layer });
      const detail = row.querySelector(".legend");
      detail.replaceWith(legend(layer));
    }
    remember();
  }

  function row(layer, on) {
    const id = "layer-" + layer.id;
    const box = tag("input", { type: "checkbox", id });
    const detail = tag("div", { class: "detail", hidden: true });
    const item = tag("li", { class: "layer" }, box, tag("label", { for: id }, layer.title), detail);
    if (layer.styles.length > 1) {
      const select = tag("select", { "aria-label": words.style }, ...layer.styles.map((s) => tag("option", { value: s.id, selected: s.id === layer.style }, s.title)));
      select.addEventListener("change", () => {
        layer.style = select.value;
        toggle(layer, true, item);
      });
      detail.append(select);
    }
    const opacity = tag("input", { type: "range", min: "0.1", max: "1", step: "0.05", value: String(layer.opacity), "aria-label": words.opacity });
    opacity.addEventListener("input", () => {
      layer.opacity = Number(opacity.value);
      const now = shown.get(layer.id);
      if (now) {
        now.image.setOpacity(layer.opacity);
      }
    });
    detail.append(tag("div", { class: "legend" }), tag("label", { class: "opacity" }, words.opacity + " ", opacity), tag("p", { class: "about" }, layer.description));
    box.checked = on;
    box.addEventListener("change", () => toggle(layer, box.checked, item));
    if (on) {
      toggle(layer, true, item);
    }
    return item;
  }

  function fill(config) {
    const state = recalled();
    const list = document.getElementById("layers");
    let place = 0;
    for (const group of config.groups) {
      const rows = tag("ul", {});
      const folded = tag("details", { open: group.id !== "evolution" }, tag("summary", {}, group.title), rows);
      for (const layer of group.layers) {
        layer.place = place++;
        layer.opacity = layer.theme === "contour" ? 1 : 0.9;
        const kept = state && state.layers.get(layer.id);
        layer.style = kept && layer.styles.some((s) => s.id === kept) ? kept : (layer.styles[0] || { id: "" }).id;
        rows.append(row(layer, state ? state.layers.has(layer.id) : config.initial.includes(layer.id)));
      }
      list.append(folded);
    }
    const view = map.getView();
    if (state) {
      view.setCenter(state.center);
      view.setResolution(state.resolution);
    } else if (config.extent) {
      view.fit(config.extent, { padding: [20, 20, 20, 20] });
    }
    document.getElementById("home").addEventListener("click", () => config.extent && view.fit(config.extent, { padding: [20, 20, 20, 20], duration: 250 }));
    map.on("moveend", remember);
    map.on("singleclick", (event) => identify(event.coordinate, config));
    map.on("pointermove", () => map.getTargetElement().classList.toggle("ask", shown.size > 0));
  }

  async function schema(layer) {
    if (!schemas.has(layer)) {
      schemas.set(layer, json(root + "/collections/" + encodeURIComponent(layer) + "/schema?f=json&lang=" + lang));
    }
    return schemas.get(layer);
  }

  function value(raw, property) {
    if (raw === null || raw === undefined) {
      return "–";
    }
    const codes = property["x-seuil-codes"];
    if (codes && codes[String(raw)]) {
      return codes[String(raw)];
    }
    if (property.format === "date-time") {
      return new Date(raw).toLocaleDateString(lang === "fr" ? "fr-FR" : "en-GB", { timeZone: "UTC" });
    }
    const year = /^(millesime|annee)/.test(property.name);
    const text = typeof raw === "number" && !year ? number.format(raw) : String(raw);
    return property["x-seuil-unit"] ? text + " " + property["x-seuil-unit"] : text;
  }

  async function sheet(feature, config) {
    const [layerId, ...rest] = String(feature.id).split(".");
    const layer = config.groups.flatMap((g) => g.layers).find((l) => l.id === layerId);
    const described = await schema(layerId);
    const values = feature.properties;
    const secret = values.statut === "secret";
    const article = tag("article", { class: secret ? "sheet secret" : "sheet" }, tag("h3", {}, values.nom || rest.join(".")), tag("p", { class: "of" }, layer ? layer.title : layerId));
    if (secret) {
      article.append(tag("p", { class: "badge" }, words.secret), tag("p", { class: "about" }, words.secretnote));
    }
    const table = tag("table", {});
    for (const [name, property] of Object.entries(described.properties)) {
      const idle = ["objectid", "nom"].includes(name) || !(name in values);
      const empty = values[name] === null || values[name] === undefined;
      if (idle || (empty && secret)) {
        continue;
      }
      table.append(tag("tr", {}, tag("th", { scope: "row" }, property.title || name), tag("td", {}, value(values[name], { ...property, name }))));
    }
    article.append(table);
    return article;
  }

  async function identify(coordinate, config) {
    const visible = [...shown.values()].sort((a, b) => a.image.getZIndex() - b.image.getZIndex());
    if (visible.length === 0) {
      return;
    }
    const names = visible.map((v) => v.layer.id).join(",");
    const styles = visible.map((v) => v.layer.style).join(",");
    const url = visible[0].image.getSource().getFeatureInfoUrl(coordinate, map.getView().getResolution(), lambert, {
      LAYERS: names, QUERY_LAYERS: names, STYLES: styles, INFO_FORMAT: "application/json", FEATURE_COUNT: 5,
    });
    try {
      const found = await json(url);
      if (!found.features.length) {
        close();
        say(words.nothing);
        return;
      }
      const sheets = await Promise.all(found.features.map((f) => sheet(f, config)));
      popupBody.replaceChildren(...sheets);
      popup.hidden = false;
      overlay.setPosition(coordinate);
      say(found.features.length + " " + words.found);
    } catch (error) {
      console.error(error);
      say(words.failed);
    }
  }

  function close() {
    overlay.setPosition(undefined);
    popup.hidden = true;
  }

  document.getElementById("popup-close").addEventListener("click", close);
  document.addEventListener("keydown", (event) => event.key === "Escape" && close());
  document.getElementById("fold").addEventListener("click", (event) => {
    const folded = page.classList.toggle("folded");
    event.currentTarget.setAttribute("aria-expanded", String(!folded));
    map.updateSize();
  });

  json(root + "/portail?f=json&lang=" + lang)
    .then(fill)
    .catch((error) => {
      console.error(error);
      say(words.failed);
    });
})();
