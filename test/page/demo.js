// The demo as script/server runs it, or a server without one: on free ports, in a directory of its own.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const binary = process.env.MUSTER_BINARY ?? join(root, "build/muster");

async function serve(directory, options) {
  const server = spawn(binary, ["serve", "--data", join(directory, "data"), "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0",
    "--ops", "127.0.0.1:0", ...options], { stdio: ["ignore", "pipe", "ignore"] });
  for await (const line of createInterface(server.stdout)) {
    const address = line.match(/^muster ready .*\bhttp=(\S+)/)?.[1];
    if (address)
      return { server, address };
  }
  throw new Error("the server did not start");
}

const ended = (process) => new Promise((resolve) => {
  if (process.exitCode !== null || process.signalCode !== null)
    resolve();
  process.once("exit", resolve);
  process.kill("SIGTERM");
});

/** {url, credentials, stop()}; with credentials given away if `demo` is true. */
export async function startDemo({ demo }) {
  const directory = mkdtempSync(join(tmpdir(), "muster-page-"));
  const python = (script, ...args) => execFileSync("/usr/bin/python3", [join(root, "demo", script), ...args]);
  const file = (name) => join(directory, name);

  python("make_demo.py", directory);
  const credentials = JSON.parse(readFileSync(file("credentials.json"), "utf8"));
  const { server, address } = await serve(directory, demo ? ["--demo-credentials", file("credentials.json")] : []);
  execFileSync(binary, ["apply", "--data", file("data"), file("demo.json")]);
  python("fill_demo.py", address, directory);
  const simulator = spawn(binary, ["sim", "--http", `http://${address}`, "--product", credentials.product_key,
    "--definition", file("definition.json"), "--fleet", file("fleet.csv"), "--interval", "1"], { stdio: "ignore" });
  return {
    url: `http://${address}`,
    credentials,
    async stop() {
      await ended(simulator);
      await ended(server);
      rmSync(directory, { recursive: true });
    },
  };
}

export async function takeToken({ url, credentials }) {
  const answer = await fetch(`${url}/v1/products/${credentials.product_key}/access_token`,
    { method: "POST", body: JSON.stringify(credentials) });
  return (await answer.json()).token;
}

/** Waits until the simulated devices are there to be controlled. */
export async function untilOnline(demo) {
  const headers = { Authorization: `token ${await takeToken(demo)}` };
  const search = `${demo.url}/v1/products/${demo.credentials.product_key}/devices/search?is_online=1`;
  for (let tries = 0; tries < 600; tries++) {
    const { meta } = await (await fetch(search, { headers })).json();
    if (meta.total >= 20)
      return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the simulated devices did not come online");
}
