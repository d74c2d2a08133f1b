import postgres from 'postgres';

/** Runs a statement; when it breaks the named constraint, throws what `refuse` makes of it instead. */
export async function refusing<T>(
  work: Promise<T>,
  refusals: Readonly<Record<string, () => Error | Promise<Error>>>,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const refuse = error instanceof postgres.PostgresError ? refusals[error.constraint_name ?? ''] : undefined;
    throw refuse === undefined ? error : await refuse();
  }
}
