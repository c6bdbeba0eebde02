"use strict";
// The page of a picture. Data comes from page.py; places are computed as in layout.py, since folding changes them.
const D = JSON.parse(document.getElementById("data").textContent);
const [ITEM, BOX, DUMMY, PORT] = [0, 1, 2, 3], { GAP, ROW, PADDING, HEADER, TITLE } = D.sizes;
const $ = (id) => document.getElementById(id), NS = "http://www.w3.org/2000/svg";
const view = $("view"), world = $("world"), panel = $("panel");

// -- what there is
const V = D.vertices.map(([kind, home, item, box, width, height, weight, bottom], number) =>
  ({ number, kind, home, item, box, width, height, weight, bottom, up: [], down: [], x: 0, y: 0, above: 0, below: 0 }));
for (const [a, b, pa, pb] of D.near) {
  const link = [V[a], V[b], pa < 0 ? null : V[pa], pb < 0 ? null : V[pb]];
  V[a].down.push(link);
  V[b].up.push(link);
}
const layers = D.layers.map((home) => home.map((layer) => layer.map((n) => V[n])));
const routes = D.routes.map(([edge, way]) => ({ edge, way: way.map((n) => V[n]) }));
const outer = D.boxes.length, boxVertex = [], itemVertices = D.items.map(() => []);
for (const v of V) {
  if (v.kind === BOX) boxVertex[v.box] = v;
  if (v.kind === ITEM) itemVertices[v.item].push(v);
}
const inward = D.boxes.map((_, b) => b).sort((a, b) => D.boxes[b].depth - D.boxes[a].depth);
const into = D.items.map(() => []), outOf = D.items.map(() => []);
D.edges.forEach(([source, , target], e) => { outOf[source].push(e); into[target].push(e); });
const folded = new Set(D.folded);
let places = new Map(), shown = [], frames = [], extent = [0, 0], chosen = -1, hits = null;

