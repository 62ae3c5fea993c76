// The console in a real browser. The story test `tests/it/console/browser.rs` starts the daemon, passes the address and
// the tokens in OFFBOARDD_BROWSER (JSON), and answers the commands of this program: one line on standard output that begins
// with `> `, answered by one line on standard input. The last line is the tally.
import { createInterface } from 'node:readline';
import { ROUNDS, gate, round, watchdogs } from './matrix.mjs';
import { all, documents } from './pictures.mjs';
import { failed, part, tally } from './report.mjs';
import { hostile, keyboard, run } from './stories.mjs';
import { launch } from './visitor.mjs';

const story = JSON.parse(process.env.OFFBOARDD_BROWSER);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Sends a command to the story, and waits for its answer. */
async function command(line) {
  process.stdout.write(`> ${line}\n`);
  return (await answers.next()).value;
}

const begin = Date.now();
const browser = await launch(story.chromium);
if (story.shots) await part('pictures of all pages', () => all(browser, story));
else {
  if (story.documents) await part('pictures for the documents', () => documents(browser, story));
  await part('watchdogs', () => watchdogs(browser, story));
  await part('sign-in', () => gate(browser, story));
  for (const one of ROUNDS) {
    const looks = one.looks.map((look) => look.join(' ')).join(', ');
    await part(`${one.role}, ${one.lang}: ${story.pages[one.role].length} pages in ${looks}`, () => round(browser, story, one));
  }
  await part('keyboard', () => keyboard(browser, story));
  await part('hostile values', () => hostile(browser, story));
  await part('stories with script', () => run(browser, story, true, command));
  await part('stories without script', () => run(browser, story, false, command));
}
await browser.close();
const seconds = ((Date.now() - begin) / 1000).toFixed(0);
const counts = Object.entries(tally).map(([name, count]) => `${count} ${name}`).join(', ');
process.stdout.write(`tally: ${counts}; ${failed()} failures; ${seconds} s\n`);
process.exit(failed() === 0 ? 0 : 1);
