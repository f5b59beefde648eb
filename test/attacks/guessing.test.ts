import { limits } from '../../src/domain/limits.ts';
import { browserIn } from '../support/accounts.ts';
import { attack, type Tally } from './support/attack.ts';
import { type Plan, plans, type Slot, withValue } from './support/requests.ts';
import { samplePassword } from './support/samples.ts';
import { openScene } from './support/scene.ts';

// Passwords that are guessed: many for one account, one for many, and from many addresses.

const scene = await openScene({ RATE_LIMITS: 'on', TRUSTED_PROXIES: '127.0.0.0/8' });
const { gateway, client, mine, newMember } = scene;
const tries = 1_000;

type Guess = { readonly email: string; readonly password: string; readonly address: string };

async function signIn({ email, password, address }: Guess): Promise<number> {
  const { status } = await client.ask({
    method: 'POST',
    path: '/api/auth/sign-in',
    headers: [
      ...['Origin', gateway.publicUrl, 'Content-Type', 'application/json'],
      ...['X-Forwarded-For', address],
    ],
    body: JSON.stringify({ email, password }),
  });
  return status;
}

/** How many guesses were looked at: all others were refused before. */
async function guess(tally: Tally, most: number, guessOf: (at: number) => Guess): Promise<number> {
  let looked = 0;
  for (let at = 0; at < tries; at += 1) {
    const status = await signIn(guessOf(at));
    if (status !== 429) looked += 1;
    const isBounded = looked <= most && status !== 200 && status < 500;
    tally.tried(`guess ${at}`, isBounded ? undefined : `${status}, ${looked} were looked at`);
  }
  tally.note(`${looked} of ${tries} guesses were looked at, ${most} may be`);
  return looked;
}

attack('A26', 'many passwords for one account, from one address', async (tally) => {
  const { email } = await newMember(mine);
  await guess(tally, limits['sign-in-account-address'].points, (at) => ({
    email: at % 2 === 0 ? email : email.toUpperCase(),
    password: `wrong password ${at}`,
    address: '198.51.100.1',
  }));
});

attack('A26', 'one password for many accounts, from one address', async (tally) => {
  await guess(tally, limits['sign-in-address'].points, (at) => ({
    email: `account-${at}@people.example`,
    password: samplePassword,
    address: '198.51.100.2',
  }));
});

attack(
  'A26',
  'many addresses for one account, whose owner comes in all the same',
  async (tally) => {
    const { email } = await newMember(mine);
    const browser = browserIn(gateway);
    const credentials = { email, password: samplePassword };
    await browser.post('/api/auth/sign-in', credentials);
    await browser.post('/api/auth/sign-out');

    await guess(tally, limits['sign-in-account'].points, (at) => ({
      email,
      password: `wrong password ${at}`,
      address: `203.0.${at % 250}.${Math.floor(at / 250) + 1}`,
    }));

    const { status } = await browser.post('/api/auth/sign-in', credentials);
    tally.tried('the owner, where he was before', status === 200 ? undefined : `${status}`);
  },
);

/** What somebody may guess at: a password, a code, the token of a mail. */
const secretNames = ['password', 'currentPassword', 'code', 'token'];

attack('A26', 'no route looks at one guess after the other', async (tally) => {
  let network = 0;
  for (const plan of plans) {
    const slots = plan.slots.filter(({ path }) => secretNames.includes(path.at(-1) ?? ''));
    // Whoever signs up chooses a password, and guesses at none.
    if (slots.length === 0 || plan.name === 'POST /api/auth/sign-up') continue;
    const draft = await scene.draftFor(mine, plan);
    network += 1;
    const mostOfAny = mostOf(plan);
    let looked = 0;
    for (let at = 0; at < mostOfAny + 100; at += 1) {
      const guessed = slots.reduce((made, slot) => withValue(made, slot, guessAt(slot, at)), draft);
      const headers = [...draft.headers, 'X-Forwarded-For', `192.0.2.${network}`];
      const { status, text } = await scene.send({ ...guessed, headers });
      if (status !== 429) looked += 1;
      const isBounded = looked <= mostOfAny && status >= 400 && status < 500;
      tally.tried(`${plan.name}, ${at}`, isBounded ? undefined : `${looked} looked at: ${text}`);
      if (looked > mostOfAny) break;
    }
    tally.note(`${plan.name}: ${looked} guesses were looked at, ${mostOfAny} may be`);
  }
});

/**
 * Two are held to what an address may ask at all: a look at an invitation, whose token has 256
 * bits, and a code without a sign-in that waits for it, which no code is compared with.
 */
function mostOf({ name }: Plan): number {
  const isLoose = [
    'POST /api/auth/invitations/preview',
    'POST /api/auth/sign-in/second-factor',
  ].includes(name);
  return limits[isLoose ? 'account-address' : 'sign-in-address'].points;
}

function guessAt({ path }: Slot, at: number): string {
  const name = path.at(-1);
  if (name === 'code') return String(at).padStart(6, '0');
  return name === 'token' ? String(at).padStart(43, 'A') : `wrong password ${at}`;
}

attack('A26', 'addresses of one network count as one', async (tally) => {
  await guess(tally, limits['sign-in-address'].points, (at) => ({
    email: `somebody-${at}@people.example`,
    password: samplePassword,
    address: `2001:db8:1:2:${at.toString(16)}::${at.toString(16)}`,
  }));
});
