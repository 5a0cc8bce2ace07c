// The first page: what this is, how it came out, what to look at first.

function viewOverview() {
  const { overview } = world;
  const { bundle } = overview;
  const { scope } = bundle;
  const findings = counted(world.findings, (one) => one.status);
  return {
    title: "Overview",
    content: [
      element("h1", { tabindex: "-1" }, "Overview"),
      element("p", { class: "lead" },
        "Evidence from AWS, what it was judged to show, and the records themselves. Nothing here leaves this computer."),
      overview.frameworks.map(frameworkPart),
      element("section", {},
        element("h2", {}, countOf(world.findings.length, "finding", "findings")),
        tally("Findings by status", FINDING_STATUS, findings, (status) => routeTo("findings", [], { status }))),
      worst(),
      gapsPart(overview.gaps),
      element("section", {},
        element("h2", {}, "What was looked at"),
        facts([
          ["Accounts", listed(scope.accounts)],
          ["Regions", listed(scope.regions)],
          ["Period", `${timeOf(scope.period.start)} until ${timeOf(scope.period.end)}`],
          ["Collected", `${timeOf(bundle["collection-started"])} to ${timeOf(bundle["sealed-at"])}`],
          ["Records", bundle.records.toLocaleString("en")],
          ["Assessed as of", timeOf(overview["as-of"])],
          ["Assessed by", value(`${overview.tool.name} ${overview.tool.version}`)],
        ])),
      exceptionsPart(overview.exceptions),
      attestationsPart(overview.attestations),
    ],
  };
}

function listed(values) {
  return values.map((one, number) => [number > 0 && ", ", value(one, "mono")]);
}

function frameworkPart(framework) {
  const { id, title, edition } = framework.reference;
  const counts = counted(framework.controls, (control) => control.status);
  return element("section", {},
    element("h2", {}, value(title), " ", element("span", { class: "quiet" }, value(edition))),
    tally(`Controls of ${plain(title)} by status`, CONTROL_STATUS, counts,
      (status) => routeTo("controls", [], { framework: id, status })));
}

// Checks with open failures, the severest first.
function worst() {
  const open = [...world.checks.values()]
    .map((check) => ({ check, failed: check.findings.filter((one) => one.status === "fail").length }))
    .filter(({ failed }) => failed > 0);
  if (open.length === 0) return null;
  const severities = Object.keys(SEVERITY);
  open.sort((one, other) => severities.indexOf(one.check.severity) - severities.indexOf(other.check.severity) || other.failed - one.failed);
  const shown = open.slice(0, 10);
  return element("section", {},
    element("h2", {}, "Look at first"),
    tableOf("Checks with open failures, the severest first", [
      { title: "Severity", class: "narrow", cell: ({ check }) => severityMark(check.severity) },
      { title: "Check", cell: ({ check }) => element("a", { href: routeTo("findings", [], { status: "fail", check: check.id }) }, value(check.title)) },
      { title: "Failures", class: "number", cell: ({ failed }) => failed.toLocaleString("en") },
    ], shown),
    open.length > shown.length && element("p", {},
      element("a", { href: routeTo("findings", [], { status: "fail" }) }, `All failures, of ${open.length} checks`)));
}

function gapsPart(gaps) {
  return element("section", {},
    element("h2", {}, "What could not be seen"),
    gaps.length === 0
      ? element("p", {}, "Every call was answered.")
      : [element("ul", { class: "plain-list" }, gaps.map((gap) => element("li", {},
        countOf(gap.count, "gap", "gaps"), ": ", value(gap.reason), " (", value(gap.code, "mono"), ")"))),
      element("p", {}, element("a", { href: routeTo("records", [], { status: "gap" }) }, "The records of these gaps"),
        ". A gap is never a pass: what rests on one is indeterminate.")]);
}

function exceptionsPart(exceptions) {
  if (exceptions.length === 0) return null;
  return element("section", {},
    element("h2", {}, "Accepted failures"),
    exceptions.map(({ exception, covers, problems }) => element("details", { class: "entry" },
      element("summary", {}, value(exception.check), " ", value(exception.resource, "quiet"), " ",
        element("span", { class: "quiet" }, countOf(covers, "failure", "failures"))),
      problems.length > 0 && problem("It covers nothing or is in doubt: ", problems.map((one) => EXCEPTION_PROBLEM[one] ?? plain(one)).join(", "), "."),
      exceptionFacts(exception))));
}

function exceptionFacts(exception) {
  return facts([
    ["Reason", value(exception.reason)],
    ["Owner", value(exception.owner)],
    ["Approver", value(exception.approver)],
    ["Approved on", value(exception["approved-on"])],
    ["Expires", value(exception.expires)],
    ["Instead", exception["compensating-control"] && value(exception["compensating-control"])],
    ["Reference", exception.reference && value(exception.reference)],
  ]);
}

function attestationsPart(attestations) {
  if (attestations.length === 0) return null;
  return element("section", {},
    element("h2", {}, "Attestations"),
    element("ul", { class: "plain-list" }, attestations.map((entry) => element("li", {},
      element("a", { href: routeTo("record", [entry.record]) }, value(entry.id)), ": ",
      ATTESTATION_STATE[entry.state] ?? plain(entry.state), entry["holds-until"] ? `, until ${entry["holds-until"]}` : "",
      entry.statement && [", by ", value(entry.statement.author), " (", value(entry.statement.role), ")"]))));
}
