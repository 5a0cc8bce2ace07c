// What things are called, in which tone, and with which shape: no meaning rests on colour alone.

const CONTROL_STATUS = {
  "not-satisfied": { word: "Not satisfied", tone: "bad", shape: "cross" },
  "indeterminate": { word: "Indeterminate", tone: "warn", shape: "question" },
  "attestation-missing": { word: "Attestation missing", tone: "warn", shape: "page" },
  "attestation-expired": { word: "Attestation expired", tone: "warn", shape: "clock" },
  "satisfied-with-exceptions": { word: "Satisfied with exceptions", tone: "good", shape: "plus" },
  "satisfied": { word: "Satisfied", tone: "good", shape: "check" },
  "not-applicable": { word: "Not applicable", tone: "calm", shape: "dash" },
};

// In the order in which findings are listed; "accepted" is a failure that an exception covers.
const FINDING_STATUS = {
  "fail": { word: "Fail", tone: "bad", shape: "cross" },
  "indeterminate": { word: "Indeterminate", tone: "warn", shape: "question" },
  "accepted": { word: "Fail, accepted", tone: "note", shape: "plus" },
  "pass": { word: "Pass", tone: "good", shape: "check" },
  "not-applicable": { word: "Not applicable", tone: "calm", shape: "dash" },
};

const SEVERITY = {
  "critical": { word: "Critical", level: 4 },
  "high": { word: "High", level: 3 },
  "medium": { word: "Medium", level: 2 },
  "low": { word: "Low", level: 1 },
};

const RECORD_KIND = {
  "api-call": "AWS API call",
  "trail-excerpt": "CloudTrail excerpt",
  "attestation": "Attestation",
  "import": "Import of another tool's file",
};

const RECORD_STATUS = {
  "answer": { word: "Answered", tone: "good", shape: "check" },
  "absent": { word: "Does not exist", tone: "calm", shape: "dash" },
  "gap": { word: "Gap", tone: "warn", shape: "question" },
};

const ATTESTATION_STATE = {
  "holds": "holds",
  "expired": "no longer holds",
  "not-yet-made": "made after the date of the assessment",
  "superseded": "a later one took its place",
  "not-asked-for": "no framework asks for it",
  "unreadable": "cannot be read as a statement",
};

const EXCEPTION_PROBLEM = {
  "expired": "it has expired",
  "not-yet-approved": "it was approved after the date of the assessment",
  "matches-nothing": "no failure matches it",
  "self-approved": "owner and approver are the same",
  "too-broad": "it matches every resource",
};

function countOf(number, one, many) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

// "2026-09-30T12:00:00Z" as "2026-09-30 12:00:00 UTC".
function timeOf(text) {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/.exec(text);
  return match ? `${match[1]} ${match[2]} UTC` : text;
}

function shortId(id) {
  return `E-${id.slice(0, 12)}`;
}

// An account or region of a finding that is about more than one of them.
function placeOf(text, all) {
  return text === "*" ? all : text;
}
