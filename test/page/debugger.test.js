// The debugger in Chromium, on the demo.

import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { after, before, test } from "node:test";

import { authorize, call, launch, open, send, unfold, useDemo } from "./browser.js";
import { startDemo, takeToken, untilOnline } from "./demo.js";

const search = "get_v1_products_product_key_devices_search";
const unbind = "delete_v1_products_product_key_devices_bindings";
const product = (id) => id.replace("*", "v1_products_product_key");
let browser, demo, bare;

before(async () => {
  [browser, demo, bare] = await Promise.all([launch(), startDemo({ demo: true }), startDemo({ demo: false })]);
  await untilOnline(demo);
});

after(async () => {
  await browser?.close();
  await Promise.all([demo?.stop(), bare?.stop()]);
});

test("on the demo every call works as it is filled in, and its address, curl line, answer and headers are seen", async (t) => {
  const page = await open(t, browser, `${demo.url}/docs`, { language: "zh-CN" });
  await useDemo(page);
  const ids = await page.locator(".opblock").evaluateAll((all) => all.map((one) => one.id.split("-").at(-1)));
  assert.ok(ids.length >= 40, `${ids.length} calls`);
  for (const id of ids) {
    const seen = await send(page, id);
    const refused = id === product("delete_*_device_groups_gid"); // the demo's group has devices
    assert.ok(refused ? seen.status === 400 : [200, 201].includes(seen.status), `${id}: ${seen.status} ${seen.body}`);
    assert.ok(seen.url.startsWith(`${demo.url}/`), seen.url);
    assert.ok(seen.curl.startsWith(`curl -X '${id.split("_")[0].toUpperCase()}'`), seen.curl);
    assert.ok(seen.curl.includes(`'${seen.url}'`), seen.curl);
    assert.equal(typeof JSON.parse(seen.body), "object");
    assert.match(seen.headers, /x-request-id: [0-9a-f]{16}/);
    if (id !== "get_openapi_json") { // that call knows no caller
      assert.match(seen.headers, /x-ratelimit-limit: 3600/);
      assert.match(seen.headers, /x-ratelimit-remaining: \d+/);
      assert.match(seen.headers, /x-ratelimit-reset: \d+/);
    }
    if (!/access_token|association|openapi/.test(id))
      assert.match(seen.curl, /-H 'Authorization: token [0-9a-f]{32}'/);
    await call(page, id).locator(".opblock-summary-control").click();
  }
});

test("a token that is typed in goes with the calls", async (t) => {
  const page = await open(t, browser, `${bare.url}/docs/`);
  const block = await unfold(page, search);
  await block.locator('[data-param-name="product_key"] input').fill(bare.credentials.product_key);
  const stranger = await send(page, search);
  assert.equal(stranger.status, 400);
  assert.equal(JSON.parse(stranger.body).error_code, 5009);
  const token = `token ${await takeToken(bare)}`;
  await authorize(page, { token });
  const known = await send(page, search);
  assert.equal(known.status, 200);
  assert.equal(JSON.parse(known.body).meta.total, 30);
  assert.ok(known.curl.includes(`-H 'Authorization: ${token}'`), known.curl);
});

test("optional fields are empty, required ones are filled", async (t) => {
  const page = await open(t, browser, `${bare.url}/docs/`);
  const { paths } = await (await fetch(`${bare.url}/openapi.json`)).json();
  const calls = Object.values(paths).flatMap(Object.values);
  await page.waitForFunction((count) => document.querySelectorAll(".opblock").length === count, calls.length);
  const ids = await page.locator(".opblock").evaluateAll((all) => all.map((one) => one.id.split("-").at(-1)));
  let optional = 0;
  for (const id of ids) {
    const block = await unfold(page, id);
    const count = calls.find((one) => one.operationId === id).parameters?.length ?? 0;
    if (count)
      await block.locator("tr[data-param-name]").nth(count - 1).waitFor(); // they come after the button
    const fields = await block.locator("tr[data-param-name]").evaluateAll((rows) => rows.map((row) => ({
      name: row.dataset.paramName, required: row.querySelector(".parameter__name.required") !== null,
      value: row.querySelector("input, select").value })));
    for (const { name, required, value } of fields) {
      assert.equal(value !== "", required, `${id}: ${name} = '${value}'`);
      optional += !required;
    }
    await block.locator(".opblock-summary-control").click();
  }
  assert.ok(optional > 40, `${optional}`);
});

