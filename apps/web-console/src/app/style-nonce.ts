/** The nonce of this page's content security policy, for the style elements that Mantine makes; empty without a policy. */
export function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
}
