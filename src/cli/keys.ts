import { Command } from 'commander';
import type { Origin } from '../domain/caller.ts';
import type { KeyRotation } from '../services/key-rotation.ts';
import type { Wiring } from '../wire.ts';

type Tools = {
  readonly withWiring: (use: (wiring: Wiring) => Promise<void>) => Promise<void>;
  readonly say: (line: string) => void;
  /** Whoever runs this, for the audit log. */
  readonly origin: Origin;
};

/** `kassa keys`: the keys that secrets in the database are sealed with. */
export function keysCommand({ withWiring, say, origin }: Tools): Command {
  const keys = new Command('keys').description('the keys that secrets are sealed with');
  keys
    .command('rotate')
    .description(
      'replaces keys while the server and the worker run, both kinds unless one is named; run it again after a crash. Exit code 1 if something could not be moved',
    )
    .option('--master', 'puts all data keys under the newest master key')
    .option('--data', 'makes new data keys, and seals everything anew')
    .action(async ({ master, data }: { master?: true; data?: true }) => {
      await withWiring(async ({ services: { keyRotation } }) => {
        const isBoth = !master && !data;
        if (master || isBoth) await rotateMaster(keyRotation, origin, say);
        if (data || isBoth) await rotateData(keyRotation, origin, say);
      });
    });
  keys
    .command('status')
    .description('says which keys are in use, and what is not sealed with those of today')
    .action(async () => {
      await withWiring(async ({ services: { keyRotation } }) => sayStatus(keyRotation, say));
    });
  return keys;
}

type Say = Tools['say'];

async function rotateMaster(rotation: KeyRotation, origin: Origin, say: Say): Promise<void> {
  const { kekId, rewrapped, failed } = await rotation.rotateMaster(origin);
  say(`master key "${kekId}": ${rewrapped} data keys put under it, ${failed} could not be opened`);
  if (failed > 0) process.exitCode = 1;
}

async function rotateData(rotation: KeyRotation, origin: Origin, say: Say): Promise<void> {
  const { renewed, resealed, unreadable, destroyed } = await rotation.rotateData(origin);
  say(
    `data keys: ${renewed} made, ${resealed} secrets sealed anew, ${unreadable} could not be read`,
  );
  say(`${destroyed} older data keys destroyed; those of today are kept for a day`);
  if (unreadable > 0) process.exitCode = 1;
}

async function sayStatus(rotation: KeyRotation, say: Say): Promise<void> {
  const { masterKey, keys, columns } = await rotation.status();
  say(`master key "${masterKey}" wraps what is new`);
  for (const { kekId, state, keys: count } of keys) {
    say(`data keys under "${kekId}", ${state}: ${count}`);
  }
  for (const { name, plain, current, older } of columns) {
    say(`${name}: ${current} sealed with keys of today, ${older} with older ones, ${plain} plain`);
  }
}
