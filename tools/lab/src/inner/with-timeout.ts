/** The result of the work, or `problem()` when it has not come after so many milliseconds. */
export async function withTimeout<T>(work: Promise<T>, milliseconds: number, problem: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(problem()), milliseconds);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}
