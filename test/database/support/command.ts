import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

/** Runs an entry file to its end, with nothing in its environment but what is given. */
export async function run(
  entry: URL,
  environment: Readonly<Record<string, string>>,
  words: readonly string[] = [],
  input = '',
) {
  // Away from the project, where a developer's own .env would be read.
  const options = { env: environment, cwd: tmpdir() };
  const child = spawn(process.execPath, [entry.pathname, ...words], options);
  onTestFinished(() => void child.kill());
  child.stdin.end(input);
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  return { code, output: output + errors, lines: lines.map((line) => JSON.parse(line)) };
}
