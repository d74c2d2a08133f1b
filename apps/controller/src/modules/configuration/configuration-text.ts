import { isMap, isScalar, type ParsedNode, parseDocument, stringify, visit } from 'yaml';
import { DomainError } from '../../platform/http/domain-error.js';
import type { Configuration } from './configuration.dto.js';
import { refusedToken } from './yaml-tokens.js';

export type Format = 'yaml' | 'json';

/** The same configuration is the same text, to the octet. */
export function formatConfiguration(configuration: Configuration, format: Format): string {
  if (format === 'json') return `${JSON.stringify(configuration, undefined, 2)}\n`;
  return stringify(configuration, { ...YAML, lineWidth: 0, aliasDuplicateObjects: false });
}

/**
 * What a text says, whatever that is. YAML is YAML 1.2 with the core schema: no tags that make anything, no aliases (a few lines of
 * them grow to gigabytes), no key twice. Throws DomainError 'malformed_json', 'malformed_yaml' or 'body_too_large'.
 */
export function parseConfigurationText(text: string, format: Format): unknown {
  return format === 'json' ? parseJson(text) : parseYaml(text);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DomainError('malformed', 'malformed_json', 'The body is no JSON (RFC 8259).');
  }
}

function parseYaml(text: string): unknown {
  if (Buffer.byteLength(text) > MAX_YAML_OCTETS) throw tooLarge();
  const refused = refusedToken(text);
  if (refused !== undefined) throw malformed(text, refused.at, refused.reason);
  // Keys are compared below: the parser compares each with all before it.
  const document = parseDocument(text, { ...YAML, uniqueKeys: false, prettyErrors: false });
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) throw malformed(text, error.pos[0], `breaks the rule ${error.code}`);
  visit(document, {
    Node: (_key, node) => {
      if (isMap<ParsedNode>(node)) refuseKeys(text, node.items);
    },
  });
  return document.toJS({ maxAliasCount: 0 });
}

function refuseKeys(text: string, items: readonly { readonly key: ParsedNode }[]): void {
  const seen = new Set<string>();
  for (const { key } of items) {
    const at = key.range[0];
    if (!isScalar(key) || typeof key.value !== 'string') throw malformed(text, at, 'has a key that is no text');
    if (seen.has(key.value)) throw malformed(text, at, `has the key "${key.value.slice(0, MAX_QUOTED)}" twice`);
    seen.add(key.value);
  }
}

function malformed(text: string, at: number, reason: string): DomainError {
  const before = text.slice(0, at).split('\n');
  const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
  const detail = `The body is no YAML that is taken here: it ${reason} (${place}).`;
  return new DomainError('malformed', 'malformed_yaml', detail);
}

function tooLarge(): DomainError {
  const detail = `A configuration in YAML has at most ${MAX_YAML_OCTETS} octets. Send it as JSON, or in parts.`;
  return new DomainError('too_large', 'body_too_large', detail);
}

const YAML = { schema: 'core', version: '1.2' } as const;
/** It takes about a second, in which the controller does nothing else. */
const MAX_YAML_OCTETS = 512 * 1024;
const MAX_QUOTED = 100;
