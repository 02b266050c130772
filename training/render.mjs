// Draws every icon of the listed styles and writes what Python trains on:
//   DIR/icons.rgba   one picture after another, SIZE x SIZE x 4 bytes, not premultiplied
//   DIR/icons.json   {size, icons: [{style, concept}]} in the same order; a concept is its code points in hex
//   DIR/concepts.json  {concept: {en: {name, tags}, zh: {name, tags}}}
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { join } from 'node:path';
import sharp from 'sharp';

const SIZE = 72;
const STYLES = ['twemoji', 'fluent-emoji-flat', 'fluent-emoji', 'emojione', 'fxemoji', 'noto', 'noto-v1'];
const STYLES_WITH_CODE_POINTS = ['twemoji', 'fluent-emoji-flat', 'noto'];
const SKIN_TONE = /1f3f[b-f]/;

const require = createRequire(import.meta.url);
const read = (name) => JSON.parse(readFileSync(require.resolve(name), 'utf8'));
const conceptOf = (hex) => hex.toLowerCase().replaceAll('-fe0f', '');
const squash = (name) => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');

function captions() {
  const concepts = {};
  for (const language of ['en', 'zh']) {
    for (const { hexcode, label, tags } of read(`emojibase-data/${language}/data.json`)) {
      const entry = (concepts[conceptOf(hexcode)] ??= {});
      entry[language] = { name: label, tags: tags ?? [] };
    }
  }
  return Object.fromEntries(Object.entries(concepts).filter(([, { en, zh }]) => en && zh));
}

/** Icon sets name the same drawing by slug, by CLDR name or by a chat service's short code. */
function conceptsByName(concepts) {
  const names = new Map();
  const add = (name, concept) => {
    if (!names.has(squash(name))) names.set(squash(name), concept);
  };
  for (const style of STYLES_WITH_CODE_POINTS) {
    for (const [hex, slug] of Object.entries(read(`@iconify-json/${style}/chars.json`))) {
      if (!SKIN_TONE.test(hex)) add(slug, conceptOf(hex));
    }
  }
  for (const [concept, { en }] of Object.entries(concepts)) add(en.name, concept);
  for (const list of ['emojibase', 'joypixels', 'github', 'iamcal']) {
    for (const [hex, codes] of Object.entries(read(`emojibase-data/en/shortcodes/${list}.json`))) {
      if (!SKIN_TONE.test(hex.toLowerCase())) for (const code of [codes].flat()) add(code, conceptOf(hex));
    }
  }
  return names;
}

function icons(concepts) {
  const names = conceptsByName(concepts);
  return STYLES.flatMap((style) => {
    const set = read(`@iconify-json/${style}/icons.json`);
    const seen = new Set();
    return Object.entries(set.icons).flatMap(([name, icon]) => {
      const concept = names.get(squash(name));
      if (concept === undefined || concepts[concept] === undefined || seen.has(concept)) return [];
      seen.add(concept);
      return [{ style, concept, svg: svgOf(icon, set) }];
    });
  });
}

function svgOf(icon, set) {
  const [left, top] = [icon.left ?? 0, icon.top ?? 0];
  const width = icon.width ?? set.width ?? 16;
  const height = icon.height ?? set.height ?? 16;
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${SIZE}" height="${SIZE}" viewBox="${left} ${top} ${width} ${height}">${icon.body}</svg>`;
}

async function draw(svg) {
  const background = { r: 0, g: 0, b: 0, alpha: 0 };
  return sharp(Buffer.from(svg)).resize(SIZE, SIZE, { fit: 'contain', background }).ensureAlpha().raw().toBuffer();
}

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: node render.mjs FOLDER');
mkdirSync(folder, { recursive: true });
const concepts = captions();
const found = icons(concepts);
const out = createWriteStream(join(folder, 'icons.rgba'));
for (let start = 0; start < found.length; start += 64) {
  const pictures = await Promise.all(found.slice(start, start + 64).map(({ svg }) => draw(svg)));
  if (!out.write(Buffer.concat(pictures))) await once(out, 'drain');
  process.stderr.write(`\rdrawn ${Math.min(start + 64, found.length)} of ${found.length}`);
}
out.end();
await once(out, 'finish');
const rows = found.map(({ style, concept }) => ({ style, concept }));
writeFileSync(join(folder, 'icons.json'), JSON.stringify({ size: SIZE, icons: rows }));
writeFileSync(join(folder, 'concepts.json'), JSON.stringify(concepts));
const counts = STYLES.map((style) => `${style} ${rows.filter((row) => row.style === style).length}`);
process.stderr.write(`\n${counts.join(', ')}; ${Object.keys(concepts).length} concepts\n`);
