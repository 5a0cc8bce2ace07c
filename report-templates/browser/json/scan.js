// A record's line, laid out over lines. It is read from the very text that was hashed, member by member, and not from
// objects that were parsed from it: order and spelling stay as they are.

// Gives [{ depth, key, text, value, pointer, opens, closes, comma }]; `text` is JSON as written, `value` the string
// where it is one.
function layOut(json) {
  const lines = [];
  let at = 0;

  const scalar = () => {
    const start = at;
    if (json[at] === "\"") {
      at += 1;
      while (json[at] !== "\"") at += json[at] === "\\" ? 2 : 1;
      at += 1;
    } else {
      while (at < json.length && !",]}".includes(json[at])) at += 1;
    }
    return json.slice(start, at);
  };

  // Not recursive: how deep an answer nests is not ours to say.
  const open = [];
  const push = (line) => lines.push({ key: null, value: null, opens: false, closes: false, comma: false, ...line });
  const label = () => {
    const around = open.at(-1);
    if (around === undefined) return { depth: 0, key: null, pointer: "" };
    if (around.list) {
      const pointer = `${around.pointer}/${around.next}`;
      around.next += 1;
      return { depth: open.length, key: null, pointer };
    }
    const name = JSON.parse(scalar());
    at += 1;
    const pointer = `${around.pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    return { depth: open.length, key: name, pointer };
  };

  while (at < json.length) {
    const character = json[at];
    if (character === "}" || character === "]") {
      at += 1;
      const closed = open.pop();
      push({ depth: open.length, text: character, pointer: closed.pointer, closes: true });
    } else if (character === ",") {
      at += 1;
      lines.at(-1).comma = true;
    } else {
      const place = label();
      const start = json[at];
      if (start === "{" || start === "[") {
        const end = start === "{" ? "}" : "]";
        if (json[at + 1] === end) {
          at += 2;
          push({ ...place, text: start + end });
        } else {
          at += 1;
          push({ ...place, text: start, opens: true });
          open.push({ list: start === "[", next: 0, pointer: place.pointer });
        }
      } else {
        const text = scalar();
        push({ ...place, text, value: text.startsWith("\"") ? JSON.parse(text) : null });
      }
    }
  }
  return lines;
}