// -- places (layout.py: place, absolute, lines, curve)
function spread(layer, wishes) {
  const blocks = [], offsets = [];
  let reach = 0;
  layer.forEach((v, k) => {
    if (k) reach += (layer[k - 1].width + v.width) / 2 + GAP;
    offsets.push(reach);
    let total = (wishes[k] - reach) * v.weight, heavy = v.weight, count = 1;
    while (blocks.length && blocks.at(-1)[0] / blocks.at(-1)[1] >= total / heavy) {
      const [t, h, n] = blocks.pop();
      total += t; heavy += h; count += n;
    }
    blocks.push([total, heavy, count]);
  });
  let k = 0;
  for (const [total, heavy, count] of blocks)
    for (let n = 0; n < count; n++, k++) layer[k].x = total / heavy + offsets[k];
}
const offset = (v, port) => !port || v.kind !== BOX || folded.has(v.box) ? 0 : port.x - v.width / 2;
function wish(v, down) {
  const near = down ? v.up : v.down;
  if (!near.length) return v.x;
  let total = 0, weight = 0;
  for (const [a, b, pa, pb] of near) {
    const [other, theirs, own] = down ? [a, pa, pb] : [b, pb, pa];
    total += other.weight * (other.x + offset(other, theirs) - offset(v, own));
    weight += other.weight;
  }
  return total / weight;
}
function placeHome(rows, framed) {
  for (const layer of rows) spread(layer, layer.map(() => 0));
  for (let sweep = 0; sweep < 6; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? rows : rows.toReversed()) spread(layer, layer.map((v) => wish(v, down)));
  }
  let left = Infinity, right = -Infinity;
  for (const layer of rows) for (const v of layer) {
    left = Math.min(left, v.x - v.width / 2);
    right = Math.max(right, v.x + v.width / 2);
  }
  if (left === Infinity) left = right = 0;
  const side = framed ? PADDING : 0;
  let y = framed ? HEADER : 0;
  rows.forEach((layer, k) => {
    const high = layer.reduce((h, v) => Math.max(h, v.kind === DUMMY ? 0 : v.height), 0);
    if (framed && k === 0 && high === 0 && rows.length > 1) {
      for (const v of layer) { v.x += side - left; v.y = 0; }
      return;
    }
    for (const v of layer) {
      if (v.kind === DUMMY) v.height = high;
      v.above = (high - v.height) / (v.up.length ? 2 : 1);
      v.below = high - v.height - v.above;
      v.x += side - left;
      v.y = y + v.above;
    }
    y += high + (k < rows.length - 1 ? ROW : 0);
  });
  let end = y + (framed ? PADDING : 0);
  const last = rows.at(-1);
  if (framed && last && last.every((v) => v.kind === PORT && v.bottom)) {
    end = y - ROW + PADDING + 8;
    for (const v of last) v.y = end;
  }
  return [right - left + 2 * side, end];
}
function layOut() {
  for (const home of [...inward, outer]) {
    const closed = home === outer ? null : D.boxes[home].closed;
    const size = folded.has(home) ? closed : placeHome(layers[home], home !== outer);
    if (home === outer) { extent = size; break; }
    const spare = folded.has(home) ? 0 : Math.max(0, closed[0] - size[0]) / 2;
    if (spare) for (const layer of layers[home]) for (const v of layer) v.x += spare;
    boxVertex[home].width = size[0] + 2 * spare;
    boxVertex[home].height = size[1];
  }
  const corner = new Map([[outer, [0, 0]]]);
  places = new Map();
  frames = [];
  for (const b of inward.toReversed()) {
    const home = D.boxes[b].parent ?? outer, v = boxVertex[b];
    if (!corner.has(home) || folded.has(home)) continue;
    const [x, y] = corner.get(home);
    corner.set(b, [x + v.x - v.width / 2, y + v.y]);
    frames.push(b);
  }
  for (const v of V) {
    const at = folded.has(v.home) ? null : corner.get(v.home);
    if (at) places.set(v, [at[0] + v.x, at[1] + v.y]);
  }
  route();
}
function visible(v) {
  let found = v, box = v.home === outer ? null : v.home;
  for (; box !== null; box = D.boxes[box].parent) if (folded.has(box)) found = boxVertex[box];
  return found;
}
function route() {
  const seen = new Set();
  shown = [];
  for (const { edge, way } of routes) {
    const start = visible(way[0]), end = visible(way.at(-1));
    if (start === end) continue;
    let [x, y] = places.get(start);
    const points = [[x, y + start.height]];
    if (start.below) points.push([x, y + start.height + start.below]);
    for (const v of way.slice(1, -1)) {
      if (!places.has(v)) continue;
      [x, y] = places.get(v);
      points.push([x, y]);
      if (v.kind === DUMMY && v.height) points.push([x, y + v.height]);
      if (v.kind === PORT && !v.bottom) points.push([x, y + TITLE]);
    }
    [x, y] = places.get(end);
    if (end.above) points.push([x, y - end.above]);
    points.push([x, y]);
    const key = start.number * V.length + end.number;
    if ((start.kind === BOX || end.kind === BOX) && seen.has(key)) continue;
    seen.add(key);
    const xs = points.map((p) => p[0]);
    shown.push({ edge, start, end, path: curve(points), points,
      box: [Math.min(...xs), points[0][1], Math.max(...xs), points.at(-1)[1]] });
  }
}
function curve(points) {
  let [x, y] = points[0], path = `M${x.toFixed(1)} ${y.toFixed(1)}`;
  for (const [tx, ty] of points.slice(1)) {
    const bend = (ty - y) / 2;
    path += Math.abs(tx - x) < 0.5 ? `L${tx.toFixed(1)} ${ty.toFixed(1)}`
      : `C${x.toFixed(1)} ${(y + bend).toFixed(1)} ${tx.toFixed(1)} ${(ty - bend).toFixed(1)} ${tx.toFixed(1)} ${ty.toFixed(1)}`;
    [x, y] = [tx, ty];
  }
  return path;
}

