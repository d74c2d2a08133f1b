import { ActionIcon, Button, Input, MultiSelect, NativeSelect } from '@mantine/core';
import type { ReactNode } from 'react';
import type { ExternalPeer } from '../../../api/index.js';
import { CloseIcon, PlusIcon } from '../../../ui/icons.js';
import { type IkeProposalValues, USUAL_IKE_PROPOSAL } from '../peer-form.js';
import { KEY_EXCHANGES, PRF_LABELS } from '../wording.js';

type KeyBits = IkeProposalValues['keyBits'];
type KeyExchange = IkeProposalValues['keyExchange'];

const KEY_BITS = ([256, 192, 128] as const).map((bits) => ({ value: String(bits), label: `AES-${bits}-GCM` }));
const PRFS = Object.entries(PRF_LABELS).map(([value, label]) => ({ value, label }));
/** As many as the controller takes. */
const MAX_PROPOSALS = 8;

interface IkeProposalsInputProps {
  readonly proposals: readonly IkeProposalValues[];
  readonly error: ReactNode;
  readonly onChange: (proposals: readonly IkeProposalValues[]) => void;
}

/** Algorithms of the IKE SA, preferred first. */
export function IkeProposalsInput({ proposals, error, onChange }: IkeProposalsInputProps): ReactNode {
  const change = (key: number, part: Partial<IkeProposalValues>): void =>
    onChange(proposals.map((proposal) => (proposal.key === key ? { ...proposal, ...part } : proposal)));
  const add = (): void => {
    const key = Math.max(-1, ...proposals.map((proposal) => proposal.key)) + 1;
    onChange([...proposals, { ...USUAL_IKE_PROPOSAL, keyExchange: [...USUAL_IKE_PROPOSAL.keyExchange], key }]);
  };
  return (
    <Input.Wrapper label="IKE SA" description="What both ends use, preferred first." error={error}>
      {proposals.map((proposal, index) => (
        <div key={proposal.key} className="w-proposal">
          <KeyBitsSelect
            label={`Encryption of IKE proposal ${index + 1}`}
            value={proposal.keyBits}
            onChange={(keyBits) => change(proposal.key, { keyBits })}
          />
          <NativeSelect
            aria-label={`PRF of IKE proposal ${index + 1}`}
            data={PRFS}
            value={proposal.prf}
            onChange={(event) => change(proposal.key, { prf: event.currentTarget.value as IkeProposalValues['prf'] })}
          />
          <KeyExchangeSelect
            label={`Key exchange of IKE proposal ${index + 1}`}
            value={proposal.keyExchange}
            onChange={(keyExchange) => change(proposal.key, { keyExchange })}
          />
          <ActionIcon
            aria-label={`Remove IKE proposal ${index + 1}`}
            disabled={proposals.length === 1}
            onClick={() => onChange(proposals.filter(({ key }) => key !== proposal.key))}
          >
            <CloseIcon size={15} />
          </ActionIcon>
        </div>
      ))}
      <Button
        variant="light"
        size="compact-sm"
        mt={6}
        leftSection={<PlusIcon size={14} />}
        disabled={proposals.length >= MAX_PROPOSALS}
        onClick={add}
      >
        Add proposal
      </Button>
    </Input.Wrapper>
  );
}

interface EspProposalInputProps {
  readonly proposal: ExternalPeer['espProposal'];
  readonly error: ReactNode;
  readonly onChange: (proposal: ExternalPeer['espProposal']) => void;
}

/** Algorithms of the Child SA. */
export function EspProposalInput({ proposal, error, onChange }: EspProposalInputProps): ReactNode {
  return (
    <Input.Wrapper
      label="Child SA"
      description="ESP in tunnel mode. Without a key exchange, keys come from the IKE SA when it is rekeyed."
      error={error}
    >
      <div className="w-proposal">
        <KeyBitsSelect
          label="Encryption of the Child SA"
          value={proposal.keyBits}
          onChange={(keyBits) => onChange({ ...proposal, keyBits })}
        />
        <NativeSelect
          aria-label="Sequence numbers of the Child SA"
          data={[
            { value: 'short', label: '32-bit numbers' },
            { value: 'extended', label: 'Extended (ESN)' },
          ]}
          value={proposal.extendedSequenceNumbers ? 'extended' : 'short'}
          onChange={(event) =>
            onChange({ ...proposal, extendedSequenceNumbers: event.currentTarget.value === 'extended' })
          }
        />
        <KeyExchangeSelect
          label="Key exchange of the Child SA"
          value={proposal.keyExchange}
          onChange={(keyExchange) => onChange({ ...proposal, keyExchange })}
        />
      </div>
    </Input.Wrapper>
  );
}

interface KeyBitsSelectProps {
  readonly label: string;
  readonly value: KeyBits;
  readonly onChange: (keyBits: KeyBits) => void;
}

function KeyBitsSelect({ label, value, onChange }: KeyBitsSelectProps): ReactNode {
  return (
    <NativeSelect
      aria-label={label}
      data={KEY_BITS}
      value={String(value)}
      onChange={(event) => onChange(Number(event.currentTarget.value) as KeyBits)}
    />
  );
}

interface KeyExchangeSelectProps {
  readonly label: string;
  readonly value: KeyExchange;
  readonly onChange: (keyExchange: KeyExchange) => void;
}

/** The first method, and what is added to it in the order in which it is chosen (RFC 9370). */
function KeyExchangeSelect({ label, value, onChange }: KeyExchangeSelectProps): ReactNode {
  return (
    <MultiSelect
      aria-label={label}
      placeholder={value.length === 0 ? 'no key exchange' : ''}
      data={[...KEY_EXCHANGES]}
      value={value}
      onChange={(chosen) => onChange(chosen as KeyExchange)}
      comboboxProps={{ withinPortal: true }}
    />
  );
}