const bodyOf = async (page, id) => JSON.parse(await (await unfold(page, id)).locator("textarea.body-param__text").inputValue());

test("a body has the fields that it must have, and one of those of which it must have one", async (t) => {
  const page = await open(t, browser, `${bare.url}/docs/`);
  assert.deepEqual(await bodyOf(page, product("post_*_device_groups")), {});
  assert.deepEqual(Object.keys(await bodyOf(page, product("put_*_device_groups_gid"))), ["action", "macs"]);
  assert.deepEqual(Object.keys(await bodyOf(page, product("post_*_devices_did_control"))), ["attrs"]);
});

const tokenTaken = (page) => page.waitForFunction(() => JSON.parse(sessionStorage.getItem("muster-keys"))?.token);

test("a token is taken once the credentials for it are authorized, and goes with the calls", async (t) => {
  const page = await open(t, browser, `${bare.url}/docs/`);
  const { enterprise_id, enterprise_secret, product_key, product_secret } = bare.credentials;
  await unfold(page, search); // a call that is open is filled, too
  await authorize(page, { enterprise_id, enterprise_secret, product_key, product_secret });
  await tokenTaken(page);
  const known = await send(page, search);
  assert.equal(known.status, 200, known.body);
  assert.ok(known.url.includes(product_key) && /Authorization: token [0-9a-f]{32}/.test(known.curl), known.curl);
  await page.reload();
  await call(page, search).locator(".execute").waitFor(); // the address has its link, which opens it
  assert.equal((await send(page, search)).status, 200);
});

test("credentials that are wrong are said", async (t) => {
  const page = await open(t, browser, `${bare.url}/docs/`);
  const { enterprise_id, product_key, product_secret } = bare.credentials;
  await page.locator(".opblock").first().waitFor();
  await authorize(page, { enterprise_id, product_key, product_secret, enterprise_secret: "0".repeat(32) });
  await page.locator("#message").waitFor();
  assert.match(await page.locator("#message").innerText(), /^No token could be taken: /);
});

test("the enterprise's credentials are filled into the calls whose bodies take them, and a token that a call brings is used", async (t) => {
  const page = await open(t, browser, `${bare.url}/docs/`);
  const { enterprise_id, enterprise_secret, product_key, product_secret } = bare.credentials;
  const take = product("post_*_access_token");
  await unfold(page, take);
  await authorize(page, { enterprise_id, enterprise_secret });
  const body = await bodyOf(page, take);
  assert.deepEqual([body.enterprise_id, body.enterprise_secret], [enterprise_id, enterprise_secret]);
  const block = call(page, take);
  await block.locator("textarea.body-param__text").fill(JSON.stringify({ ...body, product_secret }));
  await block.locator('[data-param-name="product_key"] input').fill(product_key);
  const taken = await send(page, take);
  assert.equal(taken.status, 201, taken.body);
  const seen = await send(page, search);
  assert.equal(seen.status, 200, seen.body);
  assert.ok(seen.curl.includes(`Authorization: token ${JSON.parse(taken.body).token}`), seen.curl);
  assert.ok(seen.url.includes(product_key), seen.url);
});

test("the enterprise's headers that are typed in go with the calls that take them", async (t) => {
  const page = await open(t, browser, `${bare.url}/docs/`);
  const { enterprise_id, enterprise_secret, product_key } = bare.credentials;
  await authorize(page, { enterprise_id, enterprise_secret });
  const block = await unfold(page, "get_v1_users_search");
  await block.locator('[data-param-name="product_key"] input').fill(product_key);
  const seen = await send(page, "get_v1_users_search");
  assert.equal(seen.status, 200);
  assert.ok(JSON.parse(seen.body).meta.total > 0);
  assert.ok(seen.curl.includes(`-H 'X-Gizwits-Enterprise-ID: ${enterprise_id}'`), seen.curl);
  assert.ok(seen.curl.includes(`-H 'X-Gizwits-Enterprise-Secret: ${enterprise_secret}'`), seen.curl);
  assert.ok(!seen.curl.includes("Authorization"), seen.curl);
});

test("a DELETE is sent with its JSON body", async (t) => {
  const page = await open(t, browser, `${demo.url}/docs/`);
  await useDemo(page);
  assert.equal((await send(page, unbind.replace("delete", "post"))).status, 201);
  const sent = page.waitForRequest((one) => one.method() === "DELETE");
  const seen = await send(page, unbind);
  const body = (await sent).postDataJSON();
  assert.deepEqual(Object.keys(body), ["uid", "appid", "dids"]);
  assert.equal(seen.status, 200);
  assert.deepEqual(JSON.parse(seen.body), { success: body.dids, failed: [] });
  assert.ok(seen.curl.includes("-H 'Content-Type: application/json'") && seen.curl.includes(`"uid": "${body.uid}"`));
});