// -- drawing: what is in sight; far away, all cards of a colour are one path
const SMALL = 0.3, drawn = new Map();
let scale = 1, panX = 0, panY = 0, pending = false;
function make(tag, attributes, parent) {
  const node = document.createElementNS(NS, tag);
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  parent?.append(node);
  return node;
}
function later() {
  if (!pending) { pending = true; requestAnimationFrame(() => { pending = false; draw(); }); }
}
function draw() {
  const w = view.clientWidth, h = view.clientHeight, margin = 60 / scale;
  world.setAttribute("transform", `translate(${panX} ${panY}) scale(${scale})`);
  const sight = [-panX / scale - margin, -panY / scale - margin, (w - panX) / scale + margin, (h - panY) / scale + margin];
  const far = scale < SMALL && V.length > 400, keep = new Set();
  $("piles").replaceChildren();
  const put = (key, parent, build) => {
    keep.add(key);
    if (!drawn.has(key)) drawn.set(key, build(parent));
  };
  for (const b of frames) if (meets(frameOf(b), sight)) {
    put(`f${b}`, $("frames"), (p) => drawFrame(b, p));
    if (!far) put(`t${b}`, $("titles"), (p) => drawTitle(b, p));
  }
  if (far) drawFar(sight);
  else {
    shown.forEach((line, k) => {
      if (meets(line.box, sight)) put(`e${k}`, $("edges"), (p) => drawEdge(line, p));
    });
    for (const [v, [x, y]] of places)
      if (v.kind === ITEM && meets([x - v.width / 2, y, x + v.width / 2, y + v.height], sight))
        put(`n${v.number}`, $("nodes"), (p) => drawNode(v, x, y, p));
  }
  for (const [key, node] of drawn) if (!keep.has(key)) {
    if (node.contains(document.activeElement)) continue;
    node.remove();
    drawn.delete(key);
  }
  marks();
}
const meets = (a, b) => a[2] >= b[0] && a[0] <= b[2] && a[3] >= b[1] && a[1] <= b[3];
function frameOf(b) {
  const v = boxVertex[b], [x, y] = places.get(v);
  return [x - v.width / 2, y, x + v.width / 2, y + v.height];
}
function drawFrame(b, parent) {
  const [x, y, right, bottom] = frameOf(b), odd = D.boxes[b].depth % 2 ? " odd" : "";
  return make("rect", { class: `b${odd}${folded.has(b) ? " closed" : ""}`, x, y, width: right - x, height: bottom - y, rx: 10 }, parent);
}
function drawTitle(b, parent) {
  const [x, y, right] = frameOf(b), shut = folded.has(b), wide = right - x;
  const g = make("g", { class: "fold", tabindex: 0, role: "button", "data-box": b, "aria-expanded": !shut,
    "aria-label": `${D.boxes[b].title}, ${D.boxes[b].count}` }, parent);
  make("rect", { class: "grip", x: x + 2, y: y + 2, width: shut ? wide - 4 : Math.min(wide - 4, D.boxes[b].closed[0]), height: shut ? 40 : 24, rx: 8 }, g);
  const name = shut ? "bt shut" : D.boxes[b].depth % 2 ? "bt odd" : "bt";
  const text = make("text", shut ? { class: name, x: x + wide / 2, y: y + 19, "text-anchor": "middle" } : { class: name, x: x + 12, y: y + 19 }, g);
  text.textContent = (shut ? "▸ " : "▾ ") + D.boxes[b].short;
  if (shut) make("text", { class: "x", x: x + wide / 2, y: y + 34, "text-anchor": "middle" }, g).textContent = D.boxes[b].count;
  return g;
}
function drawEdge(line, parent) {
  const [source, , target, , tracked] = D.edges[line.edge];
  const near = chosen >= 0 && (source === chosen || target === chosen) ? " near" : "";
  const many = outOf[source].length > D.many || into[target].length > D.many ? " far" : "";
  return make("path", { class: `e${tracked ? "" : " u"}${near}${many}`, d: line.path, "marker-end": "url(#tip)" }, parent);
}
function drawNode(v, x, y, parent) {
  const item = D.items[v.item];
  const g = make("g", { class: nodeClass(v.item), tabindex: 0, role: "button", "data-item": v.item,
    transform: `translate(${x - v.width / 2} ${y})`, "aria-label": [item.label, item.shape, item.dtype, item.caption].filter(Boolean).join(", ") }, parent);
  g.innerHTML = D.cards[item.card];
  return g;
}
function nodeClass(id) {
  return `node${id === chosen ? " chosen" : ""}${hits?.has(id) ? " hit" : ""}${at >= 0 && done(id) ? " did" : ""}`;
}
function drawFar(sight) {
  const piles = new Map();
  for (const [v, [x, y]] of places) if (v.kind === ITEM && meets([x - v.width / 2, y, x + v.width / 2, y + v.height], sight)) {
    const colour = hits && !hits.has(v.item) ? "var(--line)" : D.colours[D.items[v.item].family] ?? `var(--${D.items[v.item].family === "leaf" ? "leafline" : "faint"})`;
    piles.set(colour, (piles.get(colour) ?? "") + `M${(x - v.width / 2).toFixed(0)} ${y.toFixed(0)}h${v.width}v${v.height}h${-v.width}z`);
  }
  const all = shown.filter((line) => meets(line.box, sight)).map((line) => line.path).join("");
  make("path", { class: "e", d: all }, $("piles"));
  for (const [colour, d] of piles) make("path", { class: "pile", d, fill: colour, stroke: colour }, $("piles"));
}
function redraw() {
  for (const node of drawn.values()) node.remove();
  drawn.clear();
  draw();
}

