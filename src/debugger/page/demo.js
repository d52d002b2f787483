// The demo's credentials, which the server gives away only when it was started to: takes a token with
// them and looks for things to fill the calls with.

import { json, takeToken } from "./token.js";

/** What the names of `wanted` are called in the first row that a search finds; nothing if it finds none. */
async function firstRow(url, headers, wanted) {
  const { objects: [row] } = await json(url, { headers });
  return row && Object.fromEntries(wanted.map((name) => [name, row[name]]));
}

/** {token, values}; base is the server's address. Throws an Error with a text for the user. */
export async function useDemo(base) {
  const credentials = await json("demo.json");
  const { product_key } = credentials;
  const product = new URL(`v1/products/${product_key}/`, base);
  const token = await takeToken(base, credentials);
  const headers = { Authorization: `token ${token}` };
  const devices = new URL("devices/search?limit=1", product);
  const device = await firstRow(`${devices}&is_online=1`, headers, ["did", "mac"])
    ?? await firstRow(devices, headers, ["did", "mac"]);
  const user = await firstRow(new URL(`v1/users/search?limit=1&product_key=${product_key}`, base), headers,
    ["uid"]);
  const [gid] = Object.keys(await json(new URL("device_groups", product), { headers }));
  return { token, values: { ...credentials, ...device, ...user, ...(gid && { gid }) } };
}
