// The token: how it is taken, and where it and what else is known are filled in without loading the page anew.

/** What a token is taken with. */
export const credentialNames = ["enterprise_id", "enterprise_secret", "product_key", "product_secret"];

export async function json(url, options) {
  const answer = await fetch(url, { cache: "no-store", ...options });
  const content = await answer.json();
  if (!answer.ok)
    throw new Error(content.detail_message ?? content.error_message);
  return content;
}

/** base is the server's address. Throws an Error with a text for the user. */
export async function takeToken(base, { enterprise_id, enterprise_secret, product_key, product_secret }) {
  const { token } = await json(new URL(`v1/products/${encodeURIComponent(product_key)}/access_token`, base), {
    method: "POST",
    body: JSON.stringify({ enterprise_id, enterprise_secret, product_secret }),
  });
  return token;
}

/** The product whose token an answer brings, with the token; nothing if it is another answer. */
export function tokenIn({ ok, url, text }) {
  const product_key = ok && new URL(url).pathname.match(/\/v1\/products\/([^/]+)\/access_token$/)?.[1];
  return product_key && { product_key: decodeURIComponent(product_key), token: JSON.parse(text).token };
}

/** A token opens its product only, so every call that takes one gets that. */
export function fillProduct(ui, product_key) {
  const paths = ui.specSelectors.specJson().get("paths");

  paths.forEach((calls, path) => calls.forEach((call, method) => {
    if (!call.get("security").some((one) => one.has("token")))
      return;
    call.get("parameters").filter((one) => one.get("name") === "product_key")
      .forEach((one) => ui.specActions.changeParamByIdentity([path, method], one, product_key));
  }));
}

/** Fills the bodies that carry the enterprise's credentials. */
export function fillBodies(ui, spec, keys) {
  for (const [path, calls] of Object.entries(spec.paths)) {
    for (const [method, { requestBody }] of Object.entries(calls)) {
      const body = requestBody?.content["application/json"].example;
      if (!body || !("enterprise_secret" in body))
        continue;
      const filled = Object.fromEntries(Object.entries(body).map(([name, value]) => [name, keys[name] ?? value]));
      ui.oas3Actions.setRequestBodyValue({ value: JSON.stringify(filled, null, 2), pathMethod: [path, method] });
    }
  }
}