// -- looking around
function zoom(factor, x = view.clientWidth / 2, y = view.clientHeight / 2) {
  const to = Math.min(4, Math.max(least(), scale * factor));
  panX = x - (x - panX) * to / scale;
  panY = y - (y - panY) * to / scale;
  scale = to;
  later();
}
const least = () => Math.min(0.1, view.clientHeight / (extent[1] + 200));
function fit() {
  // Below all of it is the legend, of as many lines as it needs.
  const w = view.clientWidth, h = view.clientHeight - document.querySelector(".legend").offsetHeight - 10;
  scale = Math.min(1.25, (w - 40) / extent[0], (h - 40) / extent[1]);
  panX = (w - extent[0] * scale) / 2;
  panY = Math.max(20, (h - extent[1] * scale) / 2);
  later();
}
function start() {
  fit();
  if (scale >= 0.45) return;
  // Too much to be read at once: begin at the end, where the output is.
  scale = Math.min(1, Math.max(0.7, (view.clientWidth - 24) / Math.min(extent[0], 900)));
  const last = itemVertices.findLast((all, id) => D.items[id].kind === "output" && places.has(all[0]))?.[0] ?? visible(V.findLast((v) => v.kind === ITEM));
  const [x, y] = places.get(visible(last));
  panX = view.clientWidth / 2 - x * scale;
  panY = view.clientHeight - 100 - (y + last.height) * scale;
  later();
}
function reveal(v) {
  const [x, y] = places.get(v), wide = view.clientWidth, high = view.clientHeight;
  if (scale < 0.5) scale = 0.8;
  const left = x * scale + panX, top = y * scale + panY;
  if (left < 80 || left > wide - 80) panX = wide / 2 - x * scale;
  if (top < 40 || top + v.height * scale > high - 80) panY = high / 2 - (y + v.height / 2) * scale;
  draw();
}
const pointers = new Map();
let moved = 0;
view.addEventListener("pointerdown", (e) => {
  if (e.button) return;
  pointers.set(e.pointerId, [e.clientX, e.clientY]);
  moved = 0;
});
view.addEventListener("pointermove", (e) => {
  const before = pointers.get(e.pointerId);
  if (!before) return;
  const dx = e.clientX - before[0], dy = e.clientY - before[1];
  if (pointers.size === 1) { panX += dx; panY += dy; }
  else {
    const other = [...pointers].find(([id]) => id !== e.pointerId)[1], frame = view.getBoundingClientRect();
    const span = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
    zoom(span([e.clientX, e.clientY]) / span(before), (e.clientX + other[0]) / 2 - frame.left, (e.clientY + other[1]) / 2 - frame.top);
    panX += dx / 2; panY += dy / 2;
  }
  moved += Math.abs(dx) + Math.abs(dy);
  if (moved > 5 && !view.hasPointerCapture(e.pointerId)) { view.setPointerCapture(e.pointerId); view.classList.add("drag"); }
  pointers.set(e.pointerId, [e.clientX, e.clientY]);
  later();
});
for (const name of ["pointerup", "pointercancel"]) view.addEventListener(name, (e) => {
  pointers.delete(e.pointerId);
  view.classList.remove("drag");
});
view.addEventListener("wheel", (e) => {
  e.preventDefault();
  const unit = e.deltaMode === 1 ? 18 : 1;
  if (e.ctrlKey || e.metaKey) {
    const frame = view.getBoundingClientRect();
    zoom(Math.exp(-e.deltaY * unit * 0.004), e.clientX - frame.left, e.clientY - frame.top);
  } else {
    panX -= (e.shiftKey ? e.deltaY : e.deltaX) * unit;
    panY -= (e.shiftKey ? 0 : e.deltaY) * unit;
    later();
  }
}, { passive: false });
view.addEventListener("click", (e) => {
  if (moved > 5) return;
  const fold = e.target.closest(".fold"), node = e.target.closest(".node");
  if (fold) toggle(+fold.dataset.box);
  else if (node) choose(+node.dataset.item);
});
view.addEventListener("focusin", (e) => {
  const node = e.target.closest(".node,.fold");
  if (!node || !node.matches(":focus-visible")) return;
  const v = node.dataset.item ? drawnVertex(node) : boxVertex[+node.dataset.box];
  if (places.has(v)) reveal(v);
});
const drawnVertex = (node) => V[+[...drawn].find(([, n]) => n === node)[0].slice(1)];
$("in").onclick = () => zoom(1.4);
$("out").onclick = () => zoom(1 / 1.4);
$("fit").onclick = fit;
$("theme").onclick = () => {
  const root = document.documentElement, dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme:dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
};

