import type { NewTotp, RecoveryCodes, Totp } from '@weft/contracts/rest';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { totpCode, totpStep } from '../../src/modules/totp/totp.js';
import { Clock } from '../../src/platform/clock/clock.js';
import { Api, problemOf } from './support/api.js';
import { makeTenant, PASSWORD, Person } from './support/people.js';

/** A step of RFC 6238. */
const STEP_MILLISECONDS = 30_000;
/** Longer than any attempt is remembered. */
const FORGOTTEN_MILLISECONDS = 20 * 60_000;

let api: Api;
let tenantId: string;
let admin: Person;
/** What the controller takes the time to be: it passes when a test says so. */
let [time, monotonic] = [Date.now(), 1e9];
const pass = (milliseconds: number): void => {
  time += milliseconds;
  monotonic += milliseconds;
};

beforeAll(async () => {
  api = await Api.start();
  const clock = api.controller.controller.application.get(Clock);
  vi.spyOn(clock, 'now').mockImplementation(() => new Date(time));
  vi.spyOn(clock, 'monotonicMilliseconds').mockImplementation(() => monotonic);
  tenantId = await makeTenant(api, 'ours');
  admin = await Person.make(api, tenantId, { name: 'ada', role: 'admin' });
});
afterAll(async () => {
  vi.restoreAllMocks();
  await api?.stop();
});
beforeEach(() => pass(FORGOTTEN_MILLISECONDS));

interface Holder {
  readonly person: Person;
  readonly secret: Buffer;
  readonly recoveryCodes: readonly string[];
}

const codeNow = ({ secret }: Pick<Holder, 'secret'>, steps = 0): string => totpCode(secret, totpStep(time) + steps);

