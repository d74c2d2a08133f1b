import { Button, FileButton, Group, Input, NativeSelect, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { ExternalPeerImport, ExternalPeerImportResult } from '../../../api/index.js';
import { compareNames } from '../../../lib/compare.js';
import { plural } from '../../../lib/format-quantity.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { FormDialog } from '../../../ui/FormDialog.js';
import { useProblemForm } from '../../../ui/use-problem-form.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { sitesQuery } from '../../sites/queries.js';
import { importExternalPeers } from '../queries.js';
import { ikeProposalText, innerAddresses, proofText } from '../wording.js';

interface ImportValues {
  readonly siteId: string;
  readonly text: string;
  readonly certificates: CertificateFile[];
}

type CertificateFile = NonNullable<ExternalPeerImport['certificates']>[number];

/** Findings name their place in the text themselves: they are a list below it, not one sentence at the field. */
const fieldsWithErrors = (): string[] => ['siteId', 'certificates'];

/** Makes external peers of the file of a gateway: first it is tried and shown what would come of it. */
export function ImportDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const tenantId = useTenantId();
  const sites = [...(useQuery(sitesQuery(tenantId)).data?.items ?? [])].sort((a, b) => compareNames(a.name, b.name));
  const [checked, setChecked] = useState<ExternalPeerImportResult>();
  const initial = { siteId: sites[0]?.id ?? '', text: '', certificates: [] };
  const { form, failure, refuse, clear } = useProblemForm<ImportValues>(initial, fieldsWithErrors);
  const work = useWrite(({ how, ...values }: ImportValues & { readonly how: 'try' | 'do' }) =>
    importExternalPeers(tenantId, values, how),
  );
  const set = (change: Partial<ImportValues>): void => {
    form.setValues(change);
    form.clearErrors();
    clear();
    setChecked(undefined);
  };
  const send = (values: ImportValues): void => {
    clear();
    const how = checked === undefined ? 'try' : 'do';
    const done = (result: ExternalPeerImportResult) => (how === 'try' ? setChecked(result) : onClose());
    const refused = (error: unknown): void => {
      setChecked(undefined);
      refuse(error);
    };
    work.mutate({ ...values, how }, { onSuccess: done, onError: refused });
  };
  const { siteId, text, certificates } = form.getValues();
  return (
    <FormDialog
      title="Import swanctl.conf"
      submit={checked === undefined ? 'Check' : `Import ${plural(checked.items.length, 'external peer')}`}
      size="xl"
      busy={work.isPending}
      failure={
        failure && (
          <FailureNotice error={failure.error} entries={failure.entries.map((entry) => ({ ...entry, pointer: '' }))} />
        )
      }
      onSubmit={form.onSubmit(send)}
      onClose={onClose}
    >
      <Group gap="sm" align="flex-end" wrap="nowrap">
        <NativeSelect
          flex={1}
          label="Site"
          description="The one edge of it has the tunnels."
          data={sites.map(({ id, name }) => ({ value: id, label: name }))}
          value={siteId}
          error={form.errors['siteId']}
          onChange={(event) => set({ siteId: event.currentTarget.value })}
        />
        <FileButton
          accept=".conf,text/plain"
          onChange={(file) => void file?.text().then((read) => set({ text: read }))}
        >
          {(props) => (
            <Button variant="default" {...props}>
              Choose a file
            </Button>
          )}
        </FileButton>
      </Group>
      <Textarea
        label="swanctl.conf of the gateway"
        description="With its secrets. What is local there is the external peer, what is remote our edge."
        classNames={{ input: 'w-monospace' }}
        autosize
        minRows={10}
        maxRows={18}
        spellCheck={false}
        value={text}
        onChange={(event) => set({ text: event.currentTarget.value })}
      />
      <CertificateFiles
        files={certificates}
        error={form.errors['certificates']}
        onChange={(files) => set({ certificates: files })}
      />
      {checked !== undefined && <Findings result={checked} />}
    </FormDialog>
  );
}

interface CertificateFilesProps {
  readonly files: readonly CertificateFile[];
  readonly error: ReactNode;
  readonly onChange: (files: CertificateFile[]) => void;
}

/** The files that connections with certificates name. */
function CertificateFiles({ files, error, onChange }: CertificateFilesProps): ReactNode {
  const read = async (chosen: readonly File[]): Promise<void> =>
    onChange(await Promise.all(chosen.map(async (file) => ({ fileName: file.name, text: await file.text() }))));
  return (
    <Input.Wrapper
      label="Certificates of the gateway"
      description="For connections with auth = pubkey: the files from its folder x509, PEM. They are pinned."
      error={error}
    >
      <Group gap="sm" mt={6}>
        <FileButton multiple accept=".pem,.crt,.cer" onChange={(chosen) => void read(chosen)}>
          {(props) => (
            <Button variant="default" size="compact-sm" {...props}>
              Choose files
            </Button>
          )}
        </FileButton>
        <span className="w-dim w-small">
          {files.length === 0 ? 'none' : files.map(({ fileName }) => fileName).join(', ')}
        </span>
      </Group>
    </Input.Wrapper>
  );
}

function Findings({ result: { items, leftAtGateway } }: { readonly result: ExternalPeerImportResult }): ReactNode {
  return (
    <section className="w-import" aria-label="What would be imported">
      <h3>Would be made</h3>
      <ul>
        {items.map((peer) => (
          <li key={peer.name}>
            <b>{peer.name}</b> at <code>{peer.address}</code>, shows <code>{peer.identity}</code>,{' '}
            {proofText(peer).toLowerCase()}
            <div className="w-dim w-small">
              {innerAddresses(peer).join(', ')} · {peer.ikeProposals.map(ikeProposalText).join(' or ')}
            </div>
          </li>
        ))}
      </ul>
      {leftAtGateway.length > 0 && (
        <details>
          <summary>
            {plural(leftAtGateway.length, 'setting')} of the gateway alone: nothing here follows from them
          </summary>
          <ul>
            {leftAtGateway.map(({ key, line }) => (
              <li key={`${line} ${key}`}>
                Line {line}: <code>{key}</code>
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}