// -- folding
function toggle(b) {
  const v = boxVertex[b], [x, y] = places.get(v);
  folded.has(b) ? folded.delete(b) : folded.add(b);
  layOut();
  const [tx, ty] = places.get(v);
  panX += (x - tx) * scale;
  panY += (y - ty) * scale;
  redraw();
  drawn.get(`t${b}`)?.focus({ preventScroll: true });
}
function foldAll(on) {
  D.boxes.forEach((_, b) => (on ? folded.add(b) : folded.delete(b)));
  layOut();
  redraw();
  start();
}
$("closeall").onclick = () => foldAll(true);
$("openall").onclick = () => foldAll(false);
if (!D.boxes.length) $("folding").hidden = true;
function unfoldTo(id) {
  let changed = false;
  const v = itemVertices[id][0];
  for (let b = v.home === outer ? null : v.home; b !== null; b = D.boxes[b].parent) changed = folded.delete(b) || changed;
  if (changed) { layOut(); redraw(); }
  return itemVertices[id].find((each) => places.has(each)) ?? v;
}

// -- one of them
function choose(id, focus = false) {
  chosen = id;
  const v = unfoldTo(id);
  tell(id);
  redraw();
  reveal(v);
  if (focus) drawn.get(`n${v.number}`)?.focus({ preventScroll: true });
}
function close() {
  chosen = -1;
  panel.hidden = true;
  redraw();
}
function element(tag, text, name) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (name) node.className = name;
  return node;
}
function section(title, ...parts) {
  panel.append(element("h3", title), ...parts);
}
function facts(value) {
  const list = element("dl");
  for (const [word, text] of value.facts) list.append(element("dt", word), element("dd", text));
  return list;
}
function showValue(title, value, otherwise) {
  if (!value) { if (otherwise) section(title, element("p", otherwise, "under")); return; }
  section(`${title}, ${value.shape} ${value.dtype}`, element("pre", value.text), facts(value));
}
function head(title, under) {
  panel.replaceChildren();
  panel.hidden = false;
  const top = element("div", undefined, "top"), button = element("button", "×");
  button.setAttribute("aria-label", "Close");
  button.onclick = close;
  top.append(element("h2", title), button);
  panel.append(top, element("p", under, "under"));
  panel.scrollTop = 0;
}
function within(id) {
  const names = [];
  for (let b = D.items[id].box; b !== null; b = D.boxes[b].parent) names.unshift(D.boxes[b].title);
  return [...names, D.items[id].caption].filter(Boolean).join(" › ");
}
function tell(id) {
  const item = D.items[id];
  head(item.label, [item.name, item.shape, item.dtype].filter(Boolean).join(" · "));
  if (within(id)) panel.append(element("p", within(id), "under"));
  const formula = item.formula < 0 ? null : D.formulas[item.formula];
  if (formula) {
    const text = element("pre", `out = ${formula.forward}`);
    section("Formula", text);
    if (formula.given && !formula.forward.includes(formula.given)) panel.append(element("p", `with ${formula.given}`, "note"));
    section("Derivative");
    for (const each of formula.inputs) panel.append(derivative(each));
  }
  showValue(item.kind === "operation" ? "Result" : "Value", item.value,
    item.kind === "operation" ? (item.freed ? "Backward has freed it." : "The graph does not have it: no derivative needs it, or it was written to since.") : "");
  showValue("Gradient", item.grad, item.kind === "leaf" ? ".grad is None" : "");
  if (item.kept.length) {
    const list = element("dl");
    for (const [name, what] of item.kept) list.append(element("dt", name), element("dd", what));
    section("Kept for backward", list);
  }
  if (item.line) lineOf(item);
  links("Inputs", into[id].map((e) => D.edges[e][0]));
  links("Used by", outOf[id].map((e) => D.edges[e][2]));
}
function derivative(each) {
  const card = element("div", undefined, "card2");
  const parts = [];
  if (each.local !== null) parts.push(`∂out/∂${each.name} = ${each.local}`);
  if (each.rule !== null) parts.push(`${each.name} receives ${each.rule}`);
  card.append(element("pre", parts.length ? parts.join("\n") : "not stated"));
  const notes = [each.rule === null ? "" : "g is the gradient of out", each.note, each.place && `stated at ${each.place}`].filter(Boolean);
  card.append(element("p", notes.join("; "), "note"));
  return card;
}
function lineOf(item) {
  const [file, number, where] = item.line, lines = D.sources[`${file}:${number}`];
  section("Line", element("p", `${D.files[file]}:${number}${where === "<module>" ? "" : `, in ${where}`}`));
  if (!lines) return;
  const pre = element("pre", undefined, "source");
  for (const [n, text] of lines) {
    const row = element("span", undefined, n === number ? "on" : "");
    row.append(element("b", ` ${n}`), text || " ");
    pre.append(row);
  }
  panel.append(pre);
}
function links(title, ids) {
  if (!ids.length) return;
  const list = element("div", undefined, "links");
  for (const id of [...new Set(ids)].slice(0, 40)) {
    const button = element("button", D.items[id].label);
    button.onclick = () => choose(id, true);
    list.append(button);
  }
  section(ids.length > 40 ? `${title}, the first 40 of ${ids.length}` : title, list);
}

