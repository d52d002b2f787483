// The dialog for keys: they stay when the page is loaded anew, and those of which a token can be taken lead
// to one.

import { keepKeys, keptKeys } from "./kept.js";
import { credentialNames, fillBodies, fillProduct, takeToken, tokenIn } from "./token.js";

/** The product's key and secret, which are asked for like the enterprise's, but belong to no call's headers:
 * they go where access_token takes them. */
export function offerProductKeys(schemes, words) {
  schemes.product_key = { type: "apiKey", in: "path", name: "product_key", description: words.forToken };
  schemes.product_secret = { type: "apiKey", in: "body", name: "product_secret", description: words.forToken };
}

/** {plugin, answered, restore}; say tells the user what went wrong. */
export function keysOf(spec, base, words, say) {
  const schemes = spec.components.securitySchemes;
  let ui, restoring = false;

  const authorize = (values) => ui.authActions.authorize(Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { name, schema: schemes[name], value }])));

  function fillToken({ token, product_key }) {
    authorize({ token: `token ${token}`, product_key });
    fillProduct(ui, product_key);
  }

  async function use(keys) {
    fillBodies(ui, spec, keys);
    if (!credentialNames.every((name) => keys[name]))
      return;
    try {
      fillToken({ token: await takeToken(base, keys), product_key: keys.product_key });
      say("");
    } catch (error) {
      say(words.tokenFailed + error.message);
    }
  }

  const keeping = (original, { authSelectors }) => (payload) => {
    const result = original(payload);
    const keys = authSelectors.authorized().map((key) => key.get("value")).toJS();
    keepKeys(keys);
    if (!restoring && !("token" in payload) && credentialNames.some((name) => name in payload))
      use(keys);
    return result;
  };

  return {
    plugin: { statePlugins: { auth: { wrapActions: { authorize: keeping, logout: keeping } } } },
    answered(response) {
      const taken = tokenIn(response);
      if (taken)
        fillToken(taken);
      return response;
    },
    restore(shown) {
      ui = shown;
      restoring = true;
      const known = Object.entries(keptKeys()).filter(([name, value]) => name in schemes && value);
      if (known.length)
        authorize(Object.fromEntries(known));
      restoring = false;
    },
  };
}
