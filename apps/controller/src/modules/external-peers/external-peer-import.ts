import { type FabricIntent, type GatewaySetting, type ImportedPeer, importSwanctl } from '@weft/fabric-compiler';
import { DomainError, refusal } from '../../platform/http/domain-error.js';
import { problemEntries } from '../../platform/http/schema-issues.js';
import type { ProblemEntry } from '../../platform/http/schemas.js';
import { certificateHex, certificatePem } from './certificate-text.js';
import { CreateExternalPeer, type ExternalPeerImport } from './external-peer.dto.js';
import { shownProposals } from './stored-external-peer.js';

export interface ImportedExternalPeers {
  readonly peers: readonly CreateExternalPeer[];
  readonly leftAtGateway: GatewaySetting[];
}

/** What each connection of a swanctl.conf is to the API. Throws DomainError 'not_importable', or 'name_taken'. */
export function importedExternalPeers(
  { text, siteId, certificates }: ExternalPeerImport,
  intent: FabricIntent,
): ImportedExternalPeers {
  const files = new Map(certificates.map((file) => [file.fileName, certificateHex(file.text)]));
  const imported = importSwanctl(text, intent, siteId, files);
  if (!imported.ok) {
    throw notImportable(
      imported.problems.map(({ rule, position: { line, column }, key, detail, fix }) => {
        const place = `Line ${line}, column ${column}${key === '' ? '' : `, ${key}`}`;
        return { pointer: '/text', rule, detail: `${place}: ${detail}`, fix };
      }),
    );
  }
  const taken = new Set((intent.externalPeers ?? []).map(({ name }) => name));
  const again = imported.peers.find(({ name }) => taken.has(name));
  if (again !== undefined) throw importedNameTaken(again.name);
  const peers = imported.peers.map((peer) => checked(peer, siteId));
  return { peers, leftAtGateway: [...imported.leftAtGateway] };
}

export function importedNameTaken(name?: string): DomainError {
  const which = name === undefined ? 'of the name of one of the connections' : `"${name}"`;
  return refusal('conflict', {
    pointer: '/text',
    rule: 'name_taken',
    detail: `There is an external peer ${which} already`,
    fix: 'Call the connection otherwise, or remove that external peer.',
  });
}

/** By the rules for whatever the API is given, which a connection may break. */
function checked(peer: ImportedPeer, siteId: string): CreateExternalPeer {
  const { ikeProposals, espProposal, prefixes, ...rest } = peer;
  const proposals = shownProposals({ ikeProposals, espProposal });
  const pinned = 'certificates' in rest ? { certificates: rest.certificates.map(certificatePem) } : {};
  const input = { ...rest, ...pinned, ...proposals, siteId, prefixes: [...prefixes] };
  const result = CreateExternalPeer.safeParse(input);
  if (result.success) return result.data;
  throw notImportable(
    problemEntries(result.error.issues, input).map(({ pointer, rule, detail, fix }) => ({
      pointer: '/text',
      rule,
      detail: `The connection "${peer.name}", ${pointer.slice(1)}: ${detail}`,
      fix,
    })),
  );
}

function notImportable(problems: readonly ProblemEntry[]): DomainError {
  const count = problems.length === 1 ? 'One thing' : `${problems.length} things`;
  return new DomainError('invalid', 'not_importable', `${count} in the text cannot be imported; see errors.`, problems);
}
