// Making elements. Values only ever become text nodes and attributes of a fixed set: never markup.

const ATTRIBUTES = new Set([
  "id", "class", "href", "type", "name", "value", "for", "role", "scope", "tabindex", "lang", "dir", "open", "hidden",
  "disabled", "selected", "checked", "autocomplete", "spellcheck", "placeholder", "title", "datetime", "colspan", "start",
]);

// element("a", { class: "quiet", href: "#/x", onclick: f }, "text", child, ...)
function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) {
      made.addEventListener(name.slice(2), value);
    } else if (ATTRIBUTES.has(name) || name.startsWith("aria-") || name.startsWith("data-")) {
      if (name === "href" && !String(value).startsWith("#")) throw new Error("links stay inside the page");
      made.setAttribute(name, value === true ? "" : String(value));
    } else {
      throw new Error(`no attribute ${name}`);
    }
  }
  append(made, children);
  return made;
}

function append(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    parent.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

function replaceChildren(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

// Characters that are not seen or that turn the direction of what follows: control characters, zero-width ones,
// line separators, bidirectional controls, tags, noncharacters at the end of the plane.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff0-\uffff]|\udb40[\udc00-\udfff]/g;

function spelledOut(characters) {
  return Array.from(characters, (one) => `\\u{${one.codePointAt(0).toString(16)}}`).join("");
}

// A value as text: what cannot be seen is spelled out, and its direction ends where it ends.
function value(text, name) {
  const shown = String(text).replace(UNSEEN, spelledOut);
  return element("bdi", { class: name ? `value ${name}` : "value" }, shown);
}

// The same for places that take only text (options, titles): no markup there can isolate its direction.
function plain(text) {
  return String(text).replace(UNSEEN, spelledOut);
}

// A long value, cut, with a button for the rest.
function longValue(text, most, name) {
  if (text.length <= most) return value(text, name);
  const place = element("span", {}, value(`${text.slice(0, most)}…`, name), " ");
  place.append(button(`Show all ${text.length.toLocaleString("en")} characters`, () => {
    replaceChildren(place, value(text, name));
  }));
  return place;
}

function button(text, onclick, attributes) {
  return element("button", { type: "button", class: "plain", onclick, ...attributes }, text);
}

// A list of names and what they stand for; entries without a value are left out.
function facts(entries, name) {
  const rows = entries.filter(([, shown]) => shown !== undefined && shown !== null && shown !== false && shown !== "");
  return element("dl", { class: name ? `facts ${name}` : "facts" },
    rows.map(([title, shown]) => element("div", {}, element("dt", {}, title), element("dd", {}, shown))));
}

function unseen(text) {
  return element("span", { class: "unseen" }, text);
}

// Tells people who do not see the page what happened.
function announce(text) {
  const place = document.getElementById("announce");
  place.textContent = "";
  // A text that is set twice in a row is not read twice, unless it was gone in between.
  setTimeout(() => { place.textContent = text; }, 50);
}
