// Which lines of a record decided a finding: the members that the check's properties are read from, in the element that
// the finding is about.

// Gives a map from JSON pointers in the record to what each says.
function decidingLines(record, one) {
  const found = new Map();
  if (record.outcome?.error) {
    found.set("/outcome/error/code", record.outcome.error.meaning === "gap" ? "could not be seen" : "does not exist");
    return found;
  }
  const { service, operation } = record.source;
  const reads = (one.check.reads ?? []).filter((read) => read.service === service && read.operation === operation);
  const whole = one.id === "*";
  for (const read of reads) {
    if (read.items === undefined) {
      mark(found, record, read, [{ at: ["outcome", "response"], data: record.outcome.response }], "");
    } else if (read.kind === one.check.resource) {
      const lists = reach([{ at: ["outcome", "response"], data: record.outcome.response }], segments(read.items));
      const own = whole ? [] : lists.flatMap(elements).filter(({ data }) => isAbout(data, one));
      if (own.length > 0) mark(found, record, read, own, read.items);
      // A finding about the kind as a whole rests on what was listed.
      else if (whole) lists.forEach(({ at }) => found.set(pointer(at), `${read.kind}: all that was listed`));
    }
  }
  return found;
}

function mark(found, record, read, starts, base) {
  for (const member of read.members) {
    const path = segments(member.slice(base.length));
    const places = reach(starts, path);
    for (const { at } of places) found.set(pointer(at), read.property);
    if (places.length === 0) {
      for (const { at } of starts) {
        const here = pointer(at);
        if (!found.has(here)) found.set(here, `${read.property}: not in the answer`);
      }
    }
  }
}

// The places that members lead to; lists on the way are passed through.
function reach(starts, path) {
  let places = starts;
  for (const name of path) {
    places = places.flatMap(elements).flatMap(({ at, data }) => {
      if (data === null || typeof data !== "object") return [];
      if (name === "*") return Object.keys(data).map((key) => ({ at: [...at, key], data: data[key] }));
      return Object.hasOwn(data, name) ? [{ at: [...at, name], data: data[name] }] : [];
    });
  }
  return places;
}

function elements({ at, data }) {
  if (!Array.isArray(data)) return [{ at, data }];
  return data.flatMap((item, number) => elements({ at: [...at, String(number)], data: item }));
}

// Whether an element of a list is the resource of a finding: it, or a member of it, is the resource's name or ARN.
function isAbout(data, one) {
  const names = (text) => typeof text === "string" && text !== "" && (text === one.id || text === one.arn);
  if (data === null || typeof data !== "object") return names(data);
  return Object.values(data).some(names);
}

function segments(text) {
  return text.split("/").slice(1).map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function pointer(path) {
  return path.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