// -- search
const words = D.items.map((item, id) =>
  [item.label, item.name, item.shape, item.dtype, within(id), item.line && `${D.files[item.line[0]]}:${item.line[1]}`].filter(Boolean).join(" ").toLowerCase());
let order = [], position = -1;
function search(text) {
  const asked = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  order = asked.length ? D.items.map((_, id) => id).filter((id) => asked.every((word) => words[id].includes(word))) : [];
  hits = asked.length ? new Set(order) : null;
  position = -1;
  view.classList.toggle("found", hits !== null);
  $("hits").textContent = hits ? `${order.length} found` : "";
  $("list").replaceChildren(...order.slice(0, 30).map((id) => {
    const li = element("li"), button = element("button", D.items[id].label);
    button.append(element("small", [D.items[id].shape, D.items[id].line && `line ${D.items[id].line[1]}`].filter(Boolean).join(" · ")));
    button.onclick = () => { choose(id); $("list").replaceChildren(); };
    li.append(button);
    return li;
  }));
  redraw();
}
$("find").addEventListener("input", (e) => search(e.target.value));
$("find").addEventListener("keydown", (e) => {
  if (e.key === "Escape") { e.target.value = ""; search(""); view.focus(); }
  if (e.key === "ArrowDown") $("list").querySelector("button")?.focus();
  if (e.key !== "Enter" || !order.length) return;
  position = (position + (e.shiftKey ? order.length - 1 : 1)) % order.length;
  choose(order[position]);
  $("hits").textContent = `${position + 1} of ${order.length}`;
  $("list").replaceChildren();
});
document.addEventListener("click", (e) => { if (!e.target.closest(".find")) $("list").replaceChildren(); });

// -- keys
document.addEventListener("keydown", (e) => {
  if (e.target.matches("input:not([type=range])") || e.ctrlKey || e.metaKey || e.altKey) return;
  const fold = e.target.closest?.(".fold"), node = e.target.closest?.(".node");
  if ((e.key === "Enter" || e.key === " ") && (fold || node)) {
    e.preventDefault();
    fold ? toggle(+fold.dataset.box) : choose(+node.dataset.item, true);
    return;
  }
  if (D.steps && stepKey(e)) return;
  const keys = {
    "/": () => $("find").focus(), "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), 0: fit, Escape: close,
    ArrowUp: () => along(into, 0), ArrowDown: () => along(outOf, 2), ArrowLeft: () => beside(-1), ArrowRight: () => beside(1),
  };
  if (!keys[e.key] || e.target.matches("input")) return;
  e.preventDefault();
  keys[e.key]();
});
function along(edges, end) {
  const found = chosen < 0 ? [] : edges[chosen].map((e) => D.edges[e][end]);
  if (found.length) choose(found.find((id) => D.items[id].kind === "operation") ?? found[0], true);
  else if (chosen < 0) { panY += end ? -80 : 80; later(); }
}
function beside(step) {
  if (chosen < 0) { panX -= 80 * step; later(); return; }
  const all = itemVertices[chosen].filter((v) => places.has(v)), row = all.length ? layers[all[0].home].find((layer) => layer.includes(all[0])) : [];
  const items = row.filter((v) => v.kind === ITEM), next = items[items.indexOf(all[0]) + step];
  if (next) choose(next.item, true);
}

