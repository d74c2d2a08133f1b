import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import { tooManyLogins } from './session.errors.js';

/** For argon2id, which is the library's default (the database refuses others); OWASP's first choice: 19 MiB, 2 passes, 1 lane. */
const OPTIONS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Hashes passwords. Each hash takes 19 MiB and a thread of the pool, so few run at a time and few may wait. */
@Injectable()
export class Passwords {
  #underWay = 0;
  /** Compared with when there is no such user, so that both answers take as long. */
  readonly #decoy = hash('no user has this password', OPTIONS);

  /** Throws DomainError 'too_many_logins'. */
  hash(password: string): Promise<string> {
    return this.#inTurn(() => hash(password, OPTIONS));
  }

  /** False for an unknown user (`passwordHash` undefined) as well. Throws DomainError 'too_many_logins'. */
  async verify(passwordHash: string | undefined, password: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const matches = await verify(passwordHash ?? (await this.#decoy), password);
      return passwordHash !== undefined && matches;
    });
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay >= MAXIMUM_UNDER_WAY) throw tooManyLogins(BUSY_RETRY_SECONDS);
    this.#underWay += 1;
    try {
      return await work();
    } finally {
      this.#underWay -= 1;
    }
  }
}

const MAXIMUM_UNDER_WAY = 16;
const BUSY_RETRY_SECONDS = 1;
