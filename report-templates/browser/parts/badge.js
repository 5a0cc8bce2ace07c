// Statuses: a shape, a word and a colour, in this order of weight.

const SHAPES = {
  check: "M3.5 8.5l3 3 6-7",
  cross: "M4 4l8 8M12 4l-8 8",
  question: "M5.6 6.2a2.4 2.4 0 1 1 3.5 2.1c-.8.4-1.1.8-1.1 1.6M8 12.4v.2",
  dash: "M4 8h8",
  plus: "M8 4v8M4 8h8",
  clock: "M8 4.5V8l2.5 1.8M8 2.2a5.8 5.8 0 1 1 0 11.6a5.8 5.8 0 1 1 0-11.6",
  page: "M4.5 2.5h5l2.5 2.5v8.5h-7.5zM6.5 8h3.5M6.5 10.5h3.5",
  alert: "M8 4v5M8 11.6v.2",
};

function shape(name) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("viewBox", "0 0 16 16");
  picture.setAttribute("class", "shape");
  picture.setAttribute("aria-hidden", "true");
  picture.setAttribute("focusable", "false");
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", SHAPES[name]);
  picture.append(line);
  return picture;
}

function badge({ word, tone, shape: name }) {
  return element("span", { class: `badge tone-${tone}` }, shape(name), word);
}

function statusBadge(table, status) {
  return badge(table[status] ?? { word: plain(status), tone: "calm", shape: "dash" });
}

// Severity as a word, with as many of four bars as it is high.
function severityMark(severity) {
  const { word, level } = SEVERITY[severity] ?? { word: plain(severity), level: 0 };
  const bars = [1, 2, 3, 4].map((bar) => element("span", { class: bar <= level ? "bar full" : "bar" }));
  return element("span", { class: "severity" }, element("span", { class: "bars", "aria-hidden": "true" }, bars), word);
}

// How often each status occurs: one line with parts by share, and a list that says it in words.
function tally(title, table, counts, link) {
  const known = Object.keys(table).filter((status) => counts.get(status) > 0);
  const line = element("div", { class: "tally-line", "aria-hidden": "true" }, known.map((status) => {
    const part = element("span", { class: `tone-${table[status].tone}` });
    part.style.flexGrow = String(counts.get(status));
    return part;
  }));
  const words = element("ul", { class: "tally", "aria-label": title }, known.map((status) => element("li", {},
    element("a", { href: link(status) }, badge(table[status]), " ",
      element("span", { class: "count" }, counts.get(status).toLocaleString("en"))))));
  return element("div", { class: "tally-box" }, line, words);
}

function counted(items, member) {
  const counts = new Map();
  items.forEach((item) => counts.set(member(item), (counts.get(member(item)) ?? 0) + 1));
  return counts;
}
