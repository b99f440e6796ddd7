// What the explorers share. A classic script, not a module: a book opened from disk (file:) runs it too.
// Each explorer finds its elements by their data-explorer, reads the JSON within, and takes the picture's place.
"use strict";
(() => {
  if (window.corrlib) return; // a page with several explorers names this script several times

  // The elements that `html` and `svg` make: a tag, its attributes, and what is within.
  const made = (create) => (tag, attributes = {}, ...children) => {
    const element = create(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const html = made((tag) => document.createElement(tag));
  const svg = made((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const clamp = (value, most) => Math.min(Math.max(value, 0), most);
  let names = 0;
  const fresh = () => `explorer-${(names += 1)}`; // an id that no other element of the page has

  // A picture of width x height pixels with a layer for marks, whose coordinates are pixels.
  function pane(width, height, alt) {
    const image = html("img", { alt, draggable: "false" });
    const frame = { viewBox: `-0.5 -0.5 ${width} ${height}`, "aria-hidden": "true" };
    const marks = svg("svg", frame);
    return { node: html("div", { class: "explorer-pane" }, image, marks), image, marks };
  }

  // A pane in which a point is moved by mouse, touch, pen or arrow keys. `moved(x, y)` hears of it in whole pixels.
  // A click holds the point where it is, until the next one.
  function pad(width, height, { label, step, moved }) {
    const made = pane(width, height, "");
    const { node } = made;
    const about = { tabindex: "0", role: "application", "aria-label": label, "aria-roledescription": "movable point" };
    for (const [name, value] of Object.entries(about)) node.setAttribute(name, value);
    node.classList.add("explorer-pad");
    let x = 0, y = 0, held = false;
    const set = (toX, toY) => {
      x = clamp(Math.round(toX), width - 1);
      y = clamp(Math.round(toY), height - 1);
      moved(x, y);
    };
    const follow = (event) => {
      const box = node.getBoundingClientRect();
      const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      set(at[0] * width - 0.5, at[1] * height - 0.5);
    };
    const hold = (value) => node.classList.toggle("explorer-held", (held = value));
    node.addEventListener("pointermove", (event) => held || follow(event));
    node.addEventListener("pointerdown", (event) => {
      follow(event);
      if (event.pointerType === "mouse") hold(!held);
    });
    node.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault(); // the page stays where it is
      const far = event.shiftKey ? 1 : step;
      set(x + by[0] * far, y + by[1] * far);
    });
    return Object.assign(made, { set, again: () => moved(x, y) });
  }

  // A choice from a list of names; `changed(name)` hears of it.
  function choice(text, options, changed) {
    const list = html("select", { id: fresh() });
    list.append(...options.map((name) => html("option", { value: name }, name)));
    list.disabled = options.length < 2; // nothing to choose: it looks like text
    list.addEventListener("change", () => changed(list.value));
    return { node: html("span", {}, html("label", { for: list.id }, text), " ", list), list };
  }

  // A line that a screen reader reads out once the reader has stopped moving.
  function live() {
    const node = html("p", { class: "explorer-live", role: "status" });
    let waiting = 0;
    const say = (text) => {
      clearTimeout(waiting);
      waiting = setTimeout(() => node.replaceChildren(text), 150);
    };
    return { node, say };
  }

  // Marks on pictures: told apart by their shape, not only by colour. A white edge keeps them visible anywhere.
  // A spot fits into a ring, and that into a square, so that none covers another.
  const shapes = {
    circle: "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0",
    spot: "M-4,-4L4,4M-4,4L4,-4",
    ring: "M-7.5,0a7.5,7.5 0 1,0 15,0a7.5,7.5 0 1,0 -15,0",
    square: "M-11,-11h22v22h-22z",
    cross: "M-5,-5L5,5M-5,5L5,-5",
    diamond: "M0,-6L6,0L0,6L-6,0z",
  };
  const mark = (shape, colour) =>
    svg("g", { class: `explorer-mark explorer-${colour}` }, ...["edge", "line"].map((name) =>
      svg("path", { d: shapes[shape], class: `explorer-${name}` })));
  // Puts a mark at a point of its picture; it is as large on a small picture as on a large one.
  function place(node, [x, y]) {
    const { width } = node.ownerSVGElement.getBoundingClientRect();
    const scale = width ? node.ownerSVGElement.viewBox.baseVal.width / width : 1;
    node.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)}) scale(${scale.toFixed(3)})`);
  }
  const swatch = (shape, colour) =>
    svg("svg", { viewBox: "-13 -13 26 26", class: "explorer-swatch", "aria-hidden": "true" }, mark(shape, colour));

  // Builds all explorers of a kind: `build(content)` returns what takes the picture's place.
  function start(kind, build) {
    for (const root of document.querySelectorAll(`[data-explorer="${kind}"]`)) {
      const still = root.querySelector(".explorer-still");
      if (!still) continue; // built already
      const content = root.querySelector('script[type="application/json"]').textContent;
      still.replaceWith(...build(JSON.parse(content)));
    }
  }

  window.corrlib = { html, svg, bytes, clamp, fresh, pane, pad, choice, live, mark, place, swatch, start };
})();