test("a required field that is empty keeps a call from being sent", async (t) => {
  const page = await open(t, browser, `${demo.url}/docs/`, { language: "zh-CN" });
  const id = product("get_*_device_detail");
  const block = await unfold(page, id);
  await block.locator('[data-param-name="mac"] input').fill("");
  await block.locator(".execute").click();
  await block.locator(".validation-errors").waitFor();
  assert.match(await block.locator(".validation-errors").innerText(), /请改正以下错误后重试。\s+mac：此项必填。/);
  assert.equal(await block.locator(".live-responses-table").count(), 0);
});

test("a server without a demo offers none", async (t) => {
  const asked = [];
  const page = await open(t, browser, `${bare.url}/docs/`,
    { prepare: (one) => one.on("request", (request) => asked.push(new URL(request.url()).pathname)) });
  await page.locator(".opblock").first().waitFor();
  assert.equal(await page.locator("#demo").isVisible(), false);
  assert.ok(!asked.some((path) => path.includes("demo.json")));
});

// --- languages -----------------------------------------------------------------------------------------------

test("the page speaks the browser's language, the one that is chosen instead, and keeps keys meanwhile", async (t) => {
  const page = await open(t, browser, `${demo.url}/docs/`, { language: "zh-CN" });
  await useDemo(page);
  assert.equal(await page.title(), "muster 企业 API · 在线调试");
  assert.equal(await page.locator(".auth-wrapper > .authorize").innerText(), "授权");
  await unfold(page, search);
  await page.getByRole("button", { name: "English" }).click();
  const block = call(page, search);
  await block.locator(".execute", { hasText: "Execute" }).waitFor(); // the call is still open
  assert.equal(await page.title(), "muster enterprise API · Online debugging");
  assert.equal((await send(page, search)).status, 200);
  await page.goto(`${demo.url}/docs/`);
  await page.locator(".auth-wrapper > .authorize", { hasText: "Authorize" }).waitFor();
  await page.getByRole("button", { name: "中文" }).click();
  await page.locator(".auth-wrapper > .authorize", { hasText: "授权" }).waitFor();
});

test("in Chinese every word of the page is Chinese", async (t) => {
  const page = await open(t, browser, `${demo.url}/docs/`, { language: "zh-CN" });
  await useDemo(page);
  await send(page, unbind);
  const block = call(page, unbind);
  assert.equal(await block.locator(".try-out__btn").innerText(), "取消");
  await block.locator(".try-out__btn").click();
  assert.equal(await block.locator(".try-out__btn").innerText(), "试一下");
  const english = () => page.evaluate(() => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    // Code, types and the texts of the document stay as they are; so do the API's error messages.
    const kept = "script, noscript, code, pre, textarea, select, .parameter__name, .parameter__type, .parameter__in, "
      + ".opblock-summary, .opblock-tag, .renderedMarkdown, .headers td, #about, #languages, #title, footer";
    while (walker.nextNode()) {
      const { nodeValue, parentElement } = walker.currentNode;
      if (/[A-Za-z]{2}/.test(nodeValue) && parentElement.checkVisibility() && !parentElement.closest(kept))
        found.push(nodeValue.trim());
    }
    return found;
  });
  assert.deepEqual(await english(), ["curl 命令"]);
  await page.locator(".auth-wrapper > .authorize").click();
  await page.locator(".modal-ux").waitFor();
  assert.deepEqual((await english()).filter((text) => !["curl 命令", "(apiKey)"].includes(text)), []);
});

// --- addresses -----------------------------------------------------------------------------------------------

test("a link opens its call, also one with the chapter in the other language or in the old form", async (t) => {
  for (const [language, link] of [["en-US", `#/Devices/${search}`], ["zh-CN", `#/Devices/${search}`],
    ["en-US", `#!/${encodeURIComponent("设备管理")}/${search}`]]) {
    const page = await open(t, browser, `${demo.url}/docs/${link}`, { language });
    await call(page, search).locator(".execute").waitFor();
    assert.equal(await page.locator(".opblock.is-open").count(), 1);
    const chapter = encodeURIComponent(language === "zh-CN" ? "设备管理" : "Devices");
    await page.waitForURL(`${demo.url}/docs/#/${chapter}/${search}`);
  }
});

