// Puts the packages of package-lock.json into node_modules, where there is no npm: node script/fetch_modules.mjs [--dev]
// Debian's npm is 359 packages. Its client of the npm registry (node-package-json) is 30. Scripts that a module has for
// its installation are not run: only @scarf/scarf has one, which counts installations. Each archive must have the
// checksum that package-lock.json says.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const dev = process.argv[2] === '--dev';
const { default: metadata } = await import(createRequire(import.meta.url).resolve('package-json'));

async function fetchArchive(name, version) {
  try {
    const answer = await fetch((await metadata(name, { version })).dist.tarball);
    if (!answer.ok) throw new Error(`HTTP status ${answer.status}`);
    return Buffer.from(await answer.arrayBuffer());
  } catch (error) {
    // Where it does not reach the registry, package-json stumbles over the answer that is not there.
    const why = error instanceof TypeError && !error.cause ? 'no answer' : (error.cause ?? error).message;
    throw new Error(`cannot fetch ${name} ${version} from the npm registry: ${why}`);
  }
}

async function fetchModule(path, { version, integrity }) {
  const name = path.slice('node_modules/'.length);
  const archive = await fetchArchive(name, version);
  const [kind, expected] = integrity.split('-', 2);
  if (createHash(kind).update(archive).digest('base64') !== expected)
    throw new Error(`${name} ${version}: not the archive that package-lock.json names`);
  const part = `${path}.part`;
  try {
    mkdirSync(part, { recursive: true });
    execFileSync('tar', ['-xzf', '-', '--strip-components=1', '--no-same-owner', '-C', part], { input: archive });
    rmSync(path, { recursive: true, force: true });
    renameSync(part, path);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

const lock = JSON.parse(readFileSync('package-lock.json'));
try {
  for (const [path, entry] of Object.entries(lock.packages))
    if (path && (dev || !entry.dev)) await fetchModule(path, entry);
} catch (error) {
  console.error(`script/fetch_modules.mjs: ${error.message}`);
  process.exit(1);
}
writeFileSync('node_modules/.package-lock.json', readFileSync('package-lock.json')); // as npm notes what it has installed
