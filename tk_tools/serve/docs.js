// The routes of the service, drawn from its own openapi.json: nothing is loaded from anywhere else.
import { ask } from "/ask.js";

const make = (tag, text, ...inside) => {
  const one = document.createElement(tag);
  one.append(...(text === null ? [] : [text]), ...inside);
  return one;
};

function list(title, rows) {
  if (rows.length === 0) return [];
  const facts = make("dl", null);
  for (const [name, text] of rows) facts.append(make("dt", null, make("code", name)), make("dd", text));
  return [make("h3", title), facts];
}

function route(path, method, facts) {
  const heading = make("h2", null, make("code", null, make("span", method.toUpperCase()), " ", path));
  heading.querySelector("span").className = "method";
  const form = facts.requestBody?.content["multipart/form-data"].schema;
  const needed = form?.required ?? [];
  const fields = Object.entries(form?.properties ?? {}).map(([name, one]) => [
    name,
    (one.description || "") + (needed.includes(name) ? " (needed)" : ""),
  ]);
  const parameters = (facts.parameters ?? []).map((one) => [one.name, one.description || `in the ${one.in}`]);
  const answers = Object.entries(facts.responses).map(([code, one]) => [code, one.description]);
  const section = make(
    "section",
    null,
    heading,
    make("p", facts.description || ""),
    ...list("Fields of the form", fields),
    ...list("Parameters", parameters),
    ...list("Answers", answers),
  );
  section.className = "card route";
  return section;
}

const told = await (await ask("/openapi.json")).json();
document.getElementById("title").textContent = told.info.title;
document.getElementById("summary").textContent = told.info.description;
const routes = Object.entries(told.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, facts]) => route(path, method, facts)),
);
document.getElementById("routes").append(...routes);