function logIn(userName: string, code?: string, password = PASSWORD): Promise<Response> {
  return fetch(`${api.controller.url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userName, password, ...(code !== undefined && { code }) }),
  });
}

const outcomeOf = async (answer: Promise<Response>): Promise<string> => {
  const response = await answer;
  return response.ok ? 'in' : (await problemOf(response)).type.replace('urn:weft:problem:', '');
};

async function enroll(person: Person): Promise<{ secret: Buffer; shown: NewTotp }> {
  const response = await person.fetch('POST', '/api/v1/session/totp', { currentPassword: PASSWORD });
  expect(response.status).toBe(200);
  const shown = (await response.json()) as NewTotp;
  return { secret: unBase32(shown.secret), shown };
}

async function makeHolder(name: string): Promise<Holder> {
  const person = await Person.make(api, tenantId, { name, role: 'operator' });
  const { secret } = await enroll(person);
  const body = { code: codeNow({ secret }) };
  const confirmed = await person.fetch('POST', '/api/v1/session/totp/confirmation', body);
  expect(confirmed.status).toBe(200);
  return { person, secret, recoveryCodes: ((await confirmed.json()) as RecoveryCodes).recoveryCodes };
}

const totpOf = async (person: Person): Promise<Totp> =>
  (await (await person.fetch('GET', '/api/v1/session/totp')).json()) as Totp;

async function newestDeeds(count: number): Promise<unknown[]> {
  const log = (await (await admin.fetch('GET', `/api/v1/tenants/${tenantId}/audit-entries`)).json()) as {
    items: { actor: string; action: string; details: { userName: string } }[];
  };
  return log.items.slice(0, count).map(({ actor, action, details }) => [actor, action, details.userName]);
}

describe('a second factor', () => {
  it('begins with the password and a first code; no code is asked for before', async () => {
    const person = await Person.make(api, tenantId, { name: 'beginner', role: 'viewer' });
    const wrong = await person.fetch('POST', '/api/v1/session/totp', { currentPassword: 'another password' });
    expect(await problemOf(wrong)).toMatchObject({ status: 422, errors: [{ pointer: '/currentPassword' }] });
    const { secret, shown } = await enroll(person);
    expect(shown.uri).toBe(
      `otpauth://totp/Weft:beginner?secret=${shown.secret}&issuer=Weft&algorithm=SHA1&digits=6&period=30`,
    );
    expect(secret).toHaveLength(20);
    expect(await outcomeOf(logIn('beginner'))).toBe('in');
    const confirm = (code: string) => person.fetch('POST', '/api/v1/session/totp/confirmation', { code });
    expect(await problemOf(await confirm(codeNow({ secret }, 2)))).toMatchObject({
      status: 422,
      errors: [{ pointer: '/code', rule: 'wrong_code' }],
    });
    expect(await totpOf(person)).toEqual({ confirmedAt: null, recoveryCodesLeft: 0 });
    const confirmed = await confirm(codeNow({ secret }));
    expect(((await confirmed.json()) as RecoveryCodes).recoveryCodes).toHaveLength(10);
    expect(await totpOf(person)).toEqual({ confirmedAt: new Date(time).toISOString(), recoveryCodesLeft: 10 });
    expect(await outcomeOf(logIn('beginner'))).toBe('code_required');
    expect(await outcomeOf(person.fetch('POST', '/api/v1/session/totp', { currentPassword: PASSWORD }))).toBe(
      'totp_present',
    );
  });

  it('waits for its first code a quarter of an hour', async () => {
    const person = await Person.make(api, tenantId, { name: 'slow', role: 'viewer' });
    const { secret } = await enroll(person);
    pass(FORGOTTEN_MILLISECONDS);
    const late = person.fetch('POST', '/api/v1/session/totp/confirmation', { code: codeNow({ secret }) });
    expect(await outcomeOf(late)).toBe('totp_absent');
  });

  it('lets in with a code that was not used, and says nothing of codes to who does not know the password', async () => {
    const holder = await makeHolder('holder');
    // The one that confirmed it.
    expect(await outcomeOf(logIn('holder', codeNow(holder)))).toBe('wrong_code');
    pass(STEP_MILLISECONDS);
    expect(await outcomeOf(logIn('holder', codeNow(holder), 'another password'))).toBe('wrong_credentials');
    expect(await outcomeOf(logIn('holder', codeNow(holder)))).toBe('in');
    expect(await outcomeOf(logIn('holder', codeNow(holder)))).toBe('wrong_code');
    // A clock that is ahead; what lies before is not good any more.
    expect(await outcomeOf(logIn('holder', codeNow(holder, 1)))).toBe('in');
    expect(await outcomeOf(logIn('holder', codeNow(holder)))).toBe('wrong_code');
    expect(await newestDeeds(1)).toEqual([['holder', 'second_factor_refused', 'holder']]);
  });

  it('takes a code once when it comes twice at the same moment', async () => {
    const holder = await makeHolder('twice');
    pass(STEP_MILLISECONDS);
    const code = codeNow(holder);
    const outcomes = await Promise.all([outcomeOf(logIn('twice', code)), outcomeOf(logIn('twice', code))]);
    expect(outcomes.sort()).toEqual(['in', 'wrong_code']);
  });

  it('has recovery codes, each good once, however they are written', async () => {
    const { person, recoveryCodes } = await makeHolder('lost');
    const [code = ''] = recoveryCodes;
    expect(await outcomeOf(logIn('lost', code.replaceAll('-', ' ').toUpperCase()))).toBe('in');
    expect(await newestDeeds(1)).toEqual([['lost', 'recovery_code_used', 'lost']]);
    expect(await outcomeOf(logIn('lost', code))).toBe('wrong_code');
    expect(await totpOf(person)).toMatchObject({ recoveryCodesLeft: 9 });
    const others = await makeHolder('other');
    expect(await outcomeOf(logIn('lost', others.recoveryCodes[0]))).toBe('wrong_code');
  });

  it('is guessed at five times in a quarter of an hour, also by who knows the password; others still come in', async () => {
    const [holder, other] = [await makeHolder('guessed'), await makeHolder('neighbour')];
    pass(STEP_MILLISECONDS);
    for (let attempt = 0; attempt < 5; attempt++) {
      expect(await outcomeOf(logIn('guessed', codeNow(holder, 5 + attempt)))).toBe('wrong_code');
    }
    const refused = await logIn('guessed', codeNow(holder));
    expect(Number(refused.headers.get('retry-after'))).toBe(15 * 60);
    expect((await problemOf(refused)).type).toBe('urn:weft:problem:too_many_attempts');
    expect(await outcomeOf(logIn('neighbour', codeNow(other)))).toBe('in');
    pass(15 * 60_000);
    expect(await outcomeOf(logIn('guessed', codeNow(holder)))).toBe('in');
  });

  it('is kept sealed, its recovery codes as digests, and neither is logged', async () => {
    const { secret, recoveryCodes, person } = await makeHolder('kept');
    const { sql } = api.controller;
    const rows = [
      await sql`select to_jsonb(f)::text as row from totp_factors f`,
      await sql`select to_jsonb(c)::text as row from recovery_codes c`,
      await sql`select to_jsonb(a)::text as row from audit_entries a`,
    ];
    const kept = JSON.stringify(rows);
    expect(kept).toContain(person.id);
    const log = JSON.stringify(api.controller.log);
    for (const text of [
      secret.toString('hex'),
      ...recoveryCodes,
      ...recoveryCodes.map((code) => code.replaceAll('-', '')),
    ]) {
      expect(kept).not.toContain(text);
      expect(log).not.toContain(text);
    }
  });

  it('is removed with the password and a code alone', async () => {
    const { person, ...holder } = await makeHolder('leaving');
    pass(STEP_MILLISECONDS);
    const remove = (currentPassword: string, code: string) =>
      outcomeOf(person.fetch('POST', '/api/v1/session/totp/removal', { currentPassword, code }));
    expect(await remove('another password', codeNow(holder))).toBe('wrong_current_password');
    expect(await remove(PASSWORD, codeNow(holder, 7))).toBe('wrong_code');
    expect(await remove(PASSWORD, codeNow(holder))).toBe('in');
    expect(await totpOf(person)).toEqual({ confirmedAt: null, recoveryCodesLeft: 0 });
    expect(await outcomeOf(logIn('leaving'))).toBe('in');
    expect(await newestDeeds(1)).toEqual([['leaving', 'totp_removed', 'leaving']]);
  });

  it('is taken away by an admin, which ends the sessions of its user', async () => {
    const { person } = await makeHolder('stranded');
    const path = `/api/v1/tenants/${tenantId}/users/${person.id}`;
    expect(await (await admin.fetch('GET', path)).json()).toMatchObject({ totp: true });
    expect(await outcomeOf(admin.fetch('DELETE', `${path}/totp`))).toBe('in');
    expect(await newestDeeds(1)).toEqual([['ada', 'totp_reset', 'stranded']]);
    expect(await (await admin.fetch('GET', path)).json()).toMatchObject({ totp: false });
    expect((await person.fetch('GET', '/api/v1/session')).status).toBe(401);
    expect(await outcomeOf(logIn('stranded'))).toBe('in');
    expect(await outcomeOf(admin.fetch('DELETE', `${path}/totp`))).toBe('no_totp');
    // A stolen session must not do without the password and a code.
    const own = admin.fetch('DELETE', `/api/v1/tenants/${tenantId}/users/${admin.id}/totp`);
    expect(await outcomeOf(own)).toBe('own_totp');
  });

  it('of the provider’s people is for an admin of the provider to take away', async () => {
    const user = { name: 'guardian', role: 'viewer', providerRole: 'viewer' } as const;
    const guardian = await Person.make(api, tenantId, user);
    const reset = admin.fetch('DELETE', `/api/v1/tenants/${tenantId}/users/${guardian.id}/totp`);
    expect(await outcomeOf(reset)).toBe('provider_admin_required');
  });
});

/** The octets of a text in base 32 without padding. */
function unBase32(text: string): Buffer {
  const bits = [...text].map((symbol) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(symbol).toString(2).padStart(5, '0'),
  );
  const octets = bits.join('').match(/.{8}/g) ?? [];
  return Buffer.from(octets.map((octet) => Number.parseInt(octet, 2)));
}
