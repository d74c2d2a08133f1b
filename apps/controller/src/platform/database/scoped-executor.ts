import type { SqlExecutor } from './connection-options.js';
import { DatabaseUnavailableError } from './database-errors.js';
import type { DatabaseScope } from './database-scope.js';

/** Runs one statement in a transaction of its own, or refuses to. */
type RunAlone = (work: (sql: SqlExecutor) => Promise<unknown>) => Promise<unknown>;

/**
 * The pool as an executor whose statements run one by one. `runner` is asked where a statement is made, not where it is awaited. A
 * statement that is not awaited itself but is part of another runs with that one.
 */
export function scopedPool(pool: SqlExecutor, runner: () => RunAlone): SqlExecutor {
  return new Proxy(pool, {
    apply(target, _self, args: unknown[]) {
      const result: unknown = Reflect.apply(target, undefined, args);
      // A query is its own promise and doubles as a fragment of another, so it cannot be wrapped in a new one.
      if (isQuery(result)) {
        const alone = runner();
        result.handler = (query) => void runAlone(query, alone);
      }
      return result;
    },
    get(target, name, receiver): unknown {
      if (typeof name === 'string' && PAST_THE_SCOPE.has(name)) {
        throw new Error(`sql.${name} runs outside of any scope; use it in a transaction`);
      }
      return Reflect.get(target, name, receiver);
    },
  });
}

/**
 * Runs `work` on the connection of a transaction that has begun, in a scope. Whoever connects as somebody that no policy holds for
 * becomes `role` until its end. The statement that says so travels with the first one of `work` and costs no round trip.
 */
export async function startScope<T>(
  sql: SqlExecutor,
  scope: DatabaseScope,
  role: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const { tenantId, actor, userId } = settingsOf(scope);
  const started = sql`
    select set_config('weft.scope', ${scope.kind}, true), set_config('weft.tenant', ${tenantId}, true),
      set_config('weft.user', ${userId}, true), set_config('weft.actor', ${actor}, true), set_config('role', coalesce(${role ?? null}, current_setting('role')), true)`.execute();
  const [, result] = await Promise.all([started, work()]);
  return result;
}

/** What the policies and triggers read; empty where the scope says nothing. */
function settingsOf(scope: DatabaseScope): { tenantId: string; actor: string; userId: string } {
  const nothing = { tenantId: '', actor: '', userId: '' };
  if (scope.kind === 'tenant') return { ...nothing, tenantId: scope.tenantId, actor: scope.actor ?? '' };
  return scope.kind === 'person' ? { ...nothing, ...scope.entering, userId: scope.userId } : nothing;
}

/** The executor of a transaction, which answers no more once the transaction is over. */
export function refusingWhen(over: () => boolean, sql: SqlExecutor): SqlExecutor {
  return new Proxy(sql, {
    apply(target, _self, args: unknown[]) {
      if (over()) throw new DatabaseUnavailableError('the transaction is over');
      return Reflect.apply(target, undefined, args);
    },
  });
}

/** What postgres.js 3.4 makes of a template: run by its handler when it is first awaited, settled from outside. */
interface Query {
  handler: (query: Query) => void;
  readonly resolve: (rows: unknown) => void;
  readonly reject: (error: unknown) => void;
}

async function runAlone(query: Query, alone: RunAlone): Promise<void> {
  try {
    query.resolve(await alone((sql) => sql`${query as unknown as ReturnType<SqlExecutor>}`));
  } catch (error) {
    query.reject(error);
  }
}

function isQuery(value: unknown): value is Query {
  return value instanceof Promise && 'handler' in value && 'reject' in value;
}

const PAST_THE_SCOPE: ReadonlySet<string> = new Set([
  'unsafe',
  'file',
  'notify',
  'begin',
  'reserve',
  'listen',
  'subscribe',
]);
