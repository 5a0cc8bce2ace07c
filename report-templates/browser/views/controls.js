// Controls: the list of a framework, and one control with what proves it.

const CONTROL_TESTS = {
  status: ({ control }, wanted) => control.status === wanted,
  framework: ({ framework }, wanted) => framework.reference.id === wanted,
};

function viewControls(route) {
  const all = [...world.controls.values()];
  all.forEach((entry) => {
    const { id, title, group, requirement, guidance, checks } = entry.control;
    entry.text ??= [id, title, group, requirement, guidance, ...checks].join("\n").toLowerCase();
  });
  const place = element("div", {});
  const draw = (query) => {
    const found = matching(all, query, CONTROL_TESTS);
    const said = found.length === 0 ? "No controls match" : countOf(found.length, "control", "controls");
    replaceChildren(place, element("p", { class: "said" }, said), groupsOf(found).map(({ title, entries }) =>
      element("section", { class: "group" }, element("h2", {}, title), controlTable(entries))));
    return said;
  };
  draw(route.query);
  return {
    title: "Controls",
    content: [
      element("h1", { tabindex: "-1" }, "Controls"),
      filters({
        label: "Filter controls", placeholder: "Citation, title, check", query: route.query,
        fields: [
          { name: "status", label: "Status", options: options(Object.keys(CONTROL_STATUS), (one) => CONTROL_STATUS[one].word) },
          { name: "framework", label: "Framework", options: frameworkOptions() },
        ],
        changed: (query) => {
          keepRoute(routeTo("controls", [], query));
          announce(draw(query));
        },
      }),
      place,
    ],
  };
}

function frameworkOptions() {
  return world.overview.frameworks.map(({ reference }) => ({ value: reference.id, label: reference.title }));
}

function groupsOf(entries) {
  const groups = [];
  for (const entry of entries) {
    const name = `${entry.framework.reference.id} ${entry.control.group}`;
    if (groups.at(-1)?.name !== name) {
      const several = world.overview.frameworks.length > 1;
      const title = [value(entry.control.group), several && [" ", value(entry.framework.reference.title, "quiet")]];
      groups.push({ name, title, entries: [] });
    }
    groups.at(-1).entries.push(entry);
  }
  return groups;
}

function controlTable(entries) {
  return tableOf("Controls", [
    { title: "Status", class: "status", cell: ({ control }) => statusBadge(CONTROL_STATUS, control.status) },
    { title: "Control", class: "citation", cell: ({ control }) => value(control.id) },
    { title: "Title", cell: (entry) => [element("a", { href: controlLink(entry) }, value(entry.control.title)),
      entry.control.obligation && element("span", { class: "quiet" }, `, ${plain(entry.control.obligation)}`)] },
    { title: "Open failures", class: "number", cell: (entry) => failuresOf(entry.control) || "" },
  ], entries);
}

function controlLink({ framework, control }) {
  return routeTo("control", [framework.reference.id, control.id]);
}

function findingsOf(control) {
  return control.checks.flatMap((id) => world.checks.get(id)?.findings ?? []);
}

function failuresOf(control) {
  return findingsOf(control).filter((one) => one.status === "fail").length;
}

function viewControl(route) {
  const entry = world.controls.get(route.rest.join(" "));
  if (entry === undefined) return viewNothing("There is no such control in this package.");
  const { framework, control } = entry;
  const own = `${framework.reference.id} ${control.id}`;
  const parts = framework.controls.filter((other) => other.parent === control.id);
  return {
    title: `${control.id} ${control.title}`,
    content: [
      trail([["Controls", routeTo("controls", [], { framework: framework.reference.id })], [control.id]]),
      element("h1", { tabindex: "-1" }, value(control.id, "quiet"), " ", value(control.title)),
      element("p", { class: "badges" }, statusBadge(CONTROL_STATUS, control.status),
        control.obligation && element("span", { class: "quiet" }, plain(control.obligation))),
      control.requirement && prose(`What is required: ${control.requirement}`),
      prose(`What is looked at: ${control.guidance}`),
      parts.length > 0 && element("section", {}, element("h2", {}, "Implementation specifications"),
        controlTable(parts.map((part) => ({ framework, control: part })))),
      control.checks.length > 0 && checksOf(control, own),
      attestationsOf(control),
      excerptsOf(control),
    ],
  };
}

function checksOf(control, own) {
  const rows = control.checks.map((id) => world.checks.get(id)).filter(Boolean);
  // What is open stands before what holds.
  const order = Object.keys(FINDING_STATUS);
  const worstOf = (check) => Math.min(...check.findings.map((one) => order.indexOf(one.status)), order.length);
  const severities = Object.keys(SEVERITY);
  rows.sort((one, other) => worstOf(one) - worstOf(other) || severities.indexOf(one.severity) - severities.indexOf(other.severity));
  return element("section", {},
    element("h2", {}, "Checks"),
    element("p", {}, element("a", { href: routeTo("findings", [], { control: own }) },
      `All ${countOf(findingsOf(control).length, "finding", "findings")} of this control`)),
    tableOf("Checks of this control", [
      { title: "Severity", class: "narrow", cell: (check) => severityMark(check.severity) },
      { title: "Check", cell: (check) => element("a", { href: routeTo("findings", [], { check: check.id }) }, value(check.title)) },
      { title: "Findings", class: "counts", cell: (check) => {
        const counts = counted(check.findings, (one) => one.status);
        return Object.keys(FINDING_STATUS).filter((status) => counts.has(status)).map((status) =>
          element("a", { href: routeTo("findings", [], { check: check.id, status }) }, statusBadge(FINDING_STATUS, status), " ",
            element("span", { class: "count" }, counts.get(status).toLocaleString("en"))));
      } },
    ], rows));
}

function attestationsOf(control) {
  // The decision not to implement a specification is shown where there is one; nobody has to make it.
  const decision = control.alternative?.record ? [control.alternative] : [];
  const asked = [...control.attestations, ...decision];
  if (asked.length === 0) return null;
  return element("section", {}, element("h2", {}, "What people state"), element("ul", { class: "plain-list" }, asked.map((one) => {
    const status = one.record === null ? "attestation-missing" : one.holds ? null : "attestation-expired";
    return element("li", {},
      status === null ? badge({ word: "Holds", tone: "good", shape: "check" }) : statusBadge(CONTROL_STATUS, status), " ",
      value(one.need.statement), " ",
      one.record !== null && element("a", { class: "mono", href: routeTo("record", [one.record]) }, shortId(one.record)),
      one["holds-until"] && element("span", { class: "quiet" }, ` until ${plain(one["holds-until"])}`));
  })));
}

function excerptsOf(control) {
  if (control.excerpts.length === 0) return null;
  return element("section", {}, element("h2", {}, "CloudTrail excerpts"), element("ul", { class: "plain-list" },
    control.excerpts.map((excerpt) => element("li", {},
      element("strong", {}, value(excerpt.title)), ": ",
      excerpt.records.length === 0 ? "no trail was read" : countOf(excerpt.events, "event", "events"), ". ",
      value(excerpt.reason, "quiet"), " ",
      excerpt.records.map((id) => [element("a", { class: "mono", href: routeTo("record", [id]) }, shortId(id)), " "])))));
}

// Where a page stands: links upwards, and its own name.
function trail(steps) {
  return element("nav", { class: "trail", "aria-label": "Where this stands" }, element("ol", {}, steps.map(([title, href]) =>
    element("li", {}, href ? element("a", { href }, title) : value(title)))));
}

function prose(text) {
  return text.split(/\n+/).filter(Boolean).map((part) => element("p", { class: "prose" }, value(part)));
}
