// The clips of the report: the list of the worst, the table that draws only the rows in sight, and the details.
// Names come from files and are never taken as markup: they are set as text, and addresses as properties.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const comparing = data.mode === "compare";
  const columns = data.columns;
  const measures = columns.slice(0, data.measures);
  const $ = (id) => document.getElementById(id);
  const ROW = 40; // pixels, as in the style
  const SPARE = 12; // rows drawn above and below what is in sight
  const WORST = 10;

  function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  function svg(tag, attributes = {}, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  function number(value, digits, sign = false) {
    if (value === null || value === undefined) return "–";
    const text = Math.abs(value).toFixed(digits);
    const negative = value < 0 && Number(text) !== 0;
    return (negative ? "−" : sign && Number(text) !== 0 ? "+" : "") + text;
  }

  const system = (index) => make("span", { className: `system of-${index % 6}`, textContent: data.systems[index] });

  // How bad a value is: greater is worse. Of a measure without a direction, the lowest comes first.
  function badness(value, column) {
    if (column.better === "less") return value;
    return typeof column.better === "number" ? Math.abs(value - column.better) : -value;
  }

  const state = { measure: Math.max(0, measures.findIndex((one) => one.key === data.by)), other: 1, sort: null, shown: [], current: 0 };

  const valueOf = (clip, column, index) => clip.in[index]?.values[column] ?? null;

  // The other's value less the first's; of a measure that is best at a number, how much further from it the other is.
  function difference(clip, column, other) {
    const first = valueOf(clip, column, 0), second = valueOf(clip, column, other), best = columns[column].better;
    if (first === null || second === null) return null;
    return typeof best === "number" ? Math.abs(second - best) - Math.abs(first - best) : second - first;
  }

  function differenceTitle(column, other) {
    const against = data.systems.length > 2 ? `${data.systems[other]} − ${data.systems[0]}` : "Difference";
    if (typeof column.better !== "number") return against;
    return data.systems.length > 2 ? `${against}, from ${column.better}` : `Further from ${column.better}`;
  }

  // Greater is worse: of one system how bad it is, of two how much the other loses to the first.
  function worseness(clip, column, other) {
    const values = comparing ? [valueOf(clip, column, 0), valueOf(clip, column, other)] : [valueOf(clip, column, 0)];
    if (values.includes(null)) return null;
    const [first, second] = values.map((value) => badness(value, columns[column]));
    return comparing ? second - first : first;
  }

  // ---- the table's columns: {title, of(clip), digits, sign}; without of: the clip's name

  function tableColumns() {
    const named = [{ title: "Clip", key: "name", of: (clip) => clip.name, text: true }];
    if (!comparing) {
      for (const [index, column] of columns.entries()) {
        named.push({ title: column.title, key: column.key, of: (clip) => valueOf(clip, index, 0), digits: column.digits, column, index });
      }
    } else {
      const column = columns[state.measure];
      for (const [index, name] of data.systems.entries()) {
        named.push({ title: name, key: `in ${index}`, of: (clip) => (column ? valueOf(clip, state.measure, index) : null), digits: column?.digits, column });
      }
      for (let other = 1; column && other < data.systems.length; other += 1) {
        named.push({
          title: differenceTitle(column, other),
          key: `less ${other}`, of: (clip) => difference(clip, state.measure, other), digits: column.digits, sign: true, column, other,
        });
      }
    }
    if (data.clips.some((clip) => clip.in.some((entry) => entry?.errors))) {
      named.push({ title: "Error", key: "error", of: (clip) => clip.in.flatMap((entry) => entry?.errors ?? []).join("; ") || null, text: true });
    }
    return named;
  }

  let shownColumns = tableColumns();

  // What a click sorts by at first: worst on top, names from A.
  function sortValue(column, clip) {
    if (column.text) return column.of(clip);
    if (column.other !== undefined) return worseness(clip, state.measure, column.other);
    const value = column.of(clip);
    return value === null ? null : badness(value, column.column);
  }

  const collator = new Intl.Collator("en", { numeric: true });

  function sorted(clips, column, reversed) {
    const keys = new Map(clips.map((clip) => [clip, sortValue(column, clip)]));
    const turn = reversed ? -1 : 1;
    return [...clips].sort((a, b) => {
      const first = keys.get(a), second = keys.get(b);
      if (first === null || second === null) return (first === null) - (second === null);
      return turn * (column.text ? collator.compare(first, second) : second - first);
    });
  }

  // ---- filter: words of names and reasons, and conditions such as ssim<0.9

  const CONDITION = /^([\w]+)(<=|>=|<|>|=)(-?\d*\.?\d+)$/;
  const HOLDS = { "<": (a, b) => a < b, ">": (a, b) => a > b, "<=": (a, b) => a <= b, ">=": (a, b) => a >= b, "=": (a, b) => a === b };
  const words = new Map(data.clips.map((clip) => [clip, clip.in.flatMap((entry) => [
    clip.name, ...(entry?.errors ?? []), entry ? data.files[entry.file].name : "",
  ]).join("\n").toLowerCase()]));

  function matches(text) {
    const tests = text.toLowerCase().replace(/\s*(<=|>=|<|>|=)\s*/g, "$1").split(/\s+/).filter(Boolean).map((part) => {
      const condition = CONDITION.exec(part);
      const column = condition ? columns.findIndex((one) => one.key.toLowerCase() === condition[1]) : -1;
      if (column < 0) return (clip) => words.get(clip).includes(part);
      const holds = HOLDS[condition[2]], limit = Number(condition[3]);
      return (clip) => clip.in.some((entry) => entry && entry.values[column] !== null && holds(entry.values[column], limit));
    });
    return (clip) => tests.every((test) => test(clip));
  }

  // ---- the table

  const frame = $("table-frame"), head = $("table").tHead.rows[0], body = $("table").tBodies[0];

  function drawHead() {
    head.replaceChildren(...shownColumns.map((column) => {
      const sorting = state.sort.key === column.key;
      const arrow = make("span", { className: "arrow", "aria-hidden": "true", textContent: sorting ? direction(column) : "" });
      const button = make("button", { type: "button", title: column.column?.meaning ?? "" }, ...(column.text ? [column.title, arrow] : [arrow, column.title]));
      button.addEventListener("click", () => {
        state.sort = { key: column.key, reversed: sorting && !state.sort.reversed };
        if (!comparing && column.index < measures.length) chooseMeasure(column.index);
        arrange();
        head.cells[shownColumns.indexOf(column)].firstChild.focus();
      });
      const cell = make("th", { scope: "col", className: column.text ? "" : "n" }, button);
      if (sorting) cell.setAttribute("aria-sort", direction(column) === "▲" ? "ascending" : "descending");
      return cell;
    }));
  }

  function direction(column) {
    const better = column.column?.better;
    const upFirst = column.text || (better !== "less" && typeof better !== "number");
    return upFirst !== state.sort.reversed ? "▲" : "▼";
  }

  function arrange() {
    const column = shownColumns.find((one) => one.key === state.sort.key) ?? shownColumns[0];
    const text = $("filter").value.trim();
    state.shown = sorted(text ? data.clips.filter(matches(text)) : data.clips, column, state.sort.reversed);
    state.current = 0;
    frame.scrollTop = 0;
    $("table").setAttribute("aria-rowcount", state.shown.length + 1);
    $("shown").textContent = state.shown.length === data.clips.length ? `${data.clips.length} shown` : `${state.shown.length} of ${data.clips.length} shown`;
    drawHead();
    drawRows(true);
  }

  let drawn = [-1, -1];

  function drawRows(again = false) {
    const top = Math.max(0, frame.scrollTop), height = frame.clientHeight || 600;
    const from = Math.max(0, Math.floor(top / ROW) - SPARE);
    const to = Math.min(state.shown.length, Math.ceil((top + height) / ROW) + SPARE);
    if (!again && from === drawn[0] && to === drawn[1]) return;
    const focused = body.contains(document.activeElement);
    drawn = [from, to];
    const rows = [];
    for (let index = from; index < to; index += 1) rows.push(drawRow(index));
    body.replaceChildren(space(from), ...rows, space(state.shown.length - to));
    if (state.shown.length === 0) body.replaceChildren(make("tr", { className: "space" }, make("td", { colSpan: shownColumns.length }, make("p", { className: "empty", style: "padding: 8px 14px; margin: 0" }, "No clip matches the filter."))));
    if (focused) rowAt(state.current)?.focus({ preventScroll: true });
  }

  function space(rows) {
    const cell = make("td", { colSpan: shownColumns.length });
    cell.style.height = `${rows * ROW}px`;
    return make("tr", { className: "space", "aria-hidden": "true" }, cell);
  }

  function drawRow(index) {
    const clip = state.shown[index];
    const row = make("tr", { tabIndex: index === state.current ? 0 : -1, "aria-rowindex": index + 2 });
    row.dataset.index = index;
    for (const [place, column] of shownColumns.entries()) {
      const value = column.of(clip);
      if (place === 0) row.append(make("th", { scope: "row", title: clip.name, textContent: clip.name }));
      else if (column.text) row.append(make("td", { className: "bad", textContent: value ?? "" }));
      else row.append(make("td", { className: "n", textContent: number(value, column.digits, column.sign) }));
    }
    return row;
  }

  const rowAt = (index) => body.querySelector(`tr[data-index="${index}"]`);

  function goTo(index, focus = true) {
    if (state.shown.length === 0) return;
    state.current = Math.min(state.shown.length - 1, Math.max(0, index));
    const top = state.current * ROW, header = head.offsetHeight;
    if (top < frame.scrollTop) frame.scrollTop = top;
    else if (top + ROW + header > frame.scrollTop + frame.clientHeight) frame.scrollTop = top + ROW + header - frame.clientHeight;
    drawRows(true);
    if (focus) rowAt(state.current)?.focus({ preventScroll: true });
  }

  frame.addEventListener("scroll", () => drawRows(), { passive: true });
  window.addEventListener("resize", () => drawRows());
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-index]");
    if (row) { state.current = Number(row.dataset.index); open(state.shown, state.current); }
  });
  body.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(frame.clientHeight / ROW) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) goTo(state.current + steps[event.key]);
    else if (event.key === "Enter" || event.key === " ") open(state.shown, state.current);
    else return;
    event.preventDefault();
  });
  $("filter").addEventListener("input", arrange);
  $("filter").addEventListener("keydown", (event) => {
    if (event.key === "Escape" && $("filter").value) { $("filter").value = ""; arrange(); event.preventDefault(); }
    else if (event.key === "Enter" || event.key === "ArrowDown") { goTo(0); event.preventDefault(); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName)) return;
    const step = { j: 1, k: -1 }[event.key];
    if (event.key === "/" && !$("detail").open) { $("filter").focus(); $("filter").select(); }
    else if (step && $("detail").open) turn(step);
    else if (step) goTo(body.contains(document.activeElement) ? state.current + step : state.current);
    else return;
    event.preventDefault();
  });

  // ---- the worst

  function chooseMeasure(index) {
    state.measure = index;
    if ($("measure")) $("measure").value = index;
    drawWorst();
  }

  function drawWorst() {
    if (!$("worst-list")) return;
    const keys = new Map(data.clips.map((clip) => [clip, worseness(clip, state.measure, state.other)]));
    const worst = data.clips.filter((clip) => keys.get(clip) !== null).sort((a, b) => keys.get(b) - keys.get(a)).slice(0, WORST);
    const column = columns[state.measure];
    $("worst-list").replaceChildren(...worst.map((clip, index) => {
      const entry = clip.in[comparing ? state.other : 0];
      const value = comparing ? number(difference(clip, state.measure, state.other), column.digits, true) : number(valueOf(clip, state.measure, 0), column.digits);
      const button = make("button", { type: "button" }, make("span", { className: "picture" }, thumbnail(data.files[entry.file])),
        make("span", { className: "words" },
          make("span", { className: "name", title: clip.name }, make("span", { className: "rank", textContent: `${index + 1}` }), clip.name.split("/").pop()),
          make("span", { className: "value", textContent: value })));
      button.addEventListener("click", () => open(worst, index));
      return make("li", {}, button);
    }));
    if (worst.length === 0) $("worst-list").replaceChildren(make("li", { className: "empty", textContent: "No clip has this measure." }));
  }

  function thumbnail(file) {
    if (file.sheet ?? file.mel) return make("img", { src: file.sheet ?? file.mel, alt: "" });
    if (file.kind === "video" && file.source) return make("video", { src: file.source.startsWith("data:") ? file.source : `${file.source}#t=0.5`, preload: "metadata", muted: true, tabIndex: -1, "aria-hidden": "true" });
    return make("span", { textContent: file.source ? (file.kind === "audio" ? "sound" : "no picture") : "file not found" });
  }

  if ($("measure")) {
    $("measure").append(...measures.map((column, index) => make("option", { value: index, textContent: column.title })));
    $("measure").addEventListener("change", () => { chooseMeasure(Number($("measure").value)); sortByMeasure(); });
  }
  if ($("other")) {
    $("other").append(...data.systems.slice(1).map((name, index) => make("option", { value: index + 1, textContent: name })));
    $("other").addEventListener("change", () => { state.other = Number($("other").value); drawWorst(); sortByMeasure(); });
  }

  function sortByMeasure() {
    shownColumns = tableColumns();
    state.sort = { key: comparing ? `less ${state.other}` : columns[state.measure]?.key ?? "name", reversed: false };
    arrange();
  }

  // ---- one clip

  const dialog = $("detail");
  let list = [], place = 0;

  function open(clips, index) {
    list = clips;
    place = index;
    drawDetail();
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    $("close").focus();
  }

  function turn(step) {
    if (place + step < 0 || place + step >= list.length) return;
    place += step;
    drawDetail();
    dialog.scrollTop = 0;
  }

  // A clip's files: [title, colour class, file] of each system, and the reference once where all have the same.
  function sides(clip) {
    const entries = clip.in.map((entry, index) => [entry, index]).filter(([entry]) => entry);
    const found = entries.map(([entry, index]) => ({ title: comparing ? data.systems[index] : "Measured", style: `of-${index % 6}`, file: data.files[entry.file], index }));
    for (const [entry] of entries) {
      const file = data.files[entry.reference];
      if (file && !found.some((side) => side.file === file)) found.push({ title: "Reference", style: "reference", file });
    }
    return found;
  }

  const caption = (side) => make("figcaption", {}, side.index !== undefined && comparing ? system(side.index) : make("strong", { textContent: side.title }), make("span", { textContent: side.file.name }));

  function player(side) {
    const file = side.file;
    if (!file.source) return make("figure", {}, caption(side), make("p", { className: "problem", textContent: "The file was not there when the report was made." }));
    if (file.kind === "file") return make("figure", {}, caption(side), make("a", { href: file.source, textContent: "Open the file" }));
    const media = make(file.kind, { src: file.source, controls: true, preload: "metadata", "aria-label": `${side.title}: ${file.name}` });
    if (file.kind === "video") media.playsInline = true;
    const figure = make("figure", {}, caption(side), media);
    media.addEventListener("error", () => {
      media.replaceWith(make("p", {}, "It cannot be played here: it was moved since, or this browser does not know its format. ", make("a", { href: file.source, textContent: "Open the file" })));
    });
    return figure;
  }

  function drawDetail() {
    const clip = list[place], found = sides(clip);
    $("detail-title").textContent = clip.name;
    $("position").textContent = `${place + 1} of ${list.length}`;
    $("previous").disabled = place === 0;
    $("next").disabled = place === list.length - 1;
    const parts = [];
    for (const [index, entry] of clip.in.entries()) {
      for (const error of entry?.errors ?? []) parts.push(make("p", { className: "problem", textContent: comparing ? `${data.systems[index]}: ${error}` : error }));
    }
    const players = make("div", { className: "sides" }, ...found.map(player));
    parts.push(players);
    if (players.querySelectorAll("video, audio").length > 1) parts.push(together(players));
    parts.push(...valueTable(clip));
    for (const [key, title, description] of [["sheet", "Pictures", "Contact sheet"], ["mel", "Sound", "Mel spectrogram"]]) {
      const drawn = found.filter((side) => side.file[key]);
      if (drawn.length === 0) continue;
      const figures = drawn.map((side) => make("figure", {}, caption(side), make("img", { src: side.file[key], className: key, alt: `${description} of ${side.file.name}` })));
      parts.push(make("h3", { textContent: title }), make("div", { className: "sides" }, ...figures));
    }
    const curves = found.filter((side) => side.file.curve);
    if (curves.length) parts.push(make("h3", { textContent: "Sync: distance of mouth and sound at each offset" }), curveLegend(curves), drawCurves(curves));
    parts.push(...facts(clip));
    $("detail-body").replaceChildren(...parts);
  }

  function together(players) {
    const media = () => [...players.querySelectorAll("video, audio")];
    const button = make("button", { type: "button", className: "together", textContent: "Play together" });
    button.addEventListener("click", () => {
      const playing = media().some((one) => !one.paused);
      for (const [index, one] of media().entries()) {
        if (playing) { one.pause(); continue; }
        one.currentTime = 0;
        one.muted = index > 0; // one sound at a time
        one.play().catch(() => {});
      }
      button.textContent = playing ? "Play together" : "Stop";
    });
    return button;
  }

  function valueTable(clip) {
    const present = columns.map((column, index) => [column, index]).filter(([, index]) => clip.in.some((entry) => entry && entry.values[index] !== null));
    if (present.length === 0) return [];
    const body = make("tbody");
    for (const [column, index] of present) {
      const row = make("tr", {}, make("th", { scope: "row", textContent: column.title, title: column.meaning }));
      for (const at of data.systems.keys()) row.append(make("td", { className: "n", textContent: number(valueOf(clip, index, at), column.digits) }));
      const apart = typeof column.better === "number" ? "" : number(comparing ? difference(clip, index, 1) : null, column.digits, true);
      if (comparing && data.systems.length === 2) row.append(make("td", { className: "n", textContent: apart }));
      if (!comparing) row.append(make("td", { className: "faint n", textContent: index < measures.length ? rank(clip, index) : "" }));
      body.append(row);
    }
    const table = make("table", {}, make("caption", { className: "hidden", textContent: "Values of this clip" }));
    const title = (...words) => make("th", { scope: "col", className: "n" }, ...words);
    const titles = comparing ? [...data.systems.keys()].map((index) => title(system(index))) : [title("Value"), title("Rank, 1 is worst")];
    if (comparing && data.systems.length === 2) titles.push(title("Difference"));
    table.append(make("thead", {}, make("tr", {}, make("th", { scope: "col", textContent: "Measure" }), ...titles)));
    table.append(body);
    return [make("h3", { textContent: "Values" }), make("div", { className: "values" }, table)];
  }

  function rank(clip, column) {
    const own = worseness(clip, column, 0);
    if (own === null || columns[column].better === null) return "";
    const all = data.clips.map((one) => worseness(one, column, 0)).filter((value) => value !== null);
    const worse = all.filter((value) => value > own).length;
    return `${worse + 1} of ${all.length}`;
  }

  function facts(clip) {
    const seen = [...new Set(clip.in.flatMap((entry) => entry?.facts ?? []))];
    if (seen.length === 0) return [];
    return [make("h3", { textContent: "Measured by" }), ...seen.map((index) => make("dl", { className: "facts" }, ...data.facts[index].map(([key, value]) => make("div", {}, make("dt", { textContent: key }), make("dd", { textContent: value })))))];
  }

  function drawCurves(curves) {
    const width = 620, height = 230, left = 46, right = 14, top = 16, bottom = 40;
    const every = curves.flatMap((side) => side.file.curve.values).filter((value) => value !== null);
    const low = Math.min(...every), high = Math.max(...every, low + 1e-9);
    const first = Math.min(...curves.map((side) => side.file.curve.from));
    const last = Math.max(...curves.map((side) => side.file.curve.from + side.file.curve.values.length - 1));
    const x = (offset) => left + ((offset - first) / Math.max(1, last - first)) * (width - left - right);
    const y = (value) => height - bottom - ((value - low) / (high - low)) * (height - top - bottom);
    const picture = svg("svg", { class: "curve", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Sync curves: " + curves.map((side) => `${side.title} is least at ${least(side.file.curve)} frames`).join(", ") });
    for (const value of [low, (low + high) / 2, high]) {
      picture.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }), svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, value.toPrecision(3)));
    }
    const step = Math.max(1, Math.ceil((last - first) / 6 / 5) * 5);
    for (let offset = Math.ceil(first / step) * step; offset <= last; offset += step) {
      picture.append(svg("text", { x: x(offset), y: height - bottom + 18, "text-anchor": "middle" }, number(offset, 0, true)));
    }
    picture.append(svg("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, "offset (frames; positive: the sound lies earlier)"));
    for (const side of curves) {
      const { from, values } = side.file.curve;
      let path = "", pen = false;
      for (const [index, value] of values.entries()) {
        path += value === null ? "" : `${pen ? "L" : "M"}${x(from + index).toFixed(1)} ${y(value).toFixed(1)}`;
        pen = value !== null;
      }
      const best = least(side.file.curve);
      picture.append(svg("g", { class: side.style }, svg("path", { d: path }), svg("circle", { cx: x(best), cy: y(values[best - from]), r: 4.5 })));
    }
    return picture;
  }

  function curveLegend(curves) {
    const dashed = (side) => (side.style === "reference" ? ", dashed" : "");
    return make("p", { className: "faint legend-of-curves" }, ...curves.map((side) => make("span", { className: side.style === "reference" ? "" : `system ${side.style}`, textContent: `${side.title}${dashed(side)}: least at ${number(least(side.file.curve), 0, true)}` })));
  }

  function least(curve) {
    const known = curve.values.map((value, index) => [value ?? Infinity, index]);
    return curve.from + known.reduce((a, b) => (b[0] < a[0] ? b : a))[1];
  }

  $("close").addEventListener("click", () => dialog.close());
  $("previous").addEventListener("click", () => turn(-1));
  $("next").addEventListener("click", () => turn(1));
  dialog.addEventListener("click", (event) => { if (event.target === dialog && event.clientX < dialog.getBoundingClientRect().left) dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    if (event.target.tagName === "VIDEO" || event.target.tagName === "AUDIO") return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) { turn(step); event.preventDefault(); }
  });
  dialog.addEventListener("close", () => {
    $("detail-body").replaceChildren(); // what plays stops
    if (list === state.shown) goTo(place);
  });

  chooseMeasure(state.measure);
  sortByMeasure();
})();
