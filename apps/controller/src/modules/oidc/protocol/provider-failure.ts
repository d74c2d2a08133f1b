/** The provider gives no answer that can be used. The message says to whoever runs the controller what is wrong. */
export class ProviderFailure extends Error {
  override readonly name = 'ProviderFailure';

  constructor(
    /** 'code': the provider does not know the code; it answers, and says so. */
    readonly fault: 'unreachable' | 'timeout' | 'status' | 'too_large' | 'not_json' | 'unusable' | 'code',
    detail: string,
  ) {
    super(detail);
  }
}
