// The gallery of `npm start`: every icon of an icon set, drawn once.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import sharp from 'sharp';

const size = 128;
const set = '@iconify-json/noto';
const require = createRequire(import.meta.url);

/**
 * Draws the pictures of the gallery into `folder` unless they are there.
 *
 * @param {string} folder gets a folder of PNG files, named after what they show
 * @param {(done: number, total: number) => void} progress called now and then
 * @returns {Promise<string>} path of the folder with the pictures
 */
export async function drawGallery(folder, progress) {
  const { version } = JSON.parse(readFileSync(require.resolve(`${set}/package.json`), 'utf8'));
  const ready = path.join(folder, version);
  if (existsSync(ready)) return ready;
  const drawing = path.join(folder, `.${version}-${process.pid}`);
  mkdirSync(drawing, { recursive: true });
  try {
    const icons = JSON.parse(readFileSync(require.resolve(`${set}/icons.json`), 'utf8'));
    // One picture for each thing: those of other skin tones look too much alike.
    const names = Object.keys(icons.icons).filter((name) => !name.includes('skin-tone'));
    for (let start = 0; start < names.length; start += 32) {
      const some = names.slice(start, start + 32);
      await Promise.all(some.map((name) => draw(svgOf(icons, name), path.join(drawing, `${name}.png`))));
      progress(start + some.length, names.length);
    }
    renameSync(drawing, ready);
  } finally {
    rmSync(drawing, { recursive: true, force: true });
  }
  return ready;
}

function svgOf(icons, name) {
  const icon = icons.icons[name];
  const width = icon.width ?? icons.width;
  const height = icon.height ?? icons.height;
  const xlink = 'http://www.w3.org/1999/xlink';
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="${xlink}" width="${size}" height="${size}" viewBox="0 0 ${width} ${height}">${icon.body}</svg>`;
}

async function draw(svg, file) {
  await sharp(Buffer.from(svg)).resize(size, size, { fit: 'contain', background: '#fff0' }).png().toFile(file);
}
