import { ask, askForToken, headers, problem, token, words } from "/ask.js";

const KEPT = "tk-serve jobs"; // of this browser: [{id, name}], the newest first
const MOST = 30;
const ENDED = ["done", "failed", "cancelled"];
const EVERY = 1000; // ms
const WORDS = { queued: "Waiting", running: "Being made", done: "Done", failed: "Failed", cancelled: "Cancelled" };
const NAMED = 6; // suffixes that are shown
const NAME = 60; // characters of a text that its result is called by
const OWN = ""; // the choice of a file of one's own instead of a template

const $ = (id) => document.getElementById(id);
const make = (tag, facts = {}, ...inside) => {
  const one = Object.assign(document.createElement(tag), facts);
  one.append(...inside);
  return one;
};

let service;
const shown = new Map(); // id -> element
const held = new Map(); // id -> promise of the address of a result that this page has fetched

const kept = () => {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) || [];
  } catch {
    return [];
  }
};
const keep = (jobs) => localStorage.setItem(KEPT, JSON.stringify(jobs.slice(0, MOST)));

async function start() {
  service = await (await ask("/service")).json();
  document.title = `${service.model} · tk-serve`;
  $("model").textContent = service.model;
  $("summary").textContent = service.summary;
  service.uploads.forEach((upload) => $("uploads").append(uploadField(upload)));
  service.options.forEach((option) => $("options").append(optionField(option)));
  $("more").hidden = service.options.length === 0;
  const { upload_bytes, upload_seconds, keep_hours } = service.limits;
  const most = `At most ${(upload_bytes / 1e6).toLocaleString()} MB and ${upload_seconds.toLocaleString()} s; r`;
  $("limits").textContent = `${service.uploads.some(isFile) ? most : "R"}esults are kept for ${keep_hours.toLocaleString()} h.`;
  $("service").hidden = false;
  kept().reverse().forEach(show);
  $("new").addEventListener("submit", send);
  look();
}

const isFile = (upload) => upload.holds !== "text";

function textField(upload) {
  const text = make("textarea", { id: `text-${upload.field}`, rows: 6 });
  text.setAttribute("aria-describedby", `hint-${upload.field}`);
  const most = `At most ${service.limits.characters.toLocaleString()} characters.`;
  const small = make("small", { id: `hint-${upload.field}`, textContent: most });
  return make("div", { className: "field" }, make("label", { htmlFor: text.id, textContent: upload.title }), text, small);
}

function uploadField(upload) {
  if (!isFile(upload)) return textField(upload);
  const file = make("input", { type: "file", id: `file-${upload.field}`, accept: accepted(upload) });
  file.setAttribute("aria-describedby", `hint-${upload.field}`);
  const field = make("div", { className: "field" });
  const hint = upload.holds === "sound" ? "A sound, or a video with sound" : "A video or a picture";
  const some = upload.accept.slice(0, NAMED).join(" ") + (upload.accept.length > NAMED ? " …" : "");
  const small = make("small", { id: `hint-${upload.field}`, textContent: `${hint}: ${some}` });
  if (!upload.template) {
    field.append(make("label", { htmlFor: file.id, textContent: upload.title }), file, small);
    return field;
  }
  const choice = make("select", { id: "template" });
  for (const name of service.templates) choice.append(make("option", { value: name, textContent: name }));
  choice.append(make("option", { value: OWN, textContent: "A file of mine…" }));
  const toggle = () => {
    file.hidden = small.hidden = choice.value !== OWN;
  };
  choice.addEventListener("change", toggle);
  file.setAttribute("aria-label", `File: ${upload.title}`);
  field.append(make("label", { htmlFor: choice.id, textContent: upload.title }), choice, file, small);
  toggle();
  return field;
}

// A wildcard beside the suffixes: phones then offer their camera roll and their recorder.
const accepted = (upload) => [...upload.accept, ...(upload.holds === "sound" ? ["audio/*", "video/*"] : ["video/*", "image/*"])].join(",");

