// Opens pages in Chromium as people see them and prints what is wrong as JSON.
// usage: node check.mjs TOOLS '{"address":"http://..","token":"..","pages":["/"],"shots":"DIR"}'
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const [tools, wish] = process.argv.slice(2);
const require = createRequire(resolve(tools, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const { address, token, pages, shots, only } = JSON.parse(wish);

const modes = [
  { name: "light", viewport: { width: 1280, height: 900 } },
  { name: "dark", viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  { name: "phone", viewport: { width: 360, height: 780 } },
  { name: "forced", viewport: { width: 1280, height: 900 }, forcedColors: "active" },
  { name: "contrast", viewport: { width: 1280, height: 900 }, contrast: "more" },
].filter((mode) => !only || only.includes(mode.name));

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const results = [];
for (const mode of modes) {
  const { name, ...options } = mode;
  // axe is injected by the driver, outside the page's own policy.
  const context = await browser.newContext({ ...options, bypassCSP: false });
  const page = await context.newPage();
  const messages = [];
  page.on("console", (message) => messages.push(message.text()));
  page.on("pageerror", (error) => messages.push(String(error)));
  if (token) await page.goto(`${address}/?token=${token}`);
  for (const path of pages) {
    messages.length = 0;
    const answer = await page.goto(address + path);
    const text = await page.innerText("body");
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    const said = [...messages];
    await page.evaluate(axe);
    const { violations, passes } = await page.evaluate(() => window.axe.run(document));
    if (shots) await page.screenshot({ path: join(shots, `${path.replace(/[^a-z]+/g, "-").replace(/^-|-$/g, "") || "tonight"}-${name}.png`), fullPage: true });
    results.push({
      path, mode: name, status: answer.status(), text, messages: said, overflow: wide,
      passes: passes.length,
      violations: violations.map((v) => `${v.id}: ${v.help} at ${v.nodes.slice(0, 3).map((n) => n.target.join(" ")).join(", ")}`),
    });
  }
  await context.close();
}
await browser.close();
console.log(JSON.stringify(results));