test("a link that names no chapter opens its call, as those of the API's document do", async (t) => {
  const id = "get_v1_products_product_key_users_search";
  for (const link of [`#!/${id}`, `#/${id}`, `#${id}`, `#!/${id}/`]) {
    const page = await open(t, browser, `${bare.url}/docs/${link}`);
    await call(page, id).locator(".execute").waitFor();
    assert.equal(await page.locator(".opblock.is-open").count(), 1);
  }
});

test("a link to a chapter in either language leads to it", async (t) => {
  for (const [language, chapter] of [["en-US", "用户报表"], ["zh-CN", "User reports"], ["en-US", "User reports"]]) {
    const page = await open(t, browser, `${bare.url}/docs/#/${encodeURIComponent(chapter)}`, { language });
    const shown = page.locator(".opblock-tag", { hasText: language === "zh-CN" ? "用户报表" : "User reports" });
    await shown.waitFor();
    await page.waitForFunction(() => scrollY > 1000);
    assert.ok(page.url().includes("#/"), page.url());
  }
});

test("the server's address alone leads to the page", async (t) => {
  const page = await open(t, browser, bare.url);
  await page.locator(".opblock").first().waitFor();
  assert.equal(new URL(page.url()).pathname, "/docs/");
});

test("a link that is pasted into the open page opens its call, too", async (t) => {
  const page = await open(t, browser, `${bare.url}/docs/`);
  await page.locator(".opblock").first().waitFor();
  await page.goto(`${bare.url}/docs/#/Devices/${search}`);
  await call(page, search).locator(".execute").waitFor();
});

test("a link to nothing shows all calls", async (t) => {
  for (const link of ["#/Nothing/get_nothing", "#/%E4%A", "#/", "#"]) {
    const page = await open(t, browser, `${demo.url}/docs/${link}`);
    await page.locator(".opblock").first().waitFor();
    assert.equal(await page.locator(".opblock.is-open").count(), 0);
  }
});

test("behind a reverse proxy with a prefix the page loads and sends below the prefix", async (t) => {
  const target = new URL(demo.url);
  const proxy = createServer((req, res) => {
    if (!req.url.startsWith("/cloud/"))
      return res.writeHead(404).end();
    req.pipe(request({ host: target.hostname, port: target.port, method: req.method, headers: req.headers,
      path: req.url.slice("/cloud".length) }, (answer) => {
      res.writeHead(answer.statusCode, answer.headers);
      answer.pipe(res);
    }));
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const base = `http://127.0.0.1:${proxy.address().port}/cloud`;
  const page = await open(t, browser, `${base}/docs`);
  await useDemo(page);
  const seen = await send(page, search);
  assert.equal(seen.status, 200);
  assert.ok(seen.url.startsWith(`${base}/v1/products/`), seen.url);
});

// --- failures ------------------------------------------------------------------------------------------------

test("a description that cannot be loaded is said", async (t) => {
  const page = await open(t, browser, `${demo.url}/docs/`, {
    language: "zh-CN",
    prepare: (one) => one.route("**/openapi.json*", (route) => route.fulfill({ status: 503, body: "" })),
  });
  await page.locator("#message").waitFor();
  assert.match(await page.locator("#message").innerText(), /^无法加载接口文档：503/);
});

test("credentials of the demo that are refused are said, and can be tried again", async (t) => {
  const page = await open(t, browser, `${demo.url}/docs/`, {
    prepare: (one) => one.route("**/access_token", (route) => route.fulfill({
      status: 400, json: { error_message: "enterprise secret error", error_code: 5004, detail_message: null } }),
    { times: 1 }),
  });
  await page.locator("#demo").click();
  await page.locator("#message").waitFor();
  assert.equal(await page.locator("#message").innerText(), "The demo's credentials could not be used: enterprise secret error");
  await useDemo(page);
  assert.equal((await send(page, search)).status, 200);
});

test("a request that does not get through is said", async (t) => {
  const page = await open(t, browser, `${demo.url}/docs/`, { language: "zh-CN" });
  await page.route("**/v1/**", (route) => route.abort());
  const block = await unfold(page, search);
  await block.locator(".execute").click();
  await block.locator(".live-responses-table").waitFor();
  assert.match(await block.locator(".live-responses-table").innerText(), /请求未能送达。/);
});
