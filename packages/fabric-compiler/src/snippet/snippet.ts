import type { CompileProblem } from '../problem.js';

/** What the operator of a gateway that is not ours configures there. */
export interface Snippet {
  readonly format: 'swanctl' | 'libreswan';
  readonly fileName: string;
  readonly text: string;
  /** A second file, of a format that keeps keys in one of their own. */
  readonly secrets?: { readonly fileName: string; readonly text: string };
  /** Stands where the pre-shared key is to be written, which nobody here can read; absent where there is none. */
  readonly secretPlaceholder?: string;
  /** Files with certificates of authorities, PEM, that the text names. */
  readonly certificates?: readonly { readonly fileName: string; readonly text: string }[];
}

/** No problems: there is no edge that could have the tunnel. */
export type SnippetResult =
  | { readonly ok: true; readonly snippet: Snippet }
  | { readonly ok: false; readonly problems: readonly CompileProblem[] };

/** Names of sections and connections have no white space and no punctuation of their formats. */
export function connectionName(name: string): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, MAX_NAME);
  return plain === '' ? 'weft' : `weft-${plain}`;
}

/** A name in a comment, which it cannot end. */
export function commentText(name: string): string {
  return name.replaceAll(/[^\x20-\x7e]/g, '?');
}

export const PLACEHOLDER = 'PRE-SHARED-KEY';
const MAX_NAME = 40;
