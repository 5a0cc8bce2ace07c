// Findings: the list with its filters, and one finding with its proof.

function viewFindings(route) {
  const { findings } = world;
  const place = element("div", {});
  let found = [];
  const draw = (query) => drawPages(place, found, {
    query, noun: ["finding", "findings"], table: findingTable, go: (next) => {
      keepRoute(routeTo("findings", [], next));
      announce(draw(next));
    },
  });
  const search = (query) => {
    found = matching(world.ordered, query, FINDING_TESTS);
    return draw(query);
  };
  search(route.query);
  const checks = [...world.checks.values()].filter((check) => check.findings.length > 0);
  return {
    title: "Findings",
    content: [
      element("h1", { tabindex: "-1" }, "Findings"),
      filters({
        label: "Filter findings", placeholder: "Resource, ARN, words of the finding", query: route.query,
        fields: [
          { name: "status", label: "Status", options: options(Object.keys(FINDING_STATUS), (one) => FINDING_STATUS[one].word) },
          { name: "severity", label: "Severity", options: options(Object.keys(SEVERITY), (one) => SEVERITY[one].word) },
          { name: "framework", label: "Framework", options: frameworkOptions() },
          { name: "account", label: "Account", options: options(valuesOf(findings, (one) => one.account), (one) => placeOf(one, "All accounts")) },
          { name: "region", label: "Region", options: options(valuesOf(findings, (one) => one.region), (one) => placeOf(one, "All regions")) },
          { name: "check", label: "Check", options: checks.map((check) => ({ value: check.id, label: check.id })) },
        ],
        changed: (query) => {
          keepRoute(routeTo("findings", [], query));
          announce(search(query));
        },
      }),
      place,
    ],
  };
}

function findingTable(items) {
  return tableOf("Findings", [
    { title: "Status", class: "status", cell: (one) => statusBadge(FINDING_STATUS, one.status) },
    { title: "Severity", class: "narrow", cell: (one) => severityMark(one.check.severity) },
    { title: "Finding", cell: (one) => [
      element("a", { class: "row-link", href: routeTo("finding", [one.number]) }, subjectName(one)),
      element("span", { class: "row-text" }, value(cutTo(one.message, 300)))] },
    { title: "Check", class: "check", cell: (one) => value(cutTo(one.check.id, 100)) },
    { title: "Account", class: "mono", cell: (one) => value(cutTo(placeOf(one.account, "all"), 60)) },
    { title: "Region", class: "mono", cell: (one) => value(cutTo(placeOf(one.region, "all"), 60)) },
  ], items);
}

function subjectName(one) {
  return one.id === "*" ? [value(one.check.resource), " as a whole"] : value(cutTo(one.id, 160));
}

function cutTo(text, most) {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

function viewFinding(route) {
  const one = world.findings[Number(route.rest[0])];
  if (one === undefined) return viewNothing("There is no such finding in this package.");
  const { check } = one;
  const exception = one.exception === null ? null : world.overview.exceptions[one.exception]?.exception;
  const records = one.proof.map((number) => world.evidence[number]);
  // The records that say something about the property come before those that only list the resource.
  const weight = (entry) => {
    if (entry === undefined || entry.status === "gap") return 0;
    const reads = (check.reads ?? []).filter((read) => read.service === entry.service && read.operation === entry.operation);
    return reads.some((read) => read.items === undefined) ? 1 : reads.length > 0 ? 2 : 3;
  };
  records.sort((left, right) => weight(left) - weight(right));
  return {
    title: `${plain(check.title)}: ${plain(one.id)}`,
    content: [
      trail([["Findings", routeTo("findings")], [check.id, routeTo("findings", [], { check: check.id })], [cutTo(one.id, 80)]]),
      element("p", { class: "badges" }, statusBadge(FINDING_STATUS, one.status), severityMark(check.severity)),
      element("h1", { tabindex: "-1" }, value(check.title)),
      element("p", { class: "lead" }, longValue(one.message, 1200)),
      facts([
        [plain(check.resource || "Resource"), longValue(one.id === "*" ? "all of the kind" : one.id, 300, "mono")],
        ["ARN", one.arn !== "*" && one.arn !== one.id && longValue(one.arn, 300, "mono")],
        ["Account", value(placeOf(one.account, "all"), "mono")],
        ["Region", value(placeOf(one.region, "all"), "mono")],
        ["Controls", check.controls.length > 0 && check.controls.map((entry, number) => [number > 0 && ", ",
          element("a", { href: controlLink(entry) }, value(entry.control.id))])],
      ]),
      exception && element("section", { class: "entry" }, element("h2", {}, "Accepted"), exceptionFacts(exception)),
      element("section", {},
        element("h2", {}, records.length === 1 ? "The record that proves it" : `The ${records.length} records that prove it`),
        recordList(records, { one, opened: 2 })),
      element("section", {}, element("h2", {}, "The check"),
        prose(check.rationale ?? ""),
        facts([
          ["Applies where", check.applies && value(check.applies, "mono")],
          ["Holds where", check.expression && value(check.expression, "mono")],
        ]),
        ["fail", "accepted", "indeterminate"].includes(one.status) && check.remediation && [element("h3", {}, "What to do"), prose(check.remediation)],
        facts(Object.entries(check.references ?? {}).map(([scheme, names]) => [plain(scheme), listed(names)]))),
    ],
  };
}
