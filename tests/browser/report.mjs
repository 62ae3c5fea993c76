// What was counted, and what failed.
export const tally = { pages: 0, audits: 0, violations: 0, reports: 0, elsewhere: 0, errors: 0, stories: 0, pictures: 0 };
const failures = new Set();

export function fail(where, what) {
  const failure = `${where}: ${what}`;
  if (!failures.has(failure)) process.stdout.write(`FAILED ${failure}\n`);
  failures.add(failure);
}

export function check(where, holds, what) {
  if (!holds) fail(where, what);
}

export const failed = () => failures.size;

/** Runs a part, and says how long it took. A part that cannot go on fails; the others run all the same. */
export async function part(name, run) {
  const begin = Date.now();
  process.stdout.write(`${name}\n`);
  try {
    await run();
  } catch (error) {
    fail(name, error.stack);
  }
  process.stdout.write(`${name}: ${((Date.now() - begin) / 1000).toFixed(1)} s\n`);
}
