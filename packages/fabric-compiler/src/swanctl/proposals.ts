import type { BundleKeyExchange, KeyExchangeMethod } from '../bundle.js';
import type { ExternalEspProposal, ExternalIkeProposal } from '../intent.js';
import { type Keyword, keywordOf } from './keywords.js';

export type ProposalResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly detail: string; readonly fix: string };

/**
 * Proposals for an IKE SA, in the order of preference. Several algorithms of one kind in a proposal are alternatives, each of which
 * is a proposal of ours.
 */
export function parseIkeProposals(text: string): ProposalResult<readonly ExternalIkeProposal[]> {
  const proposals: ExternalIkeProposal[] = [];
  for (const proposal of listOf(text)) {
    const keywords = keywordsOf(proposal);
    if (!keywords.ok) return keywords;
    const { keyBits, prfs, exchanges, sequenceNumbers } = kindsOf(keywords.value);
    if (sequenceNumbers.length > 0)
      return refused(proposal, 'Sequence numbers are no matter of an IKE SA; take them away.');
    if (keyBits.length === 0 || prfs.length === 0 || exchanges.length === 0) {
      return refused(proposal, `Write ${IKE_EXAMPLE}: encryption, pseudorandom function and key exchange.`);
    }
    if (keyBits.length * prfs.length * exchanges.length > MAX_PROPOSALS) return tooMany();
    for (const bits of keyBits) {
      for (const prf of prfs) {
        for (const keyExchange of exchanges)
          proposals.push({ encryption: 'aes-gcm-16', keyBits: bits, prf, keyExchange });
      }
    }
    if (proposals.length > MAX_PROPOSALS) return tooMany();
  }
  return proposals.length > 0 ? { ok: true, value: proposals } : refused(text, `Write ${IKE_EXAMPLE}.`);
}

/** The one proposal for the Child SA: with alternatives the gateway would choose, and what an edge offers has none. */
export function parseEspProposal(text: string): ProposalResult<ExternalEspProposal> {
  const [proposal = '', ...others] = listOf(text);
  if (others.length > 0) return refused(text, 'Leave the one proposal that both ends are to use.');
  const keywords = keywordsOf(proposal);
  if (!keywords.ok) return keywords;
  const { keyBits, exchanges, sequenceNumbers } = kindsOf(keywords.value);
  const [bits] = keyBits;
  if (bits === undefined) return refused(text, `Write ${ESP_EXAMPLE}: encryption and key exchange.`);
  if (exchanges.length === 0 && keywords.value.some(({ kind }) => kind === 'exchange')) {
    return refused(text, 'Number additional key exchanges from ke1_ on, and write the first one before them.');
  }
  if (keyBits.length > 1 || exchanges.length > 1 || sequenceNumbers.length > 1) {
    return refused(text, 'Leave one algorithm of each kind, and one of esn and noesn.');
  }
  // "If omitted, noesn is assumed."
  const extendedSequenceNumbers = sequenceNumbers[0] ?? false;
  return {
    ok: true,
    value: { encryption: 'aes-gcm-16', keyBits: bits, extendedSequenceNumbers, keyExchange: exchanges[0] },
  };
}

/** Items of a list with commas between them. */
export function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function keywordsOf(proposal: string): ProposalResult<readonly Keyword[]> {
  const found: Keyword[] = [];
  for (const text of proposal.split('-')) {
    const keyword = keywordOf(text);
    if (keyword === undefined) {
      const fix = `Let the gateway use AES-GCM with an ICV of 16 octets, SHA-2, and elliptic curves or ML-KEM, for example ${IKE_EXAMPLE}, and take other proposals out.`;
      return { ok: false, detail: `The algorithm "${text.slice(0, MAX_QUOTED)}" is none that our edges have`, fix };
    }
    found.push(keyword);
  }
  return { ok: true, value: found };
}

function kindsOf(keywords: readonly Keyword[]) {
  const prfs = keywords.flatMap((keyword) => (keyword.kind === 'prf' ? [keyword.prf] : []));
  const integrity = keywords.flatMap((keyword) => (keyword.kind === 'integrity' ? [keyword.prf] : []));
  return {
    keyBits: distinct(keywords.flatMap((keyword) => (keyword.kind === 'encryption' ? [keyword.keyBits] : []))),
    // "No explicit PRF": then that of the integrity algorithm, as in strongSwan.
    prfs: distinct(prfs.length > 0 ? prfs : integrity),
    exchanges: exchangesOf(keywords),
    sequenceNumbers: distinct(
      keywords.flatMap((keyword) => (keyword.kind === 'sequence_numbers' ? [keyword.extended] : [])),
    ),
  };
}

/** One of each round, in every combination; none when a round is missing before another. */
function exchangesOf(keywords: readonly Keyword[]): readonly BundleKeyExchange[] {
  const rounds = new Map<number, KeyExchangeMethod[]>();
  for (const keyword of keywords) {
    if (keyword.kind === 'exchange') rounds.set(keyword.round, [...(rounds.get(keyword.round) ?? []), keyword.method]);
  }
  let found: readonly (readonly KeyExchangeMethod[])[] = [[]];
  for (let round = 0; round < rounds.size; round++) {
    const methods = distinct(rounds.get(round) ?? []);
    found = found.flatMap((before) => methods.map((method) => [...before, method])).slice(0, MAX_PROPOSALS + 1);
  }
  return found.flatMap(([method, ...additionalMethods]) =>
    method === undefined ? [] : [{ method, additionalMethods }],
  );
}

function distinct<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}

function refused(text: string, fix: string): ProposalResult<never> {
  return { ok: false, detail: `"${text.slice(0, MAX_QUOTED)}" does not say what both ends use`, fix };
}

function tooMany(): ProposalResult<never> {
  const detail = `That is more than ${MAX_PROPOSALS} combinations of algorithms`;
  return { ok: false, detail, fix: 'Leave those that are to be used.' };
}

const MAX_PROPOSALS = 8;
const MAX_QUOTED = 64;
const IKE_EXAMPLE = '"aes256gcm16-prfsha384-x25519"';
const ESP_EXAMPLE = '"aes256gcm16-x25519"';
