// What a tab remembers over a reload: the keys that calls are sent with, and the values that they are
// filled with. It goes when the tab is closed; nothing of it is written to the browser's lasting store.

function read(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name)) ?? {};
  } catch {
    return {}; // storage is forbidden, or holds something else
  }
}

function write(name, value) {
  try {
    sessionStorage.setItem(name, JSON.stringify(value));
  } catch { /* forbidden or full: then it is kept until the next reload */ }
}

/** {token: "…", enterprise_id: "…", …}: the value of each security scheme that is in use. */
export const keptKeys = () => read("muster-keys");
export const keepKeys = (keys) => write("muster-keys", keys);

/** {product_key: "…", did: "…", …}: what parameters of these names are filled with. */
export const keptValues = () => read("muster-values");
export const keepValues = (values) => write("muster-values", values);
