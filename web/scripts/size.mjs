// Says what each page weighs when it is the first one that somebody opens, everything included, compressed as the server
// sends it, and fails when one is over the limit of 300 KB.
import { readFileSync, readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';

const limit = 300_000;
const dist = new URL('../dist/', import.meta.url).pathname;
const manifest = JSON.parse(readFileSync(join(dist, '.vite/manifest.json'), 'utf8'));
const weights = new Map();
const weigh = (file) => {
  if (!weights.has(file)) weights.set(file, gzipSync(readFileSync(join(dist, file)), { level: 6 }).length);
  return weights.get(file);
};

function gather(key, files) {
  const chunk = manifest[key];
  for (const file of [chunk.file, ...(chunk.css ?? []), ...(chunk.assets ?? [])]) files.add(file);
  for (const other of chunk.imports ?? []) if (!files.has(manifest[other].file)) gather(other, files);
  return files;
}

const total = (files) => [...files].reduce((sum, f) => sum + weigh(f), 0);
const base = gather('index.html', new Set(['index.html', ...readdirSync(dist).filter((f) => f.endsWith('.svg'))]));
let failed = false;
const pages = Object.keys(manifest).filter((k) => k.startsWith('src/pages/') && manifest[k].isDynamicEntry);
console.log(`${(total(base) / 1000).toFixed(1).padStart(7)} KB  the shell`);
for (const page of pages.sort()) {
  const size = total(gather(page, new Set(base)));
  const over = size > limit;
  failed ||= over;
  console.log(`${(size / 1000).toFixed(1).padStart(7)} KB  ${page}${over ? `  OVER the limit of ${limit / 1000} KB` : ''}`);
}
if (pages.length === 0) {
  console.log('no page was built');
  failed = true;
}
process.exit(failed ? 1 : 0);
