import { createReadStream } from 'node:fs';
import { CliError, messageOf } from '../platform/cli-error.js';

/** The document of a tenant as somebody wrote it: what it says is for the controller to read. */
export interface TenantDocument {
  readonly text: string;
  readonly mediaType: 'application/json' | 'application/yaml';
}

export class DocumentError extends CliError<'document_unreadable' | 'document_too_large' | 'document_empty'> {
  override readonly name = 'DocumentError';
}

/** Reads the document from a file, or from the input when it is called `-`. Throws DocumentError. */
export async function readDocument(file: string, input: AsyncIterable<Buffer | string>): Promise<TenantDocument> {
  const text = await readBounded(file, file === '-' ? input : createReadStream(file));
  if (text.trim() === '')
    throw new DocumentError('document_empty', `${nameOf(file)} is empty`, 'begin with weft export');
  return { text, mediaType: mediaTypeOf(file, text) };
}

async function readBounded(file: string, source: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of source) {
      const octets = Buffer.from(chunk);
      length += octets.length;
      if (length > MAXIMUM_OCTETS) break;
      chunks.push(octets);
    }
  } catch (error) {
    const detail = `${nameOf(file)}: ${messageOf(error)}`;
    throw new DocumentError('document_unreadable', detail, 'name a file that you may read, or - for the input');
  }
  if (length <= MAXIMUM_OCTETS) return Buffer.concat(chunks).toString('utf8');
  const most = `${MAXIMUM_OCTETS >> 20} MiB`;
  throw new DocumentError('document_too_large', `${nameOf(file)} has more than ${most}`, 'give it in parts');
}

/** YAML takes JSON as well, and the controller takes more octets of JSON: whatever looks like it is sent as it. */
function mediaTypeOf(file: string, text: string): TenantDocument['mediaType'] {
  return file.endsWith('.json') || text.trimStart().startsWith('{') ? 'application/json' : 'application/yaml';
}

function nameOf(file: string): string {
  return file === '-' ? 'the input' : file;
}

/** More than that the controller takes in no form. */
const MAXIMUM_OCTETS = 2 << 20;
