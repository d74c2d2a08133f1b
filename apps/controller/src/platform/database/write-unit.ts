import type postgres from 'postgres';
import type { SqlExecutor, SqlTypes } from './connection-options.js';
import { isConnectionLoss } from './database-errors.js';

type Transaction = postgres.TransactionSql<SqlTypes>;

/** Begins a transaction that is committed when `work` resolves and rolled back when it rejects. */
export type Begin = (work: (sql: Transaction) => Promise<void>) => Promise<unknown>;

/**
 * One transaction for everything that a piece of work writes, however many transactions it asks for: each is a savepoint in
 * this one, one after the other. It begins when the first of them is asked for, so that what only reads and computes before
 * keeps no connection.
 */
export class WriteUnit {
  readonly #begin: Begin;
  readonly #opened: (sql: SqlExecutor) => Promise<void>;
  readonly #whenKept: (() => unknown)[] = [];
  #settle: ((keep: boolean) => void) | undefined;
  #transaction: Transaction | undefined;
  #opening: Promise<Transaction> | undefined;
  #ended: Promise<unknown> | undefined;
  #over = false;

  /** @param opened runs before anything is written; what it throws is what the first transaction rejects with */
  constructor(begin: Begin, opened: (sql: SqlExecutor) => Promise<void>) {
    this.#begin = begin;
    this.#opened = opened;
  }

  /** False once the unit has ended: work that goes on longer is none of it. */
  get active(): boolean {
    return !this.#over;
  }

  /** Sees what the unit has written; undefined before it has begun. */
  get executor(): SqlExecutor | undefined {
    return this.#transaction;
  }

  /** Runs `work` in the unit: undone alone when it rejects. One at a time. */
  async join<T>(work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
    this.#opening ??= this.#open();
    const transaction = await this.#opening;
    return this.#unlessEnded(transaction.savepoint((sql) => untilConnectionIsLost(work(sql))) as Promise<T>);
  }

  /** Calls `effect` once the unit is in the database for good; never when it is abandoned. */
  whenKept(effect: () => unknown): void {
    this.#whenKept.push(effect);
  }

  /** Commits. When it resolves, everything is in the database; run `effects` then. */
  async keep(): Promise<void> {
    this.#over = true;
    this.#settle?.(true);
    await this.#ended;
  }

  /** Checks what is checked at the end of a transaction only, and undoes everything. */
  async tryOnly(): Promise<void> {
    await this.#transaction?.unsafe('set constraints all immediate');
    await this.abandon();
  }

  /** Undoes everything. @param cause why; a connection that is lost is not written to any more */
  async abandon(cause?: unknown): Promise<void> {
    this.#over = true;
    if (this.#settle === undefined || isConnectionLoss(cause)) return;
    this.#settle(false);
    // Whoever abandons a unit knows why.
    await this.#ended?.catch(() => undefined);
  }

  /** What is to follow, in order. */
  async effects(): Promise<void> {
    for (const effect of this.#whenKept) await effect();
  }

  async #open(): Promise<Transaction> {
    const transaction = await new Promise<Transaction>((resolve, reject) => {
      const verdict = new Promise<boolean>((settle) => {
        this.#settle = settle;
      });
      this.#ended = this.#begin(async (sql) => {
        resolve(sql);
        if (!(await verdict)) throw new Abandoned();
      });
      this.#ended.catch(reject);
    });
    await this.#unlessEnded(transaction.savepoint((sql) => untilConnectionIsLost(this.#opened(sql))));
    this.#transaction = transaction;
    return transaction;
  }

  /** The connection may end while a statement waits: the driver tells the transaction and not the savepoint. */
  #unlessEnded<T>(work: Promise<T>): Promise<T> {
    const ended = this.#ended?.then(() => {
      throw new Error('the transaction has ended before its work');
    });
    return Promise.race([work, ended as Promise<never>]);
  }
}

/**
 * What postgres.js 3.4 writes to a connection that has just been closed crashes the process or hangs the pool. Two
 * things would do that: its own ROLLBACK after a query failed because the connection is going, and a query that `work`
 * makes after that. The first is held back by never settling: the driver races `work` against the connection's end.
 */
export async function untilConnectionIsLost<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isConnectionLoss(error)) return new Promise<T>(() => undefined);
    throw error;
  }
}

class Abandoned extends Error {
  override readonly name = 'Abandoned';
}
