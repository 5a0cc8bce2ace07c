// Reading the data files. They are scripts, because a page that was opened from a disk can read nothing else; each
// calls `receiveProofpackData(name, json)`.

const DATA_FILE = /^browser\/(?:overview|(?:findings|evidence|records)-\d{5})\.js$/;

// The only addresses that this page may load a script from, also where the browser enforces it (Trusted Types).
const addresses = window.trustedTypes?.createPolicy("proofpack", {
  createScriptURL(address) {
    if (!DATA_FILE.test(address)) throw new TypeError("this is no data file of the package");
    return address;
  },
});

const received = new Map();

Object.defineProperty(window, "receiveProofpackData", {
  value: (name, json) => { received.set(String(name), String(json)); },
});

// One data file, parsed. Fails with a sentence for people.
function load(name) {
  const address = `browser/${name}.js`;
  return new Promise((resolve, reject) => {
    const failed = (why) => reject(new Error(
      `${address} ${why}. Unpack the whole package and open index.html from the folder that it makes.`));
    const script = document.createElement("script");
    script.addEventListener("error", () => { script.remove(); failed("cannot be loaded"); });
    script.addEventListener("load", () => {
      script.remove();
      const json = received.get(name);
      received.delete(name);
      if (json === undefined) return failed("does not hold what its name says");
      try {
        resolve(JSON.parse(json));
      } catch {
        failed("is damaged");
      }
    });
    if (!DATA_FILE.test(address)) return failed("is no data file");
    script.src = addresses ? addresses.createScriptURL(address) : address;
    document.head.append(script);
  });
}

// Files of records that were opened last; what was opened before them is loaded again when it is needed.
const MOST_KEPT = 8;
const kept = new Map();

function loadRecords(number) {
  let file = kept.get(number);
  if (file === undefined) {
    file = load(`records-${String(number).padStart(5, "0")}`);
    file.catch(() => kept.delete(number));
  }
  kept.delete(number);
  kept.set(number, file);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  return file;
}

// The very line of a record and the command that makes its call again; `null` where it is too long for the page.
async function recordLine(entry) {
  if (entry.place === null) return null;
  const [file, place] = entry.place;
  const found = (await loadRecords(file))[place];
  if (typeof found?.line !== "string") throw new Error(`The record ${shortId(entry.id)} is not in its file.`);
  return found;
}

// All that the page knows. `ready` is fulfilled when findings and evidence are there.
const world = { overview: null, findings: [], evidence: [], byId: new Map(), checks: new Map(), controls: new Map() };

async function loadWorld() {
  const overview = await load("overview");
  if (overview.version !== 1) throw new Error("The data beside this page were made for another version of it.");
  world.overview = overview;
  overview.checks.forEach((check) => world.checks.set(check.id, { ...check, controls: [], findings: [] }));
  for (const framework of overview.frameworks) {
    for (const control of framework.controls) {
      const entry = { framework, control };
      world.controls.set(`${framework.reference.id} ${control.id}`, entry);
      control.checks.forEach((id) => world.checks.get(id)?.controls.push(entry));
    }
  }
  const parts = (names) => Promise.all(names.map(load));
  const [findings, evidence] =
    await Promise.all([parts(overview["findings-files"]), parts(overview["evidence-files"])]);
  world.evidence = evidence.flat();
  world.evidence.forEach((entry, number) => {
    entry.number = number;
    entry.status = entry.gap ? "gap" : entry.error === null ? "answer" : "absent";
    entry.text = [entry.id, shortId(entry.id), entry.service, entry.operation, entry.about, entry.error ?? "", entry.path]
      .join("\n").toLowerCase();
    world.byId.set(entry.id, entry);
  });
  const checks = overview.checks.map((check) => world.checks.get(check.id));
  world.findings = findings.flat().map((row, number) => finding(row, number, checks));
  world.findings.forEach((one) => one.check.findings.push(one));
  const order = Object.keys(FINDING_STATUS);
  const severities = Object.keys(SEVERITY);
  const rank = (one) => order.indexOf(one.status) * 10 + severities.indexOf(one.check.severity);
  // Sorting is stable: findings of one rank stay in the assessment's order.
  world.ordered = world.findings.map((one) => [rank(one), one]).sort((a, b) => a[0] - b[0]).map(([, one]) => one);
}

function finding(row, number, checks) {
  const unknown = (id) => ({ id, title: id, severity: "low", resource: "", controls: [], findings: [], references: {} });
  const check = typeof row.check === "number" ? checks[row.check] : unknown(row.check);
  const status = row.outcome === "fail" && row.exception !== null ? "accepted" : row.outcome;
  const text = [row.id, row.arn, row.message, check.id, check.title, row.account, row.region].join("\n").toLowerCase();
  return { ...row, number, check, status, text };
}
