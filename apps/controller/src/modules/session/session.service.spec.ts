import { describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../platform/clock/clock.js';
import type { Database } from '../../platform/database/database.js';
import type { AuditRepository } from '../audit/audit.repository.js';
import type { BreakGlass } from '../break-glass/break-glass.js';
import type { SecondFactors } from '../totp/second-factors.js';
import type { Passwords } from './passwords.js';
import { SessionService } from './session.service.js';
import type { SessionsRepository } from './sessions.repository.js';

const ORIGIN = { address: '192.0.2.1', userAgent: null };
const ATTEMPT = { userName: 'admin', password: 'wrong' };

describe('SessionService', () => {
  it('judges no more attempts that are made at the same moment than attempts in turn', async () => {
    const { service, verify } = made(() => new Promise((resolve) => setImmediate(resolve, undefined)));
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => codeOf(service.logIn(ATTEMPT, ORIGIN))));
    const refused = outcomes.filter((code) => code === 'too_many_attempts').length;
    expect(outcomes.filter((code) => code === 'wrong_credentials').length).toBe(50 - refused);
    expect(refused).toBeGreaterThanOrEqual(40);
    expect(verify).toHaveBeenCalledTimes(50 - refused);
  });

  it('does not count an attempt that the database could not answer', async () => {
    let gone = true;
    const { service } = made(() => (gone ? Promise.reject(new Error('gone')) : Promise.resolve(undefined)));
    for (let attempt = 0; attempt < 50; attempt++) {
      await expect(service.logIn(ATTEMPT, ORIGIN)).rejects.toThrow('gone');
    }
    gone = false;
    expect(await codeOf(service.logIn(ATTEMPT, ORIGIN))).toBe('wrong_credentials');
  });
});

/** A service on a database that answers so when it is asked for an account. */
function made(accountByName: () => Promise<undefined>) {
  const verify = vi.fn(() => Promise.resolve(false));
  const clock = { now: () => new Date(0), monotonicMilliseconds: () => 0 } as Clock;
  const repository = { accountByName } as unknown as SessionsRepository;
  const passwords = { verify } as unknown as Passwords;
  const [database, audit, factors] = [{} as Database, {} as AuditRepository, {} as SecondFactors];
  return {
    service: new SessionService(database, clock, repository, passwords, audit, factors, {} as BreakGlass),
    verify,
  };
}

function codeOf(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.then(
    () => undefined,
    (error: { code?: unknown }) => error.code,
  );
}
