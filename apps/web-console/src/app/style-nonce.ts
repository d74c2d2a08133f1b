/** The nonce of this page's content security policy, for the style elements that Mantine makes; empty without a policy. */
export function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
}

/**
 * Hands the nonce to the one library that takes it from a bundler's global instead: the scroll lock behind dialogs
 * (get-nonce, through react-remove-scroll).
 */
export function shareStyleNonce(): void {
  Object.assign(globalThis, { __webpack_nonce__: styleNonce() });
}
