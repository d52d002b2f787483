// Chromium, and the debugger's page in it. A page may not raise an error, violate its policy or ask any other
// host for anything: whatever of that happens fails the test that opened it.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const options = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

export const launch = () => chromium.launch({ executablePath: "/usr/bin/chromium", args: options });

/** Opens an address and waits for the calls; language is the browser's. */
export async function open(t, browser, address, { language = "en-US", prepare = () => {} } = {}) {
  const context = await browser.newContext({ locale: language, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const wrong = [];

  page.setDefaultTimeout(240_000);
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // Chromium itself notes every answer over 399 so, also those that a test asks for.
    if (["error", "warning"].includes(message.type()) && !message.text().startsWith("Failed to load resource"))
      wrong.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== new URL(address).origin && protocol !== "data:")
      wrong.push(`request to elsewhere: ${request.url()}`);
  });
  await page.addInitScript(() => document.addEventListener("securitypolicyviolation",
    (event) => console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`)));
  t.after(async () => {
    await context.close();
    assert.deepEqual(wrong, []);
  });
  await prepare(page);
  await page.goto(address);
  return page;
}

export const call = (page, id) => page.locator(`.opblock[id$="-${id}"]`);

/** Opens a call if it is closed. */
export async function unfold(page, id) {
  const block = call(page, id);
  if (!await block.locator(".opblock-body").count())
    await block.locator(".opblock-summary-control").click();
  await block.locator(".execute").waitFor();
  return block;
}

/** Sends a call as it is filled in; what the page then shows of it. */
export async function send(page, id) {
  const block = await unfold(page, id);
  await block.locator(".execute").click();
  const live = block.locator(".live-responses-table .response");
  await live.waitFor();
  const pres = await live.locator(".response-col_description pre").allInnerTexts();
  return {
    curl: await block.locator(".curl-command .curl").innerText(),
    url: await block.locator(".request-url pre").innerText(),
    status: Number((await live.locator(".response-col_status").innerText()).split("\n")[0]),
    headers: pres.find((text) => /^\s*content-length: /m.test(text)) ?? "",
    body: pres[0],
  };
}

/** Types keys into the dialog: {token: "…"} or {enterprise_id: "…", enterprise_secret: "…"}. */
export async function authorize(page, keys) {
  await page.locator(".auth-wrapper > .authorize").click();
  for (const [name, value] of Object.entries(keys)) {
    const form = page.locator(".auth-container form").filter({ has: page.locator(`h4 code:text-is("${name}")`) });
    await form.locator("input").fill(value);
    await form.locator("button.authorize").click();
    await form.locator("h6").waitFor();
  }
  await page.locator(".close-modal").click();
}

export async function useDemo(page) {
  await page.locator("#demo").click();
  await page.locator("#demo.used").waitFor();
  await page.locator(".opblock").first().waitFor();
}
