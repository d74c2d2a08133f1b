/** Why nobody came in at the OpenID provider: what the controller puts into the address, with what a reader can do about it. */
const REFUSALS = {
  login_expired: {
    title: 'The login has taken too long',
    advice: 'Or another one was begun in the meantime. Sign in again.',
  },
  refused_by_provider: {
    title: (provider) => `${provider} has not let you in`,
    advice: 'It refused, or you have turned back there. Sign in again, or ask whoever runs it.',
  },
  provider_unavailable: {
    title: (provider) => `${provider} cannot be reached`,
    advice: 'It gives the controller no answer that can be used. Try again later; the log of the controller says more.',
  },
  token_refused: {
    title: (provider) => `The answer of ${provider} is not to be trusted`,
    advice: 'Nobody was let in by it. Tell an admin: the audit log and the log of the controller say what is wrong.',
  },
  no_role: {
    title: 'You are known, and you have no role here',
    advice: 'Ask an admin to give you one at the provider.',
  },
  last_provider_admin: {
    title: 'You are the last admin of the provider of this installation',
    advice: 'What you may do is to change, and nobody would be left. Have somebody else made one first.',
  },
  too_many_attempts: {
    title: 'Too many logins at once',
    advice: 'Wait for a few seconds, and sign in again.',
  },
} as const satisfies Readonly<Record<string, { title: string | ((provider: string) => string); advice: string }>>;

export type OidcRefusal = keyof typeof REFUSALS;

export function isOidcRefusal(text: unknown): text is OidcRefusal {
  return typeof text === 'string' && Object.hasOwn(REFUSALS, text);
}

/** @param provider what to call it */
export function describeRefusal(refusal: OidcRefusal, provider: string): { title: string; advice: string } {
  const { title, advice } = REFUSALS[refusal];
  return { title: typeof title === 'string' ? title : title(provider), advice };
}
