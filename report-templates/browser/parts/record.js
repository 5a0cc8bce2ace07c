// One record: what it is, whether its hash holds, how to make the call again, and its JSON.

// The whole of a record's entry, as a section. With `one`, a finding, the lines that decided it are marked.
function recordSection(entry, { one, level = 2 } = {}) {
  const body = element("div", { class: "record-body" }, element("p", { class: "quiet" }, "Loading the record …"));
  fillRecord(body, entry, one);
  return element("section", { class: "record", "aria-label": `Record ${shortId(entry.id)}` },
    recordHead(entry, level), body);
}

function recordHead(entry, level) {
  return element("header", { class: "record-head" },
    element(`h${level}`, {}, recordName(entry)),
    statusBadge(RECORD_STATUS, entry.status),
    element("a", { class: "mono", href: routeTo("record", [entry.id]) }, shortId(entry.id)));
}

function recordName(entry) {
  const call = entry.kind === "api-call" ? `${entry.service} ${entry.operation}` : `${RECORD_KIND[entry.kind]}: ${entry.service} ${entry.operation}`;
  return [value(call), entry.about && [" ", value(entry.about, "quiet")]];
}

async function fillRecord(body, entry, one) {
  let found;
  try {
    found = await recordLine(entry);
  } catch (error) {
    replaceChildren(body, problem(error.message));
    return;
  }
  if (found === null) {
    replaceChildren(body, recordFacts(entry, null), problem(
      `This record has ${entry.bytes.toLocaleString("en")} bytes, too many to show here. It is line ${entry.line} of bundle/${entry.path}.`));
    return;
  }
  const check = element("p", { class: "hash" }, "Computing SHA-256 …");
  checkHash(check, entry.id, found.line);
  let record;
  try {
    record = JSON.parse(found.line);
  } catch {
    replaceChildren(body, check, problem("The line is not JSON: it was altered."), element("pre", { class: "json" }, value(found.line)));
    return;
  }
  const notes = one ? decidingLines(record, one) : decidedBy(record);
  const removed = new Set((record.redactions ?? []).map((redaction) => redaction.pointer));
  replaceChildren(body,
    check,
    record.outcome?.error && problem(errorSentence(record.outcome.error)),
    recordFacts(entry, record),
    found.command !== null && commandBox(found.command, entry),
    element("h3", { class: "json-title" }, one && notes.size > 0 ? "The record, with the lines that decide marked" : "The record"),
    one && notes.size === 0 && element("p", { class: "quiet" }, "It counts as a whole: no single line of it decides."),
    jsonView(found.line, { notes, removed, title: `Record ${shortId(entry.id)} as JSON` }));
}

// Outside a finding only an error is marked.
function decidedBy(record) {
  return record.outcome?.error ? decidingLines(record, null) : new Map();
}

function errorSentence(error) {
  const sense = error.meaning === "gap" ? "This could not be seen, which is no proof of anything" : "AWS says that this does not exist";
  return [`${sense}: `, value(error.code), error.message ? [": ", longValue(error.message, 500)] : "."];
}

async function checkHash(place, id, line) {
  if (!canHash) {
    replaceChildren(place, badge({ word: "Not checked", tone: "warn", shape: "question" }),
      " This browser offers no WebCrypto here. VERIFY.md says how to check the record by hand.");
    return;
  }
  const computed = await sha256OfText(line);
  const same = computed === id;
  place.classList.toggle("hash-wrong", !same);
  replaceChildren(place,
    badge(same ? { word: "Hash matches", tone: "good", shape: "check" } : { word: "Hash does not match", tone: "bad", shape: "cross" }),
    same
      ? [" SHA-256 of the line shown is the record’s id ", element("span", { class: "mono" }, id)]
      : [" What is shown here is not the record that was sealed. Its id is ", element("span", { class: "mono" }, id),
        ", SHA-256 of the line is ", element("span", { class: "mono" }, computed), ". Do not rely on it."]);
  if (!same) announce(`The hash of record ${shortId(id)} does not match`);
}

function recordFacts(entry, record) {
  const source = record?.source;
  const exchanges = record?.exchanges ?? [];
  const requests = exchanges.map((exchange) => exchange.request_id ?? exchange["request-id"]).filter(Boolean);
  return facts([
    ["Obtained", timeOf(entry.at)],
    ["Account", entry.account && value(entry.account, "mono")],
    ["Region", entry.region && value(entry.region, "mono")],
    ["Caller", source?.caller && longValue(source.caller, 300, "mono")],
    ["Endpoint", source?.endpoint && value(source.endpoint, "mono")],
    [requests.length > 1 ? "Request ids" : "Request id", requests.length > 0 && longValue(requests.join(", "), 400, "mono")],
    ["Stands in", [value(`bundle/${entry.path}`, "mono"), `, line ${entry.line}`]],
  ]);
}

function commandBox(command, entry) {
  const text = element("code", {}, value(command));
  const copy = button("Copy", async () => {
    const done = await copied(command, text);
    copy.textContent = done ? "Copied" : "Press Ctrl+C";
    announce(done ? "The command was copied" : "The command is selected");
    setTimeout(() => { copy.textContent = "Copy"; }, 2500);
  }, { "aria-label": `Copy the command that makes the call of ${shortId(entry.id)} again` });
  return element("div", { class: "command" },
    element("h3", {}, "Make the call again"), element("div", { class: "command-line" }, element("pre", { tabindex: "0", role: "group", "aria-label": `Command of ${shortId(entry.id)}` }, text), copy));
}

async function copied(text, place) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const range = document.createRange();
    range.selectNodeContents(place);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return false;
  }
}

function problem(...children) {
  return element("p", { class: "problem" }, shape("alert"), element("span", {}, children));
}

// Records that are opened one by one; the first `opened` are open from the beginning.
function recordList(entries, { one, opened = 0 }) {
  return entries.map((entry, number) => {
    if (entry === undefined) return problem("The bundle lacks a record that this finding names.");
    if (number < opened) return recordSection(entry, { one, level: 3 });
    const body = element("div", {});
    const more = element("details", {
      class: "record",
      ontoggle: () => {
        if (more.open && !body.hasChildNodes()) body.append(recordSection(entry, { one, level: 3 }));
      },
    }, element("summary", {}, statusBadge(RECORD_STATUS, entry.status), " ", recordName(entry), " ",
      element("span", { class: "mono" }, shortId(entry.id))), body);
    return more;
  });
}
