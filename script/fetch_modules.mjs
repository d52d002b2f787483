// Puts the packages of package-lock.json into node_modules, where there is no npm: node script/fetch_modules.mjs [--dev]
// Debian's npm is 359 packages. Its client of the npm registry (node-package-json) is 30, and none of our modules has
// a script to run at its installation. Each archive must have the checksum that package-lock.json says.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const dev = process.argv[2] === '--dev';
const { default: metadata } = await import(createRequire(import.meta.url).resolve('package-json'));

async function fetchModule(path, { version, integrity }) {
  const name = path.slice('node_modules/'.length);
  const answer = await fetch((await metadata(name, { version })).dist.tarball);
  const archive = Buffer.from(await answer.arrayBuffer());
  const [kind, expected] = integrity.split('-', 2);
  if (!answer.ok || createHash(kind).update(archive).digest('base64') !== expected)
    throw new Error(`${name} ${version}: not the archive that package-lock.json names`);
  const part = `${path}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  execFileSync('tar', ['-xzf', '-', '--strip-components=1', '--no-same-owner', '-C', part], { input: archive });
  rmSync(path, { recursive: true, force: true });
  renameSync(part, path);
}

const lock = JSON.parse(readFileSync('package-lock.json'));
for (const [path, entry] of Object.entries(lock.packages))
  if (path && (dev || !entry.dev)) await fetchModule(path, entry);
writeFileSync('node_modules/.package-lock.json', readFileSync('package-lock.json')); // as npm notes what it has installed
