// A patch of an image, and the patches of its nearest neighbours by the features of each layer.
"use strict";
corrlib.start("nearest", (content) => {
  const { html, svg, bytes, clamp, pad, live } = corrlib;
  const { shape: [height, width], k, tile, layers, categories } = content;
  const names = Object.keys(layers);
  const step = layers[names[0]].stride;
  const said = live();
  said.node.classList.add("explorer-unseen"); // the tiles' labels say the same
  const label = `The image. Arrow keys move by a patch of ${step} pixels, with Shift by 1 pixel.`;
  const image = pad(width, height, { label, step, moved: show });
  image.image.src = content.image;

  // On the image: the patch, and around it what a unit of each layer sees.
  const boxes = names.map(() => svg("rect", { class: "explorer-field" }));
  const patch = svg("rect", { class: "explorer-patch" });
  image.marks.append(...boxes, patch);
  const around = (box, [x, y], side) =>
    Object.entries({ x: x - side / 2, y: y - side / 2, width: side, height: side }).forEach(([name, value]) =>
      box.setAttribute(name, value));

  // A row of tiles a layer: the patch itself, then its neighbours, with as much around it as the sheet has.
  const rows = names.map((name) => {
    const side = tile * layers[name].stride;
    const sheet = new Image();
    const empty = { width: side, height: side, "aria-hidden": "true" };
    const tiles = Array.from({ length: k + 1 }, () => html("canvas", empty));
    const layer = { ...layers[name], similarity: bytes(layers[name].similarity), category: bytes(layers[name].category) };
    const notes = tiles.map(() => html("span"));
    const made = { name, layer, side, sheet, tiles, notes, cell: null };
    const framed = tiles.map((canvas, n) => html("div", {}, html("div", { class: "explorer-tile" }, canvas), notes[n]));
    made.node = html("div", { class: "explorer-row" }, html("span", {}, name), ...framed);
    sheet.addEventListener("load", () => paint(made));
    sheet.src = layers[name].sheet;
    return made;
  });
  image.image.addEventListener("load", () => rows.forEach(paint));

  function paint({ layer, side, sheet, tiles, cell }) {
    if (!cell) return;
    const [row, col] = cell, [x, y] = middle(layer, cell);
    // As corrlib.patches cuts: of the two whole-pixel places of an even side the upper left one.
    const from = [x, y].map((value) => Math.floor(value - (side - 1) / 2));
    const context = tiles[0].getContext("2d");
    context.clearRect(0, 0, side, side);
    if (image.image.naturalWidth) context.drawImage(image.image, ...from, side, side, 0, 0, side, side);
    if (!sheet.naturalWidth) return;
    for (let n = 0; n < k; n += 1) {
      const place = [(col * k + n) * side, row * side];
      tiles[n + 1].getContext("2d").drawImage(sheet, ...place, side, side, 0, 0, side, side);
    }
  }

  const middle = (layer, [row, col]) => [col, row].map((index) => layer.center + layer.stride * index);

  function show(x, y) {
    let place = null;
    const told = [];
    rows.forEach((one, number) => {
      const { layer } = one;
      const nearest = (value, count) => clamp(Math.round((value - layer.center) / layer.stride), count - 1);
      one.cell = [nearest(y, layer.grid[0]), nearest(x, layer.grid[1])];
      place = middle(layer, one.cell);
      around(boxes[number], place, layer.field);
      paint(one);
      const at = k * (one.cell[0] * layer.grid[1] + one.cell[1]);
      const labels = Array.from({ length: k }, (_, n) =>
        [categories[layer.category[at + n]], (layer.similarity[at + n] / 100).toFixed(2)]);
      labels.forEach(([category, cosine], n) => one.notes[n + 1].replaceChildren(category, html("br"), cosine));
      told.push(`${one.name}: ${labels.map((label) => label.join(" ")).join(", ")}`);
    });
    around(patch, place, step);
    said.say(`Category and similarity of the neighbours of the patch at (${place.map(Math.round).join(", ")}). ` +
      `${told.join("; ")}.`);
  }

  image.set(...content.start);
  const head = ["", "patch", ...Array.from({ length: k }, (_, n) => `${n + 1}`)].map((text) => html("span", {}, text));
  const table = html("div", { style: `--explorer-tiles: ${k + 1}` },
    html("div", { class: "explorer-row", "aria-hidden": "true" }, ...head), ...rows.map((one) => one.node));
  return [html("div", { class: "explorer-nearest" }, image.node, table), said.node];
});
