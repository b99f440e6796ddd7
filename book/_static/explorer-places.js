// Where a point of an object is on its neighbours: by flow, without it, and in truth.
"use strict";
corrlib.start("places", (content) => {
  const { html, svg, bytes, clamp, pane, pad, choice, live, mark, place, swatch } = corrlib;
  const { size, step, stride, spline, examples } = content;
  const nodes = spline[0].length, lattice = Math.ceil(size / step);
  const STATES = ["shown", "hidden", "outside", "missing"], NONE = 255; // as in corrlib.publishing.explorer.truths
  const TRUTH = "truth", STILL = "no alignment";
  const kinds = Object.keys(examples[0].flows), styles = { [TRUTH]: ["spot", "2"], [STILL]: ["diamond", "3"] };
  kinds.forEach((kind, number) => { styles[kind] = [["ring", "square"][number], String(number)]; });
  const on = { [STILL]: false }, chosen = {};
  let example, flows, truth;

  // The match of the point (x, y): the spline's flow, as corrlib.flow has it.
  function match(labels, neighbour, x, y) {
    let toX = x, toY = y;
    for (let row = 0, at = 2 * nodes * nodes * neighbour; row < nodes; row += 1) {
      for (let col = 0; col < nodes; col += 1, at += 2) {
        const weight = spline[y][row] * spline[x][col] * stride;
        toY += weight * (labels[at] - row);
        toX += weight * (labels[at + 1] - col);
      }
    }
    return [toX, toY];
  }

  // The name of the part at (x, y), and where it is on each neighbour.
  function trueMatches(x, y) {
    if (!truth) return null;
    const [row, col] = [y, x].map((value) => clamp(Math.round(value / step), lattice - 1));
    const cell = row * lattice + col, part = truth.part[cell];
    const matches = example.neighbours.map((_, neighbour) => {
      const at = 3 * (neighbour * lattice * lattice + cell);
      const state = part === NONE ? "missing" : STATES[truth.places[at + 2]];
      return { state, point: [truth.places[at], truth.places[at + 1]] };
    });
    return { part: part === NONE ? null : truth.names[part], matches };
  }

  const label = "The object. Arrow keys move the point by 4 pixels, with Shift by 1.";
  const reference = pad(size, size, { label, step: 4, moved: show });
  const dot = mark("circle", "point");
  reference.marks.append(dot);
  const panes = examples[0].neighbours.map((_, number) => {
    const made = pane(size, size, `Neighbour ${number + 1}`);
    const marks = {};
    for (const name of [STILL, ...kinds, TRUTH]) made.marks.append((marks[name] = mark(...styles[name])));
    const caption = html("div", { class: "explorer-caption" });
    return { ...made, marks, caption, node: html("div", {}, made.node, caption) };
  });
  const said = live();

  function show(x, y) {
    place(dot, [x, y]);
    const known = trueMatches(x, y), misses = Object.fromEntries(kinds.map((kind) => [kind, []]));
    panes.forEach((one, number) => {
      const points = { [STILL]: [x, y] }, lines = [];
      for (const kind of kinds) points[kind] = match(flows[kind][chosen[kind]], number, x, y);
      const it = known && known.matches[number];
      const there = it && (it.state === "shown" || it.state === "hidden");
      if (there) points[TRUTH] = it.point;
      for (const [name, node] of Object.entries(one.marks)) {
        const visible = on[name] !== false && points[name];
        node.style.display = visible ? "" : "none";
        if (!visible) continue;
        place(node, points[name]);
        node.classList.toggle("explorer-faint", name === TRUTH && it.state === "hidden");
      }
      for (const kind of kinds) {
        if (on[kind] === false) continue;
        const off = there && Math.round(Math.hypot(points[kind][0] - it.point[0], points[kind][1] - it.point[1]));
        if (there) misses[kind].push(off);
        if (there && on[TRUTH] !== false) lines.push(html("span", {}, swatch(...styles[kind]), ` ${off} px`));
      }
      const unseen = known && known.part && it.state !== "shown" && on[TRUTH] !== false;
      if (unseen) lines.push(html("span", {}, it.state === "missing" ? "no such part" : it.state));
      one.caption.replaceChildren(`${number + 1} `, ...lines);
    });
    said.say(sentence(x, y, known, misses));
  }

  function sentence(x, y, known, misses) {
    const where = `The point (${x}, ${y})`;
    if (!known) return `${where}.`;
    if (!known.part) return `${where} is not on the ${example.name}.`;
    if (on[TRUTH] === false) return `${where} is on the ${known.part}.`;
    const told = kinds.filter((kind) => misses[kind].length).map((kind) =>
      `error of ${kind} by ${chosen[kind]}: ${misses[kind].join(", ")} px`);
    const counts = ["hidden", "outside", "missing"].map((state) =>
      [known.matches.filter((it) => it.state === state).length, state]).filter(([count]) => count);
    const rest = counts.map(([count, state]) => `${state} in ${count} of ${panes.length}`);
    const all = [...told, ...rest].join("; ");
    return `${where} is on the ${known.part}. ${all.charAt(0).toUpperCase()}${all.slice(1)}.`;
  }

  // What is shown, and by which features.
  const lists = Object.fromEntries(kinds.map((kind) => [kind, choice("by", [], (name) => {
    chosen[kind] = name;
    reference.again();
  })]));
  const toggles = [...kinds, ...(examples.some((one) => one.truth) ? [TRUTH] : []), STILL].map((name) => {
    const box = html("input", { type: "checkbox" });
    box.checked = on[name] !== false;
    box.addEventListener("change", () => { on[name] = box.checked; reference.again(); });
    const text = html("label", {}, box, " ", swatch(...styles[name]), ` ${name}`);
    return html("span", { class: "explorer-toggle" }, text, " ", ...(lists[name] ? [lists[name].node] : []));
  });

  function open(name) {
    example = examples.find((one) => one.name === name);
    truth = example.truth && { ...example.truth, part: bytes(example.truth.part), places: bytes(example.truth.places) };
    flows = {};
    for (const kind of kinds) {
      const found = Object.entries(example.flows[kind]);
      flows[kind] = Object.fromEntries(found.map(([feature, text]) => [feature, bytes(text)]));
      const { list } = lists[kind];
      list.disabled = found.length < 2;
      list.replaceChildren(...found.map(([feature]) => html("option", { value: feature }, feature)));
      chosen[kind] = list.value = chosen[kind] in flows[kind] ? chosen[kind] : content.chosen[kind];
    }
    reference.image.src = example.target;
    panes.forEach((one, number) => { one.image.src = example.neighbours[number]; });
    reference.set(...example.start);
  }

  const picker = choice("Object", examples.map((one) => one.name), open);
  open(examples[0].name);
  const hint = html("div", { class: "explorer-caption" }, "the object: point at it, tap it, or use the arrow keys");
  return [
    html("div", { class: "explorer-controls" }, picker.node, ...toggles),
    html("div", { class: "explorer-places" }, html("div", {}, reference.node, hint),
      html("div", { class: "explorer-neighbours" }, ...panes.map((one) => one.node))),
    said.node,
  ];
});