function optionField(option) {
  const id = `option-${option.name}`;
  const label = option.name.replaceAll("_", " ");
  const field = make("div", { className: "field" });
  if (option.kind === "flag") {
    const box = make("input", { type: "checkbox", id, checked: option.default, defaultChecked: option.default });
    field.append(make("label", { className: "tick", htmlFor: id }, box, label));
  } else if (option.kind === "choice") {
    const choice = make("select", { id });
    for (const one of option.choices) choice.append(make("option", { value: one, textContent: one, defaultSelected: one === option.default }));
    field.append(make("label", { htmlFor: id, textContent: label }), choice);
  } else {
    const input = make("input", { type: option.kind === "text" ? "text" : "number", id, value: option.default ?? "", defaultValue: option.default ?? "" });
    input.step = option.kind === "integer" ? 1 : "any";
    for (const edge of ["min", "max"]) if (option[edge] != null) input[edge] = option[edge];
    field.append(make("label", { htmlFor: id, textContent: label }), input);
  }
  if (option.help) field.append(make("small", { textContent: option.help }));
  return field;
}

// The form to send and a name for people; null, with the reason said, when something is missing.
function filled() {
  const form = new FormData();
  const names = [];
  for (const upload of service.uploads) {
    if (!isFile(upload)) {
      const box = $(`text-${upload.field}`);
      const text = box.value.trim();
      box.setAttribute("aria-invalid", String(!text));
      if (!text) {
        say(`Nothing is written yet: ${upload.title.toLowerCase()}.`, true);
        box.focus();
        return null;
      }
      form.append(upload.field, box.value);
      names.push([...text.slice(0, 2 * NAME)].slice(0, NAME).join("") + (text.length > NAME ? " …" : ""));
      continue;
    }
    const input = $(`file-${upload.field}`);
    const template = upload.template ? $("template").value : OWN;
    if (template !== OWN) {
      form.append("template", template);
      names.push(template);
      continue;
    }
    const [file] = input.files;
    input.setAttribute("aria-invalid", String(!file));
    if (!file) {
      say(`Choose a file: ${upload.title.toLowerCase()}.`, true);
      input.focus();
      return null;
    }
    form.append(upload.field, file);
    names.push(file.name);
  }
  for (const option of service.options) {
    const input = $(`option-${option.name}`);
    const value = option.kind === "flag" ? String(input.checked) : input.value;
    if (value !== "" && value !== String(option.default)) form.append(option.name, value);
  }
  return { form, name: names.join(" · ") };
}

function say(text, bad = false) {
  $("said").textContent = text;
  $("said").className = bad ? "bad" : "";
}

function send(event) {
  event.preventDefault();
  const what = filled();
  if (what === null) return;
  const request = new XMLHttpRequest(); // fetch does not say how much is sent
  const stop = () => request.abort();
  const end = (text, bad) => {
    $("send").disabled = false;
    $("stop").hidden = $("sending").hidden = true;
    $("stop").removeEventListener("click", stop);
    say(text, bad);
  };
  request.open("POST", "/jobs");
  for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
  request.upload.addEventListener("progress", (sent) => {
    $("sending").value = sent.total ? sent.loaded / sent.total : 0;
  });
  request.addEventListener("load", async () => {
    if (request.status === 202) {
      const job = { id: JSON.parse(request.responseText).id, name: what.name };
      keep([job, ...kept()]);
      show(job);
      end("Sent.");
      look();
    } else if (request.status === 401) {
      end("");
      await askForToken();
      say("Now send it again.");
    } else {
      end(words(request.responseText) || `The service answered ${request.status}.`, true);
    }
  });
  request.addEventListener("error", () => end("It could not be sent; is the service there?", true));
  request.addEventListener("abort", () => end("Nothing was sent."));
  $("send").disabled = true;
  $("stop").hidden = $("sending").hidden = false;
  $("stop").addEventListener("click", stop);
  say("Sending …");
  request.send(what.form);
}

function show(job) {
  const one = $("job").content.firstElementChild.cloneNode(true);
  one.dataset.id = job.id;
  one.querySelector(".name").textContent = job.name;
  one.querySelector(".cancel").addEventListener("click", () => cancel(one));
  one.querySelector(".remove").addEventListener("click", () => remove(one));
  shown.set(job.id, one);
  $("jobs").prepend(one);
  $("none").hidden = true;
}

async function cancel(one) {
  one.querySelector(".cancel").disabled = true;
  const answer = await ask(`/jobs/${one.dataset.id}`, { method: "DELETE" });
  if (answer.status !== 200) return forget(one).focus(); // it had ended already, and is removed
  update(one, await answer.json());
  one.querySelector(".name").focus();
}

