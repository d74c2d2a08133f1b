import { describe, expect, it } from 'vitest';
import { protectionMarks, protectionOf } from './protection.js';

describe('protectionOf', () => {
  it('says who can read what a tunnel carries', () => {
    expect(protectionOf({ securityProtocol: 'esp', mode: 'tunnel' })).toEqual({
      protocol: { tone: 'up', label: 'encrypted and authenticated (ESP)' },
      mode: { tone: 'idle', label: 'whole packets (tunnel mode)' },
      meaning: 'Nobody on the underlay can read what is in it.',
    });
    expect(protectionOf({ securityProtocol: 'ah', mode: 'transport' }).meaning).toMatch(/^Everybody on the underlay/);
    expect(protectionOf({ securityProtocol: 'esp', mode: 'transport' }).meaning).toMatch(/^Nobody .* header stays/);
  });
});

describe('protectionMarks', () => {
  it('mark AH, which keys are worth nothing against readers of, and transport mode', () => {
    const ah = { tone: 'warning', label: 'authenticated, NOT ENCRYPTED (AH)' };
    const transport = { tone: 'idle', label: 'between hosts (transport mode)' };
    expect(protectionMarks({ securityProtocol: 'ah', mode: 'tunnel' })).toEqual([ah]);
    expect(protectionMarks({ securityProtocol: 'esp', mode: 'transport' })).toEqual([transport]);
    expect(protectionMarks({ securityProtocol: 'ah', mode: 'transport' })).toEqual([ah, transport]);
  });

  it('say nothing of a tunnel as one takes it to be', () => {
    expect(protectionMarks({ securityProtocol: 'esp', mode: 'tunnel' })).toEqual([]);
  });
});
