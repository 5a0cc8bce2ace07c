// JSON for people: indented, with the lines that decide marked, the rest folded around them, long strings cut, and
// documents inside strings (policies) laid out where somebody asks for it.

const AROUND = 3;
const MOST_LINES = 400;
const LONGEST_STRING = 1500;

// `notes` maps JSON pointers to what their lines decide; `removed` holds the pointers of redacted values.
function jsonView(json, { notes = new Map(), removed = new Set(), title }) {
  const lines = layOut(json);
  const box = element("div", { class: "json", role: "region", "aria-label": title, tabindex: "0" });
  const body = element("pre", {});
  const decided = lines.map((line) => (!line.closes && notes.has(line.pointer) ? notes.get(line.pointer) : null));
  drawRanges(body, lines, shownLines(lines, decided), (line, number) =>
    drawLine(line, decided[number], removed.has(line.pointer)));
  box.append(body);
  return box;
}

// Which lines are shown at first: with deciding lines those, what they stand in, and some around them.
function shownLines(lines, decided) {
  const shown = new Array(lines.length).fill(false);
  if (decided.every((note) => note === null)) return shown.fill(true, 0, MOST_LINES);
  let marked = 0;
  lines.forEach((line, number) => {
    if (decided[number] === null || marked >= MOST_LINES) return;
    marked += 1;
    for (let near = number - AROUND; near <= number + AROUND; near += 1) if (near in shown) shown[near] = true;
    // The lines that open what it stands in.
    let depth = line.depth;
    for (let above = number - 1; above >= 0 && depth > 0; above -= 1) {
      if (lines[above].depth < depth && lines[above].opens) {
        shown[above] = true;
        depth = lines[above].depth;
      }
    }
  });
  return shown;
}

// Draws what is shown, and for every run that is not a button that shows it.
function drawRanges(body, lines, shown, draw) {
  const pieces = [];
  for (let at = 0; at < lines.length;) {
    let end = at;
    while (end < lines.length && shown[end] === shown[at]) end += 1;
    // A fold that hides one or two lines hides nothing worth a button.
    if (shown[at] || end - at < 3) for (let number = at; number < end; number += 1) pieces.push(draw(lines[number], number));
    else pieces.push(fold(lines, at, end, draw));
    at = end;
  }
  append(body, pieces);
}

function fold(lines, start, end, draw) {
  const most = Math.min(end, start + 1000);
  const text = `Show ${countOf(most - start, "more line", "more lines")}${most < end ? ` of ${(end - start).toLocaleString("en")}` : ""}`;
  const place = element("span", { class: "fold" });
  place.append(button(text, () => {
    const opened = [];
    for (let number = start; number < most; number += 1) opened.push(draw(lines[number], number));
    if (most < end) opened.push(fold(lines, most, end, draw));
    place.replaceWith(...opened);
    opened[0].tabIndex = -1;
    opened[0].focus();
  }));
  return place;
}

function drawLine(line, note, redacted) {
  const parts = [];
  if (line.key !== null) parts.push(element("span", { class: "json-key" }, escaped(JSON.stringify(line.key))), ": ");
  parts.push(...drawValue(line));
  if (line.comma) parts.push(",");
  const indent = "  ".repeat(line.depth);
  if (redacted) parts.push(element("span", { class: "json-note json-redacted" }, "taken out: a secret"));
  if (note === null) return element("span", { class: "line" }, indent, parts, "\n");
  return element("span", { class: "line decides" },
    unseen("Decides: "), element("mark", {}, indent, parts), element("span", { class: "json-note" }, note), "\n");
}

function drawValue(line) {
  if (line.value === null) {
    const sort = /^[[\]{}]/.test(line.text) ? "json-mark" : "json-word";
    return [element("span", { class: sort }, line.text)];
  }
  const cut = line.text.length > LONGEST_STRING;
  const place = element("bdi", { class: "json-text" }, escaped(cut ? `${line.text.slice(0, LONGEST_STRING)}…` : line.text));
  const parts = [place];
  if (cut) {
    const more = button(`Show all ${line.text.length.toLocaleString("en")} characters`, () => {
      place.textContent = escaped(line.text);
      more.remove();
    });
    parts.push(" ", more);
  }
  const inner = documentIn(line.value);
  if (inner !== null) parts.push(" ", documentButton(inner, line.depth));
  return parts;
}

// What cannot be seen, or turns directions, is spelled as JSON spells it: the text stays the same JSON.
function escaped(text) {
  return text.replace(UNSEEN, (found) =>
    Array.from({ length: found.length }, (_, unit) => `\\u${found.charCodeAt(unit).toString(16).padStart(4, "0")}`).join(""));
}

// A JSON document that a string holds, without blanks; URL-encoded ones (IAM) too.
function documentIn(text) {
  if (text.length < 3) return null;
  for (const read of [(raw) => raw, decodeURIComponent]) {
    try {
      const plainText = read(text);
      if (!/^\s*[[{]/.test(plainText)) continue;
      return JSON.stringify(JSON.parse(plainText));
    } catch {
      // Not JSON: a string like any other.
    }
  }
  return null;
}

function documentButton(json, depth) {
  const made = button("Lay out", () => {
    const expanded = made.getAttribute("aria-expanded") === "true";
    made.setAttribute("aria-expanded", String(!expanded));
    if (expanded) {
      made.nextElementSibling.remove();
      return;
    }
    const lines = layOut(json).map((line) => ({ ...line, depth: line.depth + depth + 1 }));
    const body = element("span", { class: "json-inner" }, "\n");
    const shown = new Array(lines.length).fill(false).fill(true, 0, MOST_LINES);
    drawRanges(body, lines, shown, (line) => drawLine(line, null, false));
    made.after(body);
  }, { "aria-expanded": "false" });
  return made;
}
