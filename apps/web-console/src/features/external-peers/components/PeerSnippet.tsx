import { ActionIcon, SegmentedControl, Skeleton, Tooltip } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { ExternalPeer, ExternalPeerSnippet } from '../../../api/index.js';
import { saveFile } from '../../../lib/save-file.js';
import { CopyValue } from '../../../ui/CopyLine.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { SaveIcon } from '../../../ui/icons.js';
import { useTenantId } from '../../session/use-tenant.js';
import { type SnippetFormat, snippetQuery } from '../queries.js';
import { isRemoteHost, nounOf } from '../wording.js';

const FORMATS = [
  { value: 'swanctl', label: 'strongSwan' },
  { value: 'libreswan', label: 'Libreswan' },
] as const satisfies readonly { value: SnippetFormat; label: string }[];
const FOLDERS = {
  swanctl: { text: '/etc/swanctl/conf.d', certificates: '/etc/swanctl/x509ca' },
  libreswan: { text: '/etc/ipsec.d', certificates: '/etc/ipsec.d' },
} as const satisfies Record<SnippetFormat, unknown>;

/** The files for the gateway or the host, by the draft, each to copy or to save. */
export function PeerSnippet({ peer }: { readonly peer: ExternalPeer }): ReactNode {
  const [format, setFormat] = useState<SnippetFormat>('swanctl');
  const { data, error } = useQuery(snippetQuery(useTenantId(), peer.id, format));
  return (
    <>
      <div className="w-toolbar">
        {/* There is no other for a host. */}
        {isRemoteHost(peer) ? (
          <span className="w-strong w-small">strongSwan</span>
        ) : (
          <SegmentedControl
            size="xs"
            aria-label="Program of the gateway"
            value={format}
            onChange={(value) => setFormat(value as SnippetFormat)}
            data={[...FORMATS]}
          />
        )}
        {data !== undefined && <span className="w-dim w-small">{placeholderText(data, nounOf(peer))}</span>}
      </div>
      {data === undefined && (error === null ? <Skeleton height={220} /> : <FailureNotice error={error} />)}
      {data !== undefined && <Files snippet={data} />}
    </>
  );
}

function Files({ snippet }: { readonly snippet: ExternalPeerSnippet }): ReactNode {
  const { format, fileName, text, secrets, certificates = [] } = snippet;
  const { text: folder, certificates: certificateFolder } = FOLDERS[format];
  return (
    <>
      <FileText folder={folder} fileName={fileName} text={text} />
      {secrets !== undefined && <FileText folder={folder} {...secrets} />}
      {certificates.map((file) => (
        <FileText key={file.fileName} folder={certificateFolder} {...file} />
      ))}
    </>
  );
}

interface FileTextProps {
  readonly folder: string;
  readonly fileName: string;
  readonly text: string;
}

function FileText({ folder, fileName, text }: FileTextProps): ReactNode {
  return (
    <figure className="w-file-text">
      <figcaption>
        <code>
          {folder}/{fileName}
        </code>
        <span className="w-push">
          <CopyValue text={text} label={`Copy ${fileName}`} />
          <Tooltip label={`Save ${fileName}`}>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Save ${fileName}`}
              onClick={() => saveFile(fileName, text, 'text/plain')}
            >
              <SaveIcon size={16} />
            </ActionIcon>
          </Tooltip>
        </span>
      </figcaption>
      <pre className="w-file">{text}</pre>
    </figure>
  );
}

function placeholderText({ secretPlaceholder, certificates }: ExternalPeerSnippet, noun: string): string {
  if (secretPlaceholder !== undefined)
    return `By the draft. Write the pre-shared key in place of ${secretPlaceholder}.`;
  return certificates === undefined
    ? 'By the draft.'
    : `By the draft. The ${noun} believes our edge by the certificates of our authorities.`;
}