// -- the chain rule, step by step
let at = -1;
const doneAt = new Map();
function done(id) { return (doneAt.get(id) ?? Infinity) < at; }
function step(k) {
  at = Math.max(0, Math.min(D.steps.length - 1, k));
  $("slide").value = at;
  $("at").textContent = `${at + 1} of ${D.steps.length}`;
  $("first").disabled = $("back").disabled = at === 0;
  $("last").disabled = $("forward").disabled = at === D.steps.length - 1;
  const now = D.steps[at];
  chosen = -1;
  const v = unfoldTo(now.item);
  tellStep(now);
  redraw();
  reveal(v);
}
function tellStep(now) {
  const item = D.items[now.item];
  head(item.label, `Step ${at + 1}: ${now.title}`);
  for (const each of now.in) {
    section(each.title);
    const pre = element("pre", each.value ? each.value.text : "nothing", "in");
    panel.append(pre);
    if (each.from) panel.append(element("p", each.from, "note"));
    if (each.value && !each.value.full) panel.append(facts(each.value));
  }
  for (const each of now.out) {
    const card = element("div", undefined, "card2"), name = each.name;
    card.append(element("h3", `To ${D.items[each.to].label}${name ? `, the input ${name}` : ""}`));
    const lines = [];
    if (each.local !== null) lines.push(`local derivative  ∂out/∂${name} = ${each.local}`);
    if (each.slope) lines.push(`                  = ${each.slope.text}`);
    if (each.rule !== null) lines.push(`goes out  ${each.rule}`);
    if (!lines.length) lines.push("the rule is not stated in one line");
    card.append(element("pre", lines.join("\n")));
    card.append(element("p", "What goes out:", "note"), element("pre", each.value ? each.value.text : "nothing (no gradient)", "in"));
    if (each.value && !each.value.full) card.append(facts(each.value));
    const notes = [each.note, each.place && `stated at ${each.place}`].filter(Boolean);
    if (notes.length) card.append(element("p", notes.join("; "), "note"));
    panel.append(card);
  }
  if (item.line) lineOf(item);
}
function stepKey(e) {
  const keys = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: D.steps.length - 1 };
  if (!(e.key in keys) || chosen >= 0) return false;
  e.preventDefault();
  step(keys[e.key]);
  return true;
}
function marks() {
  const group = $("marks");
  group.replaceChildren();
  if (at < 0) return;
  const now = D.steps[at], targets = new Set(now.out.filter((each) => each.value).map((each) => each.to));
  for (const line of shown) {
    const [source, , target] = D.edges[line.edge];
    if (source === now.item && D.edges[line.edge][4]) make("path", { class: "came", d: line.path }, group);
    if (target === now.item && targets.has(source)) make("path", { class: "back", d: line.path, "marker-start": "url(#backtip)" }, group);
  }
  for (const v of itemVertices[now.item]) if (places.has(v)) {
    const [x, y] = places.get(v);
    make("rect", { class: "ring", x: x - v.width / 2 - 4, y: y - 4, width: v.width + 8, height: v.height + 8, rx: 12 }, group);
  }
}
if (D.steps) {
  D.steps.forEach((each, k) => doneAt.set(each.item, k));
  $("steps").hidden = false;
  $("slide").max = D.steps.length - 1;
  $("slide").oninput = (e) => step(+e.target.value);
  $("first").onclick = () => step(0);
  $("back").onclick = () => step(at - 1);
  $("forward").onclick = () => step(at + 1);
  $("last").onclick = () => step(D.steps.length - 1);
}

layOut();
// The steps stand in the panel, which takes its room before the picture does.
if (D.steps) { at = 0; tellStep(D.steps[0]); }
let begun = false;
function begin() {
  // A frame that is not in sight yet, as in a long notebook, has no size.
  begun = view.clientWidth > 0 && view.clientHeight > 0;
  start();
  draw();
  if (D.steps) step(at);
}
begin();
new ResizeObserver(() => begun ? later() : begin()).observe(view);
document.documentElement.dataset.ready = "yes";
