// Which predicted keypoints are correct at a tolerance, and where that is on the curve of PCK.
"use strict";
corrlib.start("tolerances", (content) => {
  const { html, svg, clamp, fresh, pane, choice, live, mark, place, swatch } = corrlib;
  const { size, alphas, curves, examples } = content;
  const names = Object.keys(curves), percent = (value) => `${(100 * value).toFixed(1)} %`;
  let example = examples[0], method = names[0], number = alphas.findIndex((alpha) => alpha >= 0.0999);

  // The object: an ellipse of tolerance around each keypoint, and a line from it to where it is predicted.
  const object = pane(size, size, "The object with its keypoints and those predicted");
  const said = live();

  function draw() {
    const alpha = alphas[number], { points, errors } = example.methods[method];
    const right = errors.map((error) => error !== null && error < alpha); // strictly, as the paper
    const radii = example.radii.map((radius) => (alpha * radius).toFixed(2));
    const drawn = [];
    object.marks.replaceChildren();
    example.truth.forEach(([x, y], k) => {
      const ellipse = { cx: x, cy: y, rx: radii[0], ry: radii[1] };
      object.marks.append(svg("ellipse", { ...ellipse, class: right[k] ? "explorer-right" : "explorer-wrong" }));
      if (!points[k]) return;
      const [toX, toY] = points[k];
      object.marks.append(svg("line", { x1: x, y1: y, x2: toX, y2: toY, class: "explorer-lead" }));
      const node = mark(right[k] ? "circle" : "cross", "black");
      node.dataset.keypoint = example.keypoints[k];
      node.dataset.correct = right[k];
      drawn.push([node, points[k].map((value) => clamp(value, size - 1))]); // on the border, if it lies outside
    });
    object.marks.append(...drawn.map(([node]) => node));
    for (const [node, at] of drawn) place(node, at);
    move();
    const count = right.filter(Boolean).length;
    const wrong = example.keypoints.filter((_, k) => !right[k]).map((name) => name.replaceAll("_", " "));
    const missed = wrong.length ? `; wrong: ${wrong.join(", ")}` : "";
    const means = names.map((name) => `${name} ${percent(curves[name][number])}`).join(", ");
    slider.setAttribute("aria-valuetext", `${alpha}: ${count} of ${right.length} correct`);
    shown.textContent = alpha.toFixed(3);
    said.say(`At alpha = ${alpha}, ${method} has ${count} of these ${right.length} keypoints correct${missed}. ` +
      `Mean PCK over categories: ${means}.`);
  }

  // The curves: a mark on each goes along with the slider.
  const area = { left: 40, right: 308, top: 10, bottom: 206 }, most = alphas[alphas.length - 1];
  const across = (alpha) => area.left + ((area.right - area.left) * alpha) / most;
  const up = (value) => area.bottom - (area.bottom - area.top) * value;
  const text = (x, y, words, anchor) => svg("text", { x, y, "text-anchor": anchor }, words);
  const plot = svg("svg", { viewBox: "0 0 320 240", class: "explorer-plot", role: "img" });
  plot.setAttribute("aria-label", `Mean PCK against alpha from 0 to ${most} for ${names.join(", ")}`);
  for (const value of [0, 0.25, 0.5, 0.75, 1]) {
    plot.append(svg("path", { d: `M${area.left},${up(value)}H${area.right}`, class: "explorer-grid" }));
    plot.append(text(area.left - 5, up(value) + 4, `${100 * value}`, "end"));
  }
  for (const alpha of [0, 0.1, 0.2, 0.3]) plot.append(text(across(alpha), area.bottom + 15, `${alpha}`, "middle"));
  plot.append(text((area.left + area.right) / 2, area.bottom + 30, "alpha", "middle"));
  const upright = `translate(11 ${(area.top + area.bottom) / 2}) rotate(-90)`;
  plot.append(svg("text", { transform: upright, "text-anchor": "middle" }, "mean PCK in percent"));
  const ruler = svg("path", { class: "explorer-ruler" });
  plot.append(ruler);
  const dots = names.map((name, row) => {
    const line = curves[name].map((value, k) => `${across(alphas[k]).toFixed(1)},${up(value).toFixed(1)}`).join(" ");
    plot.append(svg("polyline", { points: line, class: `explorer-curve explorer-curve-${row}` }));
    return svg("circle", { r: 4.5, class: `explorer-dot explorer-curve-${row}` });
  });
  plot.append(...dots);

  function move() {
    const x = across(alphas[number]);
    ruler.setAttribute("d", `M${x},${area.top}V${area.bottom}`);
    dots.forEach((dot, row) => {
      dot.setAttribute("cx", x);
      dot.setAttribute("cy", up(curves[names[row]][number]));
    });
  }

  // What is shown.
  const slider = html("input", { type: "range", min: 0, max: alphas.length - 1, step: 1, value: number, id: fresh() });
  const shown = html("output", { for: slider.id });
  slider.addEventListener("input", () => { number = Number(slider.value); draw(); });
  const methods = choice("Keypoints by", names, (name) => { method = name; draw(); });
  function open(name) {
    example = examples.find((one) => one.name === name);
    object.image.src = example.target;
    draw();
  }
  const picker = choice("Object", examples.map((one) => one.name), open);
  open(example.name);
  addEventListener("resize", draw);
  requestAnimationFrame(draw); // marks are as large as the picture's size asks for: known once it is in the page
  const key = html("div", { class: "explorer-caption" }, html("span", {}, swatch("circle", "black"), " correct"),
    html("span", {}, swatch("cross", "black"), " wrong"));
  const legend = html("div", { class: "explorer-caption" }, ...names.map((name, row) => html("span", {},
    svg("svg", { viewBox: "0 0 16 16", class: "explorer-swatch", "aria-hidden": "true" },
      svg("path", { d: "M0,8H16", class: `explorer-curve explorer-curve-${row}` })), ` ${name}`)));
  return [
    html("div", { class: "explorer-controls" }, picker.node, methods.node,
      html("span", { class: "explorer-slider" }, html("label", { for: slider.id }, "alpha"), slider, shown)),
    html("div", { class: "explorer-tolerances" }, html("div", {}, object.node, key), html("div", {}, plot, legend)),
    said.node,
  ];
});
