"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const byId = (id) => document.getElementById(id);

  // Commands: a button that copies, or where that is not allowed selects what to copy.
  for (const button of document.querySelectorAll("button.copy")) {
    const code = button.previousElementSibling;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "selected";
      }
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
  }

  const holder = byId("trials");
  const data = holder ? JSON.parse(holder.textContent) : {};
  if (!data.trials) return;
  byId("explorer").hidden = false;

  const make = (parent, name, attributes, text) => {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    parent.appendChild(node);
    return node;
  };
  const short = (text, most) => (text.length <= most ? text : text.slice(0, most - 1) + "\u2026");
  const channels = data.palette.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const shade = (share) => {
    const at = Math.min(Math.max(share, 0), 1) * (channels.length - 1);
    const low = Math.min(Math.floor(at), channels.length - 2);
    return "rgb(" + channels[low].map((c, i) => Math.round(c + (channels[low + 1][i] - c) * (at - low))) + ")";
  };
  const RED = "#d55e00", PALE = "#c9d0d6";
  const colour = (trial) => (trial.o === null ? PALE : shade(data.minimize ? trial.o : 1 - trial.o));

  // Parallel coordinates. Heights are 0 at the bottom; a net without a parameter passes below its axis.
  const names = [...data.axes.map((axis) => axis.name), data.objective];
  const GAP = 118, LEFT = 70, TOP = 44, HEIGHT = 300, ABSENT = -0.12;
  const partial = data.axes.some((axis) => axis.partial);
  const width = LEFT + GAP * (names.length - 1) + 70, height = TOP + HEIGHT + (partial ? 60 : 22);
  const x = (axis) => LEFT + GAP * axis;
  const y = (place) => TOP + HEIGHT * (1 - place);
  const parallel = byId("parallel");
  parallel.setAttribute("viewBox", `0 0 ${width} ${height}`);
  parallel.style.width = `max(100%, ${Math.round(width * 0.76)}px)`;

  const points = (trial) => {
    const found = trial.p.map((place, axis) => [x(axis), y(place === null ? ABSENT : place)]);
    return trial.o === null ? found : [...found, [x(trial.p.length), y(trial.o)]];
  };
  const lines = make(parallel, "g", { fill: "none", "stroke-linejoin": "round" });
  const drawn = data.trials.map((trial) => ({ trial, at: points(trial), kept: true }));
  for (const one of [...drawn].reverse()) {
    one.line = make(lines, "polyline", { points: one.at.map((p) => p.map((v) => v.toFixed(1)).join()).join(" ") });
  }
  const emphasis = make(parallel, "polyline", { fill: "none", stroke: RED, "stroke-width": 3 });

  const brushes = names.map(() => null), clearing = [];
  let dots = [];
  names.forEach((name, axis) => {
    const group = make(parallel, "g", { class: "axis" });
    make(group, "line", { x1: x(axis), x2: x(axis), y1: y(0), y2: y(1) });
    const ticks = axis < data.axes.length ? data.axes[axis].ticks : data.value;
    const all = axis < data.axes.length && data.axes[axis].partial ? [...ticks, [ABSENT, "none"]] : ticks;
    for (const [place, text] of all) make(group, "text", { x: x(axis) - 7, y: y(place) + 4, class: "tick" }, text);
    const title = make(group, "text", { x: x(axis), y: TOP - 20, class: "name" }, short(name, 17));
    make(title, "title", {}, name);
    const span = make(group, "rect", { x: x(axis) - 9, width: 18, y: 0, height: 0, class: "span" });
    const grip = make(group, "rect", { x: x(axis) - 16, width: 32, y: y(1) - 12, height: HEIGHT + 24, class: "grip" });
    brushing(grip, span, axis);
  });

  function place(event) {
    const box = parallel.getBoundingClientRect();
    return [((event.clientX - box.left) * width) / box.width, ((event.clientY - box.top) * height) / box.height];
  }

  function brushing(grip, span, axis) {
    let from = null, consumed = false;
    const draw = (a, b) => {
      span.setAttribute("y", y(Math.max(a, b)));
      span.setAttribute("height", Math.abs(a - b) * HEIGHT);
    };
    const share = (event) => Math.min(Math.max(1 - (place(event)[1] - TOP) / HEIGHT, 0), 1);
    grip.addEventListener("pointerdown", (event) => {
      from = share(event);
      grip.setPointerCapture(event.pointerId);
    });
    grip.addEventListener("pointermove", (event) => {
      if (from !== null) draw(from, share(event));
    });
    grip.addEventListener("pointerup", (event) => {
      if (from === null) return;
      const to = share(event);
      const long = Math.abs(to - from) * HEIGHT > 5;
      consumed = long || brushes[axis] !== null;
      brushes[axis] = long ? [Math.min(from, to), Math.max(from, to)] : null;
      if (!long) draw(0, 0);
      from = null;
      refresh();
    });
    grip.addEventListener("click", (event) => { if (consumed) event.stopPropagation(); });
    grip.addEventListener("pointercancel", () => {
      from = null;
      draw(...(brushes[axis] ?? [0, 0]));
    });
    clearing.push(() => draw(0, 0));
  }
  const undo = byId("clear");
  undo.addEventListener("click", () => {
    brushes.fill(null);
    for (const wipe of clearing) wipe();
    refresh();
  });

  function passes(trial) {
    return brushes.every((brush, axis) => {
      const at = axis < trial.p.length ? trial.p[axis] : trial.o;
      return brush === null || (at !== null && at !== undefined && brush[0] <= at && at <= brush[1]);
    });
  }

  // What is pointed at, in words and in red.
  let pinned = null;
  const tell = (one) => {
    emphasis.setAttribute("points", one ? one.at.map((p) => p.join()).join(" ") : "");
    for (const dot of dots) dot.node.classList.toggle("told", dot.one === one);
    for (const box of document.querySelectorAll(".told-box")) {
      box.replaceChildren();
      if (!one) {
        box.textContent = "Point at a trial, or tap it, to see its configuration.";
        continue;
      }
      const head = box.appendChild(document.createElement("b"));
      const mark = one.trial.n === data.winner ? " (winner)" : "";
      const value = one.trial.o === null ? one.trial.v : `${data.objective} ${one.trial.v}`;
      head.textContent = `trial ${one.trial.n}${mark}: ${value}`;
      data.axes.forEach((axis, index) => {
        if (one.trial.t[index] === null) return;
        const chip = box.appendChild(document.createElement("span"));
        chip.textContent = `${axis.name} ${one.trial.t[index]}`;
      });
    }
  };
  const nearest = (event) => {
    const [px, py] = place(event);
    let best = null, least = 14;
    for (const one of drawn) {
      if (!one.kept) continue;
      const at = Math.floor((px - LEFT) / GAP);
      const a = one.at[at], b = one.at[at + 1];
      if (!a || !b) continue;
      const away = Math.abs(a[1] + ((b[1] - a[1]) * (px - a[0])) / GAP - py);
      if (away < least) [best, least] = [one, away];
    }
    return best;
  };
  parallel.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse" && event.buttons === 0 && !pinned) tell(nearest(event));
  });
  parallel.addEventListener("pointerleave", () => { if (!pinned) tell(null); });
  parallel.addEventListener("click", (event) => {
    const one = nearest(event);
    pinned = one && one !== pinned ? one : null;
    tell(pinned);
  });

  // Slices: one hyperparameter against the objective.
  const slice = byId("slice"), chosen = byId("parameter");
  data.axes.forEach((axis, index) => {
    const option = chosen.appendChild(document.createElement("option"));
    option.value = index;
    option.textContent = axis.name;
  });
  chosen.value = data.first;
  const [W, H, L, T] = [700, 300, 70, 14];
  slice.setAttribute("viewBox", `0 0 ${W} ${T + H + 52}`);
  const latest = Math.max(1, ...data.trials.map((trial) => trial.n));
  function drawSlice() {
    const index = Number(chosen.value || 0), axis = data.axes[index], across = W - L - 20;
    slice.replaceChildren();
    dots = [];
    const frame = make(slice, "g", { class: "axis" });
    const sy = (share) => T + H * (1 - share), sx = (share) => L + across * share;
    for (const [at, text] of data.value) {
      make(frame, "line", { x1: L, x2: L + across, y1: sy(at), y2: sy(at), class: "grid" });
      make(frame, "text", { x: L - 8, y: sy(at) + 4, class: "tick" }, text);
    }
    for (const [at, text] of axis.ticks) {
      make(frame, "line", { x1: sx(at), x2: sx(at), y1: T + H, y2: T + H + 5 });
      make(frame, "text", { x: sx(at), y: T + H + 19, class: "middle" }, short(text, 12));
    }
    make(frame, "text", { x: L + across / 2, y: T + H + 42, class: "name" }, axis.name);
    make(frame, "text", { x: 0, y: 0, class: "name", transform: `translate(14 ${T + H / 2}) rotate(-90)` }, data.objective);
    for (const one of [...drawn].reverse()) {
      if (one.trial.o === null || one.trial.p[index] === null) continue;
      const node = make(slice, "circle", {
        cx: sx(one.trial.p[index]), cy: sy(one.trial.o), r: 5, fill: shade(1 - one.trial.n / latest), class: "dot",
      });
      node.addEventListener("pointerenter", () => { if (!pinned) tell(one); });
      node.addEventListener("click", () => { pinned = pinned === one ? null : one; tell(pinned); });
      dots.push({ node, one });
    }
    refresh();
  }
  chosen.addEventListener("change", drawSlice);

  function refresh() {
    let kept = 0, best = null;
    for (const one of drawn) {
      one.kept = passes(one.trial);
      if (one.kept) {
        kept += 1;
        if (best === null && one.trial.o !== null) best = one;
      }
      const first = one.trial.n === data.winner;
      one.line.setAttribute("stroke", one.kept ? (first ? RED : colour(one.trial)) : PALE);
      one.line.setAttribute("stroke-width", first ? 2.6 : 1.2);
      one.line.setAttribute("opacity", one.kept ? (one.trial.o === null ? 0.45 : first ? 1 : 0.7) : 0.12);
    }
    for (const { node, one } of dots) node.setAttribute("opacity", one.kept ? 0.85 : 0.1);
    const filtered = brushes.some((brush) => brush !== null);
    undo.hidden = !filtered;
    const found = best ? `; the best of them is trial ${best.trial.n}, ${data.objective} ${best.trial.v}` : "";
    byId("kept").textContent = filtered
      ? `${kept} of ${drawn.length} trials pass${found}.`
      : "Drag along an axis to keep the trials in that span; tap the axis to let go.";
  }

  drawSlice();
  tell(null);
})();
