import { writeFileSync } from 'node:fs';
import { generatedPages } from './generated-pages.ts';

for (const page of generatedPages) {
  writeFileSync(new URL(`../${page.path}`, import.meta.url), await page.render());
  console.log(page.path);
}
