import { ActionIcon, Button, Input, MultiSelect, Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Site } from '../../../api/index.js';
import { compareNames } from '../../../lib/compare.js';
import { CloseIcon, PlusIcon } from '../../../ui/icons.js';
import { type Row, type TopologyValues, withRow } from '../topology-form.js';

interface TopologySitesProps {
  readonly values: TopologyValues;
  readonly sites: readonly Site[];
  readonly locked: boolean;
  readonly onChange: (part: Partial<TopologyValues>) => void;
}

/** The sites that the chosen kind of topology names. */
export function TopologySites({ values, sites, locked, onChange }: TopologySitesProps): ReactNode {
  const choices = sites
    .map(({ id, name }) => ({ value: id, label: name }))
    .sort((one, other) => compareNames(one.label, other.label));
  const common = { data: choices, disabled: locked };
  switch (values.kind) {
    case 'full_mesh':
      return null;
    case 'hub_and_spoke':
      return <Hubs values={values} data={choices} disabled={locked} onChange={onChange} />;
    case 'partial_mesh':
      return (
        <Rows
          {...common}
          noun="mesh"
          description="The sites of each have tunnels with each other; a site may be in several."
          rows={values.meshes}
          onChange={(meshes) => onChange({ meshes })}
        />
      );
    case 'custom_links':
      return (
        <Stack gap="sm" mb="sm">
          <Rows
            {...common}
            noun="link"
            description="Each between two sites."
            most={2}
            rows={values.links}
            onChange={(links) => onChange({ links })}
          />
          <Sites
            {...common}
            label="Relays"
            description="They pass on what is not for them."
            value={values.relays}
            onChange={(relays) => onChange({ relays })}
          />
        </Stack>
      );
  }
}

type Choices = { readonly value: string; readonly label: string }[];

interface HubsProps {
  readonly values: TopologyValues;
  readonly data: Choices;
  readonly disabled: boolean;
  readonly onChange: (part: Partial<TopologyValues>) => void;
}

/** The first hub is the home of who has no other. */
function Hubs({ values, data, disabled, onChange }: HubsProps): ReactNode {
  const nameOf = (siteId: string) => data.find(({ value }) => value === siteId)?.label ?? siteId;
  const [first, ...others] = values.hubs;
  return (
    <Stack gap="sm" mb="sm">
      <Sites
        label="Hubs"
        description={
          first === undefined || others.length === 0
            ? 'They have tunnels with each other.'
            : `They have tunnels with each other. Sites with no other home have theirs with ${nameOf(first)}.`
        }
        data={data}
        disabled={disabled}
        value={values.hubs}
        onChange={(hubs) => onChange({ hubs })}
      />
      {others.map((hub) => (
        <Sites
          key={hub}
          label={`At home with ${nameOf(hub)}`}
          description="Their tunnel is with this hub."
          data={data.filter(({ value }) => !values.hubs.includes(value))}
          disabled={disabled}
          value={values.homes[hub] ?? []}
          onChange={(siteIds) => onChange({ homes: movedHome(values.homes, hub, siteIds) })}
        />
      ))}
    </Stack>
  );
}

/** A site has one home. */
function movedHome(homes: TopologyValues['homes'], hub: string, siteIds: readonly string[]): TopologyValues['homes'] {
  const others = Object.entries(homes).map(([each, known]) => [each, known.filter((id) => !siteIds.includes(id))]);
  return { ...Object.fromEntries(others), [hub]: siteIds };
}

interface RowsProps {
  readonly noun: 'mesh' | 'link';
  readonly description: string;
  /** Sites in one. */
  readonly most?: number;
  readonly data: Choices;
  readonly disabled: boolean;
  readonly rows: readonly Row[];
  readonly onChange: (rows: readonly Row[]) => void;
}

function Rows({ noun, description, most, data, disabled, rows, onChange }: RowsProps): ReactNode {
  const title = noun === 'mesh' ? 'Meshes' : 'Links';
  return (
    <Input.Wrapper label={title} description={description} mb="sm">
      {rows.map(({ key, siteIds }, index) => (
        <div key={key} className="w-topology-row">
          <MultiSelect
            aria-label={`Sites of ${noun} ${index + 1}`}
            placeholder={siteIds.length === 0 ? 'choose sites' : ''}
            data={data}
            disabled={disabled}
            searchable
            {...(most === undefined ? {} : { maxValues: most })}
            value={[...siteIds]}
            onChange={(next) => onChange(rows.map((row) => (row.key === key ? { key, siteIds: next } : row)))}
          />
          <ActionIcon
            aria-label={`Remove ${noun} ${index + 1}`}
            disabled={disabled}
            onClick={() => onChange(rows.filter((row) => row.key !== key))}
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
        disabled={disabled}
        onClick={() => onChange(withRow(rows))}
      >
        Add {noun}
      </Button>
    </Input.Wrapper>
  );
}

interface SitesProps {
  readonly label: string;
  readonly description: string;
  readonly data: Choices;
  readonly disabled: boolean;
  readonly value: readonly string[];
  readonly onChange: (siteIds: string[]) => void;
}

function Sites({ value, ...input }: SitesProps): ReactNode {
  return (
    <MultiSelect
      placeholder={value.length === 0 ? 'none' : ''}
      searchable
      clearable
      nothingFoundMessage="No site has this name."
      value={[...value]}
      {...input}
    />
  );
}
