// Pictures: a few for the documents, or every page in every look to be looked at.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { indexed } from './png.mjs';
import { visit } from './visitor.mjs';
import { check, tally } from './report.mjs';

const at = (path, lang) => `${path}${path.includes('?') ? '&' : '?'}lang=${lang}`;

/** The pictures that docs/console.md and README.md show. */
export async function documents(browser, story) {
  mkdirSync(story.documents, { recursive: true });
  for (const { name, path, lang, colorScheme, width, height } of story.documented) {
    const visitor = await visit(browser, story.address, story.tokens.rosa, { colorScheme, viewport: { width, height } });
    await visitor.page.goto(at(path, lang));
    const picture = indexed(await visitor.page.screenshot());
    check(name, picture.length < 100_000, `${picture.length} bytes`);
    writeFileSync(`${story.documents}/${name}.png`, picture);
    tally.pictures += 1;
    await visitor.close();
  }
}

/** Every page in both themes and two widths, and in the other language. */
export async function all(browser, story) {
  rmSync(story.shots, { recursive: true, force: true });
  mkdirSync(story.shots, { recursive: true });
  const looks = [['light', 1280, 'en'], ['dark', 375, 'en'], ['dark', 1280, 'de'], ['light', 375, 'de']];
  for (const [colorScheme, width, lang] of looks) {
    const visitor = await visit(browser, story.address, story.tokens.rosa, { colorScheme, viewport: { width, height: 860 } });
    for (const [name, path] of Object.entries(story.pictures)) {
      await visitor.page.goto(at(path, lang));
      await visitor.page.screenshot({ path: `${story.shots}/${name}-${lang}-${colorScheme}-${width}.png`, fullPage: true });
      tally.pictures += 1;
    }
    await visitor.close();
  }
}
