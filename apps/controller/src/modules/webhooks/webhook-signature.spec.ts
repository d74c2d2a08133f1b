import { describe, expect, it } from 'vitest';
import { formatWebhookSecret, signedHeaders } from './webhook-signature.js';

describe('the signature of a delivery', () => {
  it('is the one of the example of Standard Webhooks', () => {
    const secret = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', at: new Date(1_614_265_330_999) };
    expect(signedHeaders(message, '{"test": 2432232314}', [secret])).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
    expect(formatWebhookSecret(secret)).toBe('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  });

  it('is one for each secret that is in force', () => {
    const message = { id: 'msg', at: new Date(0) };
    const of = (...secrets: string[]) =>
      signedHeaders(
        message,
        '{}',
        secrets.map((secret) => Buffer.from(secret)),
      )['webhook-signature'];
    expect(of('new', 'old')).toBe(`${of('new')} ${of('old')}`);
    expect(of('new')).not.toBe(of('old'));
  });
});
