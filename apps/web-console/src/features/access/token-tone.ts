import type { ApiToken } from '../../api/index.js';
import type { Tone } from '../../ui/StateMark.js';

const SOON_MILLISECONDS = 14 * 24 * 60 * 60 * 1000;

/** How a token stands at a time in milliseconds since 1970: two weeks before its end somebody should make the next. */
export function tokenTone({ expiresAt }: Pick<ApiToken, 'expiresAt'>, now: number): Tone {
  const left = Date.parse(expiresAt) - now;
  if (left <= 0) return 'down';
  return left < SOON_MILLISECONDS ? 'warning' : 'up';
}