async function remove(one) {
  await ask(`/jobs/${one.dataset.id}`, { method: "DELETE" });
  forget(one).focus();
}

// What stands in its place, for the focus of one who had it removed.
function forget(one) {
  const next = one.nextElementSibling || one.previousElementSibling;
  const { id } = one.dataset;
  keep(kept().filter((job) => job.id !== id));
  shown.delete(id);
  held.get(id)?.then(URL.revokeObjectURL, () => {});
  held.delete(id);
  one.remove();
  $("none").hidden = shown.size > 0;
  return next ? next.querySelector(".name") : $("send");
}

function update(one, job) {
  if (one.dataset.state === job.state && ENDED.includes(job.state)) return;
  const ended = ENDED.includes(job.state);
  one.dataset.state = job.state;
  one.className = `card job ${job.state}`;
  const percent = job.state === "running" && job.progress > 0 ? `, ${Math.round(100 * job.progress)} %` : "";
  const waiting = job.state === "queued" && job.ahead > 0 ? `, ${job.ahead} before it` : "";
  const text = WORDS[job.state] + percent + waiting;
  const said = one.querySelector(".words");
  if (said.textContent !== text) said.textContent = text;
  one.querySelector(".when").textContent = new Date(job.created).toLocaleTimeString();
  const bar = one.querySelector("progress");
  bar.hidden = job.state !== "running";
  if (job.state === "running" && job.progress === 0) bar.removeAttribute("value");
  else bar.value = job.progress;
  const error = one.querySelector(".error");
  const words = [job.error, job.facts.warning].filter(Boolean).join(" ");
  error.textContent = words;
  error.hidden = words === "";
  one.querySelector(".cancel").hidden = ended;
  one.querySelector(".remove").hidden = !ended;
  if (job.state === "done") result(one, job);
}

const kind = () => (service.result.startsWith("audio") ? "audio" : "video");

function result(one, job) {
  const link = one.querySelector(".download");
  link.href = job.result;
  link.download = `${service.model}-${job.id.slice(0, 8)}.${kind() === "audio" ? "wav" : "mp4"}`;
  link.hidden = false;
  if (!token()) {
    player(one, job.result);
    return;
  }
  // Players and links cannot show a token: the result is fetched when somebody wants it.
  const play = one.querySelector(".play");
  play.hidden = false;
  play.addEventListener("click", async () => {
    const address = await fetched(one, job);
    if (address === null) return;
    play.hidden = true;
    const made = player(one, address);
    made.focus();
    made.play().catch(() => {}); // there are its own buttons
  });
  link.addEventListener("click", async (event) => {
    if (link.href.startsWith("blob:")) return;
    event.preventDefault();
    const address = await fetched(one, job);
    if (address === null) return;
    link.href = address;
    link.click();
  });
}

function player(one, address) {
  const made = make(kind(), { controls: true, preload: "metadata", src: address, playsInline: true });
  made.setAttribute("aria-label", `Result: ${one.querySelector(".name").textContent}`);
  one.querySelector(".player").replaceChildren(made);
  return made;
}

// The address of a result in this page's memory; null, with the reason said, when it cannot be had.
async function fetched(one, job) {
  if (!held.has(job.id)) held.set(job.id, load(job));
  try {
    return await held.get(job.id);
  } catch (error) {
    held.delete(job.id);
    one.querySelector(".error").textContent = error.message;
    one.querySelector(".error").hidden = false;
    return null;
  }
}

async function load(job) {
  const answer = await ask(job.result).catch(() => {
    throw new Error("The service does not answer; try again.");
  });
  if (!answer.ok) throw new Error(await problem(answer));
  return URL.createObjectURL(await answer.blob());
}

let timer = null;

async function look() {
  clearTimeout(timer);
  const open = [...shown.values()].filter((one) => !ENDED.includes(one.dataset.state));
  for (const one of open) {
    try {
      const answer = await ask(`/jobs/${one.dataset.id}`);
      if (answer.status === 404) forget(one);
      else if (answer.ok) update(one, await answer.json());
    } catch {
      one.querySelector(".words").textContent = "The service does not answer; trying again";
    }
  }
  if ([...shown.values()].some((one) => !ENDED.includes(one.dataset.state))) timer = setTimeout(look, EVERY);
}

start().catch(() => {
  $("summary").textContent = "The service does not answer; load this page again.";
});
