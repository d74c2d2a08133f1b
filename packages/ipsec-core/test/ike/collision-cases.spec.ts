import { describe, expect, it } from 'vitest';
import { COLLISIONS } from '../../src/ike/exchanges/collisions.js';
import { DrawnPair, eventsOf, settled } from './drawing.js';
import { agreement, establishedPair, HYBRID, toyKeyExchange } from './fixtures.js';

const REKEY = 'CREATE_CHILD_SA request 2 { N(REKEY_SA) SA Nonce TSi TSr }';
const FROM_RIGHT = 'CREATE_CHILD_SA request 0 { N(REKEY_SA) SA Nonce TSi TSr }';

describe('Rekeying a Child SA at both ends (RFC 7296 section 2.8.1)', () => {
  it('both notice, and the lowest of the four nonces is of the exchange of left: left deletes its new one', () => {
    const pair = new DrawnPair({ left: [0x00, 0x80], right: [0x40, 0x80] });
    pair.play(`
      left  rekey-child
      right rekey-child
      left  --> right  ${REKEY}
      right --> left   ${FROM_RIGHT}
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce TSi TSr }
      # left sees that its SA is redundant; right that its SA stays, so right deletes the old one.
      left  --> right  CREATE_CHILD_SA response 0 { SA Nonce TSi TSr }
      left  --> right  INFORMATIONAL request 3 { D }
      right --> left   INFORMATIONAL request 1 { D }
      right --> left   INFORMATIONAL response 3 { D }
      left  --> right  INFORMATIONAL response 1 { D }
    `);
    settled(pair, { pairs: 1 });
    expect([eventsOf(pair, 'left'), eventsOf(pair, 'right')]).toEqual([['child-rekeyed'], ['child-rekeyed']]);
  });

  it('both notice, and the lowest nonce is one that left drew for its answer: the same, with the ends changed', () => {
    const pair = new DrawnPair({ left: [0x40, 0x00], right: [0x80, 0x80] });
    pair.play(`
      left  rekey-child
      right rekey-child
      left  --> right  ${REKEY}
      right --> left   ${FROM_RIGHT}
      left  --> right  CREATE_CHILD_SA response 0 { SA Nonce TSi TSr }
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce TSi TSr }
      right --> left   INFORMATIONAL request 1 { D }
      left  --> right  INFORMATIONAL request 3 { D }
      left  --> right  INFORMATIONAL response 1 { D }
      right --> left   INFORMATIONAL response 3 { D }
    `);
    settled(pair, { pairs: 1 });
    expect([eventsOf(pair, 'left'), eventsOf(pair, 'right')]).toEqual([['child-rekeyed'], ['child-rekeyed']]);
  });

  it('right does not notice: the request of left arrives while right deletes the old one', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-child
      right rekey-child
      left  ... right  ${REKEY}
      right --> left   ${FROM_RIGHT}
      left  --> right  CREATE_CHILD_SA response 0 { SA Nonce TSi TSr }
      right ... left   INFORMATIONAL request 1 { D }
      # "a request to rekey a Child SA that it is currently trying to close": TEMPORARY_FAILURE
      left  =>> right  ${REKEY}
      right =>> left   INFORMATIONAL request 1 { D }
      right --> left   CREATE_CHILD_SA response 2 { N(TEMPORARY_FAILURE) }
      left  --> right  INFORMATIONAL response 1 { D }
    `);
    settled(pair, { pairs: 1 });
  });

  it('right does not notice: the request of left arrives when the old one is gone', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-child
      right rekey-child
      left  ... right  ${REKEY}
      right --> left   ${FROM_RIGHT}
      left  --> right  CREATE_CHILD_SA response 0 { SA Nonce TSi TSr }
      right --> left   INFORMATIONAL request 1 { D }
      left  --> right  INFORMATIONAL response 1 { D }
      left  =>> right  ${REKEY}
      # What the peer replaced is not missing: nothing is made anew.
      right --> left   CREATE_CHILD_SA response 2 { N(CHILD_SA_NOT_FOUND) }
    `);
    settled(pair, { pairs: 1 });
    expect(eventsOf(pair, 'left')).toEqual(['child-rekeyed']);
  });

  it('the answer that decides is lost: it is repeated, octet by octet, and decides alike', () => {
    const pair = new DrawnPair({ left: [0x00, 0x80], right: [0x40, 0x80] });
    pair.play(`
      left  rekey-child
      right rekey-child
      left  --> right  ${REKEY}
      right --> left   ${FROM_RIGHT}
      right --x left   CREATE_CHILD_SA response 2 { SA Nonce TSi TSr }
      left  --> right  CREATE_CHILD_SA response 0 { SA Nonce TSi TSr }
      right --> left   INFORMATIONAL request 1 { D }
      left  --> right  INFORMATIONAL response 1 { D }
      left  waits
      left  --> right  ${REKEY}
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce TSi TSr }
      left  --> right  INFORMATIONAL request 3 { D }
      right --> left   INFORMATIONAL response 3 { D }
    `);
    settled(pair, { pairs: 1 });
  });

  it('a replaced Child SA is not rekeyed once more before its successor is settled', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-child
      left  --> right  ${REKEY}
      right rekey-child
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce TSi TSr }
      left  --> right  INFORMATIONAL request 3 { D }
      right --> left   INFORMATIONAL response 3 { D }
    `);
    settled(pair, { pairs: 1 });
  });
});

describe('Rekeying and deleting Child SAs (RFC 7296 section 2.25.1)', () => {
  it('left rekeys what right deletes: TEMPORARY_FAILURE, and a Delete as usual', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-child
      right delete-child
      left  --> right  ${REKEY}
      right --> left   INFORMATIONAL request 0 { D }
      right --> left   CREATE_CHILD_SA response 2 { N(TEMPORARY_FAILURE) }
      left  --> right  INFORMATIONAL response 0 { D }
    `);
    settled(pair, { pairs: 0 });
    expect([eventsOf(pair, 'left'), eventsOf(pair, 'right')]).toEqual([['child-closed'], ['child-closed']]);
  });

  it('left rekeys what right has deleted: CHILD_SA_NOT_FOUND, and nothing is made of it', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-child
      left  ... right  ${REKEY}
      right delete-child
      right --> left   INFORMATIONAL request 0 { D }
      left  --> right  INFORMATIONAL response 0 { D }
      left  =>> right  ${REKEY}
      right --> left   CREATE_CHILD_SA response 2 { N(CHILD_SA_NOT_FOUND) }
    `);
    settled(pair, { pairs: 0 });
  });

  it('both delete it: both answer without a Delete payload', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  delete-child
      right delete-child
      left  --> right  INFORMATIONAL request 2 { D }
      right --> left   INFORMATIONAL request 0 { D }
      right --> left   INFORMATIONAL response 2 { }
      left  --> right  INFORMATIONAL response 0 { }
    `);
    settled(pair, { pairs: 0 });
  });

  it('the answer to a Delete is lost: the repeated request gets the same answer, and deletes nothing else', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  delete-child
      left  --> right  INFORMATIONAL request 2 { D }
      right --x left   INFORMATIONAL response 2 { D }
      left  waits
      left  --> right  INFORMATIONAL request 2 { D }
      right --> left   INFORMATIONAL response 2 { D }
    `);
    settled(pair, { pairs: 0 });
  });

  it('right wants to delete what left replaces: its successor goes, when it is in use', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-child
      left  --> right  ${REKEY}
      right delete-child
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce TSi TSr }
      left  --> right  INFORMATIONAL request 3 { D }
      right --> left   INFORMATIONAL request 0 { D }
      right --> left   INFORMATIONAL response 3 { D }
      left  --> right  INFORMATIONAL response 0 { D }
    `);
    settled(pair, { pairs: 0 });
  });

  it('left wants to delete what it replaces: its successor goes, too', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-child
      left  delete-child
      left  --> right  ${REKEY}
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce TSi TSr }
      left  --> right  INFORMATIONAL request 3 { D }
      right --> left   INFORMATIONAL response 3 { D }
      left  --> right  INFORMATIONAL request 4 { D }
      right --> left   INFORMATIONAL response 4 { D }
    `);
    settled(pair, { pairs: 0 });
  });

  it('right grants a Child SA and deletes it before its answer has arrived', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  delete-child
      left  --> right  INFORMATIONAL request 2 { D }
      right --> left   INFORMATIONAL response 2 { D }
      left  initiate-child
      left  --> right  CREATE_CHILD_SA request 3 { SA Nonce TSi TSr }
      right --x left   CREATE_CHILD_SA response 3 { SA Nonce TSi TSr }
      right delete-child
      right --> left   INFORMATIONAL request 0 { D }
      left  --> right  INFORMATIONAL response 0 { }
      left  waits
      left  --> right  CREATE_CHILD_SA request 3 { SA Nonce TSi TSr }
      # Whose SPI was deleted meanwhile is not installed.
      right --> left   CREATE_CHILD_SA response 3 { SA Nonce TSi TSr }
    `);
    settled(pair, { pairs: 0 });
  });

  it('right grants a successor and deletes it before its answer has arrived: the old one goes, too', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-child
      left  --> right  ${REKEY}
      right --x left   CREATE_CHILD_SA response 2 { SA Nonce TSi TSr }
    `);
    // Our own engine waits for the old one to be deleted; a peer that does not is played by deleting the successor there.
    const successor = pair.right.sad.standing().at(-1)?.association.inboundSpi ?? 0;
    pair.right.give({ kind: 'delete-child', inboundSpi: successor }, pair.now);
    pair.play(`
      right --> left   INFORMATIONAL request 0 { D }
      left  --> right  INFORMATIONAL response 0 { }
      left  waits
      left  --> right  ${REKEY}
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce TSi TSr }
      left  --> right  INFORMATIONAL request 3 { D }
      right --> left   INFORMATIONAL response 3 { D }
    `);
    settled(pair, { pairs: 0 });
  });
});

describe('Making a Child SA at both ends', () => {
  it('makes two, of which the one with the lower nonce goes when both have long been usable', () => {
    const pair = new DrawnPair({ left: [0x00, 0x80], right: [0x40, 0x80] });
    pair.play(`
      left  delete-child
      left  --> right  INFORMATIONAL request 2 { D }
      right --> left   INFORMATIONAL response 2 { D }
      left  initiate-child
      right initiate-child
      left  --> right  CREATE_CHILD_SA request 3 { SA Nonce TSi TSr }
      right --> left   CREATE_CHILD_SA request 0 { SA Nonce TSi TSr }
      right --> left   CREATE_CHILD_SA response 3 { SA Nonce TSi TSr }
      left  --> right  CREATE_CHILD_SA response 0 { SA Nonce TSi TSr }
    `);
    expect(pair.left.sad.standing()).toHaveLength(2);
    settled(pair, { pairs: 1 });
    expect(pair.left.sad.standing()[0]?.association.outboundSpi).toBe(pair.right.sad.current()?.association.inboundSpi);
  });
});

const IKE_REKEY = 'CREATE_CHILD_SA request 2 { SA Nonce KE }';
const IKE_FROM_RIGHT = 'CREATE_CHILD_SA request 0 { SA Nonce KE }';

describe('Rekeying the IKE SA at both ends (RFC 7296 section 2.8.2)', () => {
  it('both notice, and the lowest nonce is of the exchange of left: left deletes its new one, right the old one', () => {
    const pair = new DrawnPair({ left: [0x00, 0x80], right: [0x40, 0x80] });
    pair.play(`
      left  rekey-ike
      right rekey-ike
      left  --> right  ${IKE_REKEY}
      right --> left   ${IKE_FROM_RIGHT}
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce KE }
      left  --> right  CREATE_CHILD_SA response 0 { SA Nonce KE }
      # On the redundant SA, where it is the first request.
      left  --> right  INFORMATIONAL request 0 { D }
      # On the old one.
      right --> left   INFORMATIONAL request 1 { D }
      right --> left   INFORMATIONAL response 0 { }
      left  --> right  INFORMATIONAL response 1 { }
    `);
    settled(pair, { pairs: 1 });
    expect([eventsOf(pair, 'left'), eventsOf(pair, 'right')]).toEqual([['ike-rekeyed'], ['ike-rekeyed']]);
  });

  it('both notice, and the lowest nonce is of the exchange of right: the same, with the ends changed', () => {
    const pair = new DrawnPair({ left: [0x40, 0x80], right: [0x00, 0x80] });
    pair.play(`
      left  rekey-ike
      right rekey-ike
      left  --> right  ${IKE_REKEY}
      right --> left   ${IKE_FROM_RIGHT}
      left  --> right  CREATE_CHILD_SA response 0 { SA Nonce KE }
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce KE }
      right --> left   INFORMATIONAL request 0 { D }
      left  --> right  INFORMATIONAL request 3 { D }
      left  --> right  INFORMATIONAL response 0 { }
      right --> left   INFORMATIONAL response 3 { }
    `);
    settled(pair, { pairs: 1 });
  });

  it('right does not notice: the request of left arrives on an SA that right is closing', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-ike
      right rekey-ike
      left  ... right  ${IKE_REKEY}
      right --> left   ${IKE_FROM_RIGHT}
      left  --> right  CREATE_CHILD_SA response 0 { SA Nonce KE }
      right ... left   INFORMATIONAL request 1 { D }
      left  =>> right  ${IKE_REKEY}
      right --> left   CREATE_CHILD_SA response 2 { N(TEMPORARY_FAILURE) }
      right =>> left   INFORMATIONAL request 1 { D }
      left  --> right  INFORMATIONAL response 1 { }
    `);
    settled(pair, { pairs: 1 });
    expect([eventsOf(pair, 'left'), eventsOf(pair, 'right')]).toEqual([['ike-rekeyed'], ['ike-rekeyed']]);
  });

  it('right does not notice: left gets the Delete of the old SA first, and forgets its own attempt', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-ike
      right rekey-ike
      left  --x right  ${IKE_REKEY}
      right --> left   ${IKE_FROM_RIGHT}
      left  --> right  CREATE_CHILD_SA response 0 { SA Nonce KE }
      right --> left   INFORMATIONAL request 1 { D }
      left  --> right  INFORMATIONAL response 1 { }
    `);
    settled(pair, { pairs: 1 });
  });

  it('left has decided and rekeys a Child SA on the new IKE SA, while right still waits for the answer that decides', () => {
    const pair = new DrawnPair({ left: [0x80, 0x80], right: [0x00, 0x80] });
    pair.play(`
      left  rekey-ike
      right rekey-ike
      left  --> right  ${IKE_REKEY}
      right --> left   ${IKE_FROM_RIGHT}
      left  --x right  CREATE_CHILD_SA response 0 { SA Nonce KE }
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce KE }
      left  ... right  INFORMATIONAL request 3 { D }
      left  rekey-child
      # The Child SA is found there, although right does not know yet that this IKE SA inherits it.
      left  --> right  CREATE_CHILD_SA request 0 { N(REKEY_SA) SA Nonce TSi TSr }
      right --> left   CREATE_CHILD_SA response 0 { SA Nonce TSi TSr }
      left  --> right  INFORMATIONAL request 1 { D }
      right --> left   INFORMATIONAL response 1 { D }
      left  =>> right  INFORMATIONAL request 3 { D }
      right --> left   INFORMATIONAL response 3 { }
    `);
    settled(pair, { pairs: 1 });
  });

  it('left has decided and rekeys the new IKE SA as well, while right still waits for the answer that decides', () => {
    const pair = new DrawnPair({ left: [0x80, 0x80], right: [0x00, 0x80] });
    pair.play(`
      left  rekey-ike
      right rekey-ike
      left  --> right  ${IKE_REKEY}
      right --> left   ${IKE_FROM_RIGHT}
      left  --x right  CREATE_CHILD_SA response 0 { SA Nonce KE }
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce KE }
      left  ... right  INFORMATIONAL request 3 { D }
      left  rekey-ike
      left  --> right  CREATE_CHILD_SA request 0 { SA Nonce KE }
      right --> left   CREATE_CHILD_SA response 0 { SA Nonce KE }
      left  --> right  INFORMATIONAL request 1 { D }
      right --> left   INFORMATIONAL response 1 { }
      right waits
      # The old IKE SA is being closed, so the repetition gets the answer that it got, which decides.
      right --> left   ${IKE_FROM_RIGHT}
      left  --> right  CREATE_CHILD_SA response 0 { SA Nonce KE }
      right --> left   INFORMATIONAL request 0 { D }
      left  --> right  INFORMATIONAL response 0 { }
    `);
    settled(pair, { pairs: 1 });
  });

  it('the answer is lost, and the other end speaks on the new IKE SA before it can be known', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-ike
      left  --> right  ${IKE_REKEY}
      right --x left   CREATE_CHILD_SA response 2 { SA Nonce KE }
      right rekey-child
      # No keys for it yet: dropped, and repeated later.
      right --> left   CREATE_CHILD_SA request 0 { N(REKEY_SA) SA Nonce TSi TSr }
      left  waits
      left  --> right  ${IKE_REKEY}
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce KE }
      left  --> right  INFORMATIONAL request 3 { D }
      right --> left   INFORMATIONAL response 3 { }
      right waits
      right --> left   CREATE_CHILD_SA request 0 { N(REKEY_SA) SA Nonce TSi TSr }
      left  --> right  CREATE_CHILD_SA response 0 { SA Nonce TSi TSr }
      right --> left   INFORMATIONAL request 1 { D }
      left  --> right  INFORMATIONAL response 1 { D }
    `);
    settled(pair, { pairs: 1 });
  });
});

