// Checks the evidence browser of an unpacked package in headless Chromium: what people do in it, with the keyboard
// too; hostile values; altered records; ten thousand findings.
//
//   node tests/outside/browser.mjs PACKAGE SCRATCH MODULES [PICTURES]
//
// PACKAGE is the unpacked package, SCRATCH an empty folder for altered copies, MODULES the folder whose node_modules
// hold playwright-core and axe-core; with PICTURES, each view's picture is left there. One line per check; the exit
// code is 1 if any failed.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [source, scratch, modules, pictures] = process.argv.slice(2).map((path) => resolve(path));
const require = createRequire(join(modules, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

// Generous: a busy machine must not fail for its load.
const MOST_TO_FIRST_LIST = 20_000;
const MOST_PER_FILTER = 3_000;

const HOSTILE = [
  "<img src=x onerror=\"window.hostile = 1\">",
  "</script><script>window.hostile = 1</script>",
  "<!-- <script> \u2028 \u2029",
  "\u202egnp.exe\u2066 \u200b",
  "javascript:window.hostile=1",
  "${window.hostile = 1} {{x}} `x` 'x' \"x\" \\",
  "x".repeat(10_000),
];

// --- the data of a copy, read and written as the page's own

const dataFile = (folder, name) => join(folder, "browser", `${name}.js`);

function readData(folder, name) {
  let found;
  new Function("receiveProofpackData", readFileSync(dataFile(folder, name), "utf8"))((_, json) => { found = JSON.parse(json); });
  return found;
}

function writeData(folder, name, data) {
  const literal = JSON.stringify(JSON.stringify(data)).replace(/[<>&\u2028\u2029]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
  writeFileSync(dataFile(folder, name), `receiveProofpackData(${JSON.stringify(name)},\n${literal});\n`);
}

function copy(name) {
  const folder = join(scratch, name);
  mkdirSync(folder, { recursive: true });
  cpSync(join(source, "index.html"), join(folder, "index.html"));
  cpSync(join(source, "browser"), join(folder, "browser"), { recursive: true });
  return folder;
}

// A copy in which every finding says hostile things.
function hostileCopy() {
  const folder = copy("hostile");
  const overview = readData(folder, "overview");
  overview.checks.forEach((check, number) => {
    check.title = HOSTILE[number % HOSTILE.length];
    check.rationale = HOSTILE[(number + 1) % HOSTILE.length];
  });
  overview.exceptions.forEach(({ exception }) => { exception.reason = HOSTILE[0]; });
  writeData(folder, "overview", overview);
  for (const name of overview["findings-files"]) {
    writeData(folder, name, readData(folder, name).map((row, number) => ({
      ...row,
      id: HOSTILE[number % HOSTILE.length], arn: HOSTILE[(number + 1) % HOSTILE.length],
      message: HOSTILE[(number + 2) % HOSTILE.length], region: HOSTILE[(number + 3) % HOSTILE.length],
    })));
  }
  return folder;
}

// A copy with ten thousand findings, of which each has a name of its own.
function largeCopy() {
  const folder = copy("large");
  const overview = readData(folder, "overview");
  const rows = overview["findings-files"].flatMap((name) => readData(folder, name));
  const many = Array.from({ length: 10_000 }, (_, number) => {
    const row = rows[number % rows.length];
    return { ...row, id: `${row.id}-${number}`, account: String(100_000_000_000 + (number % 40)) };
  });
  const names = [];
  for (let at = 0; at < many.length; at += 2000) {
    const name = `findings-${String(at / 2000).padStart(5, "0")}`;
    writeData(folder, name, many.slice(at, at + 2000));
    names.push(name);
  }
  writeData(folder, "overview", { ...overview, findings: many.length, "findings-files": names });
  return folder;
}

// A copy in which a letter of one record's line is another. Gives the record's id too.
function alteredCopy() {
  const folder = copy("altered");
  const name = readdirSync(join(folder, "browser")).find((file) => file.startsWith("records-")).replace(/\.js$/, "");
  const records = readData(folder, name);
  records[0].line = records[0].line.replace("\"status\":200", "\"status\":201");
  writeData(folder, name, records);
  const entries = readData(folder, "overview")["evidence-files"].flatMap((file) => readData(folder, file));
  return { folder, id: entries[0].id };
}

// --- checks

let failed = 0;

async function check(name, run) {
  try {
    const said = await run();
    console.log(`ok      browser: ${name}${said ? ` (${said})` : ""}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  browser: ${name}\n        ${String(error.stack ?? error).split("\n").slice(0, 12).join("\n        ")}`);
  }
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

// Opens a page and runs `run` with it; whatever the page complains about, or asks of a network, is a failure.
async function inPage(folder, hash, run, { mayComplain = false, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const complaints = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => request.url().startsWith("file:") || complaints.push(`asked for ${request.url()}`));
  page.on("dialog", (dialog) => { complaints.push("a dialog"); dialog.dismiss(); });
  try {
    await page.goto(pathToFileURL(join(folder, "index.html")).href + hash);
    await page.waitForSelector("main h1");
    await run(page);
    if (!mayComplain) assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}

const said = (page) => page.locator(".said").first().innerText();
const rows = (page) => page.locator("table.list tbody tr");

async function accessible(page, name) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
  const found = result.violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
  assert.deepEqual(found, [], name);
}

async function picture(page, name) {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

const overview = readData(source, "overview");
const findings = overview["findings-files"].flatMap((name) => readData(source, name));
const evidence = overview["evidence-files"].flatMap((name) => readData(source, name));
const failing = findings.filter((one) => one.outcome === "fail" && one.exception === null).length;
// A failure that a member of an answer decides.
const decided = findings.findIndex((one) => one.outcome === "fail" && overview.checks[one.check].id === "kms-key-rotation-enabled");

await check("opens from a disk, with what the assessment says", () => inPage(source, "", async (page) => {
  assert.match(await page.title(), /Evidence browser/);
  assert.ok((await page.locator("main").innerText()).includes(`${findings.length.toLocaleString("en")} findings`));
  await picture(page, "overview");
}));

await check("search and filters", () => inPage(source, "#/findings", async (page) => {
  assert.match(await said(page), new RegExp(`^${findings.length.toLocaleString("en")} findings`));
  await page.getByLabel("Status").selectOption("fail");
  assert.match(await said(page), new RegExp(`^${failing} findings`));
  await page.getByLabel("Severity").selectOption("high");
  const high = findings.filter((one) => one.outcome === "fail" && one.exception === null && overview.checks[one.check].severity === "high").length;
  assert.match(await said(page), new RegExp(`^${high} findings?`));
  await page.waitForFunction((text) => document.getElementById("announce").textContent.startsWith(text), String(high));
  assert.ok(page.url().includes("status=fail") && page.url().includes("severity=high"), page.url());
  await page.getByRole("button", { name: "Clear all" }).click();
  await page.getByRole("searchbox").fill("no such thing anywhere");
  await page.getByText("No findings match").first().waitFor();
  await page.getByRole("searchbox").fill("S3-BUCKET-TLS");
  const wanted = findings.filter((one) => overview.checks[one.check].id === "s3-bucket-tls-only").length;
  await page.waitForFunction((text) => document.querySelector(".said").textContent.startsWith(text), `${wanted} `);
  await picture(page, "findings");
  for (const [label, value] of [["Framework", overview.frameworks[0].reference.id], ["Account", findings[0].account], ["Region", "*"], ["Check", "s3-bucket-tls-only"]]) {
    await page.getByLabel(label, { exact: true }).selectOption(value);
  }
  assert.equal(await said(page), "No findings match");
}));

await check("from a control to its findings to a record", () => inPage(source, "#/controls", async (page) => {
  await picture(page, "controls");
  await page.getByRole("link", { name: /encryption/i }).first().click();
  await page.getByRole("heading", { name: "Checks" }).waitFor();
  await picture(page, "control");
  await page.getByRole("link", { name: /^All .* of this control/ }).click();
  await page.getByText("Only control").waitFor();
  await page.locator(".row-link").first().click();
  await page.getByText("Hash matches").first().waitFor();
  await page.locator(".record-head a").first().click();
  await page.getByRole("heading", { name: /^Record E-/ }).first().waitFor();
  await page.getByText("Hash matches").waitFor();
}));

await check("the lines that decide are marked, the command is the AWS CLI's", () => inPage(source, `#/finding/${decided}`, async (page) => {
  await page.getByText("Hash matches").first().waitFor();
  const marked = await page.locator(".decides").allInnerTexts();
  assert.ok(marked.some((line) => line.includes("KeyRotationEnabled") && line.includes("false")), JSON.stringify(marked));
  assert.match(await page.locator(".command code").first().innerText(), /^aws kms get-key-rotation-status --key-id \S+ --region us-east-1$/);
  await picture(page, "finding");
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator(".top nav").isVisible(), false);
  await picture(page, "finding-printed");
}));

await check("the hash of every record and the Merkle root", () => inPage(source, "#/integrity", async (page) => {
  await page.getByRole("button", { name: /^Check all/ }).click();
  await page.getByText(`The hashes of ${evidence.length.toLocaleString("en")} records are their ids.`).waitFor();
  await page.getByText("The Merkle root over all ids is the one that the manifest states.").waitFor();
  await picture(page, "integrity");
}));

await check("an altered record is shown as not matching", () => {
  const { folder, id } = alteredCopy();
  return inPage(folder, `#/record/${id}`, async (page) => {
    await page.getByText("Hash does not match").waitFor();
    assert.equal(await page.getByText("Hash matches").count(), 0);
    await picture(page, "altered");
    await page.getByRole("link", { name: "Integrity" }).click();
    await page.getByRole("button", { name: /^Check all/ }).click();
    await page.getByText(/Not what their ids say: 1 record of /).waitFor();
  });
});

await check("hostile values are text", () => inPage(hostileCopy(), "", async (page) => {
  for (const hash of ["#/findings?size=1000", "#/controls", ...HOSTILE.map((_, number) => `#/finding/${number}`), "#/"]) {
    await page.evaluate((to) => { location.hash = to; }, hash);
    await page.waitForTimeout(300);
    assert.equal(await page.evaluate(() => window.hostile), undefined, hash);
    assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll("main *")].map((one) => one.localName)
      .filter((name) => ["img", "script", "iframe", "object", "embed", "link", "style"].includes(name))), [], hash);
    const text = await page.evaluate(() => document.querySelector("main").textContent);
    assert.doesNotMatch(text, /[\u202a-\u202e\u2066-\u2069\u200b\u2028\u2029]/, hash);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${hash} is wider than the window`);
  }
  await page.evaluate(() => { location.hash = "#/finding/0"; });
  await page.getByText("<img src=x onerror=").first().waitFor();
  await page.evaluate((to) => { location.hash = to; }, "#/findings?q=gnp.exe");
  await page.locator("main td").getByText("\\u{202e}gnp.exe").first().waitFor();
  await picture(page, "hostile");
}));

await check("its policy forbids scripts, styles and connections of others", () => inPage(source, "", async (page) => {
  const refused = await page.evaluate(async () => {
    const ways = {
      markup: () => { document.body.innerHTML = "<b>x</b>"; },
      // Not right here: what a debugger evaluates may evaluate.
      code: () => new Promise((done, refuse) => { setTimeout(() => { try { done((0, eval)("1")); } catch (error) { refuse(error); } }); }),
      script: () => { const one = document.createElement("script"); one.src = "https://example.invalid/x.js"; },
      connection: () => fetch("https://example.invalid/"),
      file: () => fetch("index.html"),
    };
    const found = {};
    for (const [name, way] of Object.entries(ways)) {
      try { await way(); found[name] = "allowed"; } catch { found[name] = "refused"; }
    }
    return found;
  });
  assert.deepEqual([...new Set(Object.values(refused))], ["refused"], JSON.stringify(refused));
}, { mayComplain: true })); // what is refused is told on the console

await check("with the keyboard alone", () => inPage(source, "", async (page) => {
  const press = async (key, times = 1) => { for (let n = 0; n < times; n += 1) await page.keyboard.press(key); };
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.localName);
  await press("Tab");
  assert.equal(await focused(), "Skip to content");
  await press("Tab", 3);
  assert.equal(await focused(), "Findings");
  await press("Enter");
  await page.getByRole("heading", { name: "Findings" }).waitFor();
  assert.equal(await focused(), "Findings", "the heading of the new view has the focus");
  await press("/");
  assert.equal(await page.evaluate(() => document.activeElement.type), "search");
  await page.keyboard.type("s3-bucket-tls-only");
  await page.waitForFunction(() => location.hash.includes("q=s3-bucket-tls-only"));
  await press("Tab");
  await page.keyboard.type("Fail");
  await page.waitForFunction(() => location.hash.includes("status=fail"));
  for (let n = 0; n < 30 && !(await page.evaluate(() => document.activeElement.classList.contains("row-link"))); n += 1) await press("Tab");
  await press("Enter");
  await page.getByText("Hash matches").first().waitFor();
  for (let n = 0; n < 60 && (await focused()) !== "Copy"; n += 1) await press("Tab");
  assert.equal(await focused(), "Copy");
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none", "the focus is seen");
  await press("Enter");
  await page.waitForFunction(() => /command/.test(document.getElementById("announce").textContent));
  await page.goBack();
  await page.waitForFunction(() => location.hash.includes("status=fail"));
}));

for (const colorScheme of ["light", "dark"]) {
  await check(`nothing that axe finds fault with, ${colorScheme}`, async () => {
    const views = ["#/", "#/controls", "#/findings", `#/finding/${decided}`, "#/records", `#/record/${evidence[0].id}`, "#/integrity"];
    await inPage(source, "", async (page) => {
      for (const hash of views) {
        await page.evaluate((to) => { location.hash = to; }, hash);
        await page.waitForTimeout(500);
        await accessible(page, `${colorScheme} ${hash}`);
        if (colorScheme === "dark") await picture(page, `dark-${hash.replace(/\W+/g, "-").slice(0, 20)}`);
      }
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const [red] = ground.match(/\d+/g).map(Number);
      assert.equal(red < 128, colorScheme === "dark", ground);
    }, { colorScheme, bypassCSP: true });
  });
}

await check("a window as narrow as a telephone's", () => inPage(source, "#/findings", async (page) => {
  for (const hash of ["#/findings", "#/controls", `#/finding/${decided}`, "#/records", "#/"]) {
    await page.evaluate((to) => { location.hash = to; }, hash);
    await page.waitForTimeout(400);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${hash} is wider than the window`);
  }
}, { viewport: { width: 360, height: 740 } }));

await check("10,000 findings", async () => {
  const folder = largeCopy();
  const times = [];
  await inPage(folder, "#/findings", async (page) => {
    const first = await page.evaluate(() => performance.now());
    assert.match(await said(page), /^10,000 findings/);
    assert.ok(first < MOST_TO_FIRST_LIST, `the first list took ${first} ms`);
    times.push(`first list ${Math.round(first)} ms`);
    for (const [label, value] of [["Status", "fail"], ["Severity", "medium"], ["Account", "100000000007"], ["Region", "us-east-1"], ["Framework", overview.frameworks[0].reference.id]]) {
      const took = await page.evaluate(([title, chosen]) => {
        const field = [...document.querySelectorAll("select")].find((one) => one.labels[0]?.textContent === title);
        field.value = chosen;
        const start = performance.now();
        field.dispatchEvent(new Event("change", { bubbles: true }));
        document.body.getBoundingClientRect();
        return performance.now() - start;
      }, [label, value]);
      assert.ok(took < MOST_PER_FILTER, `${label} took ${took} ms`);
      times.push(`${label.toLowerCase()} ${Math.round(took)} ms`);
    }
    await page.getByRole("button", { name: "Clear all" }).click();
    const start = Date.now();
    await page.getByRole("searchbox").fill("bucket -99");
    await page.waitForFunction(() => !document.querySelector(".said").textContent.startsWith("10,000"));
    times.push(`search ${Date.now() - start} ms, of which it waits 120`);
    await page.getByRole("searchbox").fill("");
    await page.waitForFunction(() => document.querySelector(".said").textContent.startsWith("10,000"));
    await page.getByRole("button", { name: "Next" }).first().click();
    assert.match(await said(page), /51 to 100 shown/);
    assert.equal(await rows(page).count(), 50);
  });
  return times.join(", ");
});

await check("data that are not there are told, not shown as nothing", () => {
  const folder = copy("missing");
  writeFileSync(dataFile(folder, overview["findings-files"][0]), "");
  return inPage(folder, "", async (page) => {
    await page.getByRole("heading", { name: "The data cannot be read" }).waitFor();
  });
});

await browser.close();
process.exitCode = failed > 0 ? 1 : 0;
