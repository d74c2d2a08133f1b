import type { OidcRefusalCode } from './oidc-refusal.js';

/** A path of the console as it is, and the first page for everything else: nobody is led to another origin after the login. */
export function consolePath(text: string | undefined): string {
  return text !== undefined && PATH.test(text) && !text.startsWith('/api') ? text : '/';
}

/** Where the console says why nobody came in, and begins anew. */
export function refusedPath(code: OidcRefusalCode, next: string): string {
  const query = new URLSearchParams({ refused: code, ...(next !== '/' && { next }) });
  return `/login?${query}`;
}

/** Browsers take "//" and "/\" for the beginning of a host, and leave out tabs and line ends. */
const PATH = /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,500}$/;