describe('Rekeying the IKE SA across what happens to Child SAs (RFC 7296 sections 2.25.1 and 2.25.2)', () => {
  it('against a rekey of a Child SA: both get TEMPORARY_FAILURE, and try again out of step', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-ike
      right rekey-child
      left  --> right  ${IKE_REKEY}
      right --> left   ${FROM_RIGHT}
      right --> left   CREATE_CHILD_SA response 2 { N(TEMPORARY_FAILURE) }
      left  --> right  CREATE_CHILD_SA response 0 { N(TEMPORARY_FAILURE) }
    `);
    settled(pair, { pairs: 1 });
    expect(eventsOf(pair, 'left').sort()).toEqual(['child-rekeyed', 'ike-rekeyed']);
  });

  it('against the making of a Child SA: both get TEMPORARY_FAILURE, and try again', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  delete-child
      left  --> right  INFORMATIONAL request 2 { D }
      right --> left   INFORMATIONAL response 2 { D }
      left  rekey-ike
      right initiate-child
      left  --> right  CREATE_CHILD_SA request 3 { SA Nonce KE }
      right --> left   CREATE_CHILD_SA request 0 { SA Nonce TSi TSr }
      right --> left   CREATE_CHILD_SA response 3 { N(TEMPORARY_FAILURE) }
      left  --> right  CREATE_CHILD_SA response 0 { N(TEMPORARY_FAILURE) }
    `);
    settled(pair, { pairs: 1 });
  });

  it('against the deletion of a Child SA: that is answered as usual', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-ike
      right delete-child
      left  --> right  ${IKE_REKEY}
      right --> left   INFORMATIONAL request 0 { D }
      right --> left   CREATE_CHILD_SA response 2 { N(TEMPORARY_FAILURE) }
      left  --> right  INFORMATIONAL response 0 { D }
    `);
    settled(pair, { pairs: 0 });
    expect(eventsOf(pair, 'left')).toEqual(['child-closed', 'ike-rekeyed']);
  });

  it('after a Child SA was replaced, before the old one is deleted: its Delete goes on the new IKE SA', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-child
      left  --> right  ${REKEY}
      right rekey-ike
      right ... left   CREATE_CHILD_SA response 2 { SA Nonce TSi TSr }
      right --> left   ${IKE_FROM_RIGHT}
      # left rekeys a Child SA, so it cannot grant this; it would have to know the end of its own request first.
      left  --> right  CREATE_CHILD_SA response 0 { N(TEMPORARY_FAILURE) }
      right =>> left   CREATE_CHILD_SA response 2 { SA Nonce TSi TSr }
      left  --> right  INFORMATIONAL request 3 { D }
      right --> left   INFORMATIONAL response 3 { D }
    `);
    settled(pair, { pairs: 1 });
  });

  it('a task that waits behind the rekey goes on the new IKE SA', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-ike
      left  rekey-child
      left  --> right  ${IKE_REKEY}
      right --> left   CREATE_CHILD_SA response 2 { SA Nonce KE }
      left  --> right  CREATE_CHILD_SA request 0 { N(REKEY_SA) SA Nonce TSi TSr }
      left  --> right  INFORMATIONAL request 3 { D }
      right --> left   CREATE_CHILD_SA response 0 { SA Nonce TSi TSr }
      right --> left   INFORMATIONAL response 3 { }
      left  --> right  INFORMATIONAL request 1 { D }
      right --> left   INFORMATIONAL response 1 { D }
    `);
    settled(pair, { pairs: 1 });
  });
});

describe('A Delete of a Child SA whose IKE SA is replaced and gone before it is answered', () => {
  it('goes once more on the new one, so that nothing of the Child SA stays behind', () => {
    const pair = new DrawnPair({ connection: () => ({ proposals: [HYBRID] }) });
    pair.play(`
      right rekey-ike
      right --> left   CREATE_CHILD_SA request 0 { SA Nonce KE }
      left  --> right  CREATE_CHILD_SA response 0 { SA Nonce KE N(ADDITIONAL_KEY_EXCHANGE) }
      left  delete-child
      left  --> right  INFORMATIONAL request 3 { D }
      right --> left   IKE_FOLLOWUP_KE request 1 { KE N(ADDITIONAL_KEY_EXCHANGE) }
      right --x left   INFORMATIONAL response 3 { D }
      left  --> right  IKE_FOLLOWUP_KE response 1 { KE }
      right --> left   INFORMATIONAL request 2 { D }
      left  --> right  INFORMATIONAL response 2 { }
      left  --> right  INFORMATIONAL request 0 { D }
      right --> left   INFORMATIONAL response 0 { }
    `);
    settled(pair, { pairs: 0 });
    expect(pair.left.sad.installed.size).toBe(0);
    expect(eventsOf(pair, 'left')).toEqual(['ike-rekeyed', 'child-closed']);
  });
});

describe('Closing the IKE SA (RFC 7296 section 2.25.2)', () => {
  it('while the other end rekeys it: answered as usual, the rekey is forgotten', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-ike
      right delete-ike
      left  --> right  ${IKE_REKEY}
      right --> left   INFORMATIONAL request 0 { D }
      right --> left   CREATE_CHILD_SA response 2 { N(TEMPORARY_FAILURE) }
      left  --> right  INFORMATIONAL response 0 { }
    `);
    settled(pair, { pairs: 0, ikes: 0 });
    expect([eventsOf(pair, 'left'), eventsOf(pair, 'right')]).toEqual([['ike-closed'], ['ike-closed']]);
  });

  it('while the other end closes it, too: both answer', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  delete-ike
      right delete-ike
      left  --> right  INFORMATIONAL request 2 { D }
      right --> left   INFORMATIONAL request 0 { D }
      right --> left   INFORMATIONAL response 2 { }
      left  --> right  INFORMATIONAL response 0 { }
    `);
    settled(pair, { pairs: 0, ikes: 0 });
    expect(pair.left.events.slice(1)).toMatchObject([{ kind: 'ike-closed', connection: 'left-right', by: 'us' }]);
  });

  it('while the other end rekeys or makes a Child SA: TEMPORARY_FAILURE, and it is over', () => {
    const pair = new DrawnPair();
    pair.play(`
      left  rekey-child
      right delete-ike
      left  --> right  ${REKEY}
      right --> left   INFORMATIONAL request 0 { D }
      right --> left   CREATE_CHILD_SA response 2 { N(TEMPORARY_FAILURE) }
      left  --> right  INFORMATIONAL response 0 { }
    `);
    settled(pair, { pairs: 0, ikes: 0 });
  });

  it('when the Delete is never answered, it is closed all the same', () => {
    const pair = new DrawnPair();
    pair.play('left delete-ike\nleft --x right INFORMATIONAL request 2 { D }');
    for (let attempt = 1; attempt <= 6; attempt++)
      pair.play('left waits\nleft --x right INFORMATIONAL request 2 { D }');
    pair.play('left waits');
    expect(eventsOf(pair, 'left')).toEqual(['ike-closed']);
    expect(pair.left.engine.associations()).toHaveLength(0);
    expect(pair.left.sad.installed.size).toBe(0);
  });
});

describe('TEMPORARY_FAILURE (RFC 7296 section 2.25)', () => {
  it('is waited for, however often the Child SA is wanted meanwhile', () => {
    const row = COLLISIONS['create-child'] as { nothing: string };
    row.nothing = 'temporary_failure';
    try {
      const pair = establishedPair({ keyExchange: toyKeyExchange });
      pair.give(pair.left, { kind: 'delete-child', inboundSpi: pair.left.sad.current()?.association.inboundSpi ?? 0 });
      pair.runFor(1000);
      const before = pair.sent.length;
      for (let second = 0; second < 20; second++) {
        pair.give(pair.left, { kind: 'initiate-child', connection: 'left-right', child: 'net' });
        pair.runFor(100);
      }
      const asked = pair.sent.slice(before).filter(({ from }) => from === 'left');
      expect(asked).toHaveLength(1);
      row.nothing = 'proceed';
      pair.runFor(5000);
      expect(agreement(pair)).toEqual({ pairs: 1, agree: true });
    } finally {
      row.nothing = 'proceed';
    }
  });

  it('for minutes means that the two ends are out of step: the IKE SA is closed, with the reason', () => {
    const row = COLLISIONS['rekey-child'] as { nothing: string };
    row.nothing = 'temporary_failure';
    try {
      const pair = new DrawnPair();
      pair.command('left', 'rekey-child');
      pair.settle();
      expect(pair.left.events.slice(1)).toMatchObject([
        { kind: 'ike-failed', connection: 'left-right', reason: { code: 'out_of_step' } },
      ]);
      expect(eventsOf(pair, 'right')).toEqual(['ike-closed']);
      settled(pair, { pairs: 0, ikes: 0 });
    } finally {
      row.nothing = 'proceed';
    }
  });
});
