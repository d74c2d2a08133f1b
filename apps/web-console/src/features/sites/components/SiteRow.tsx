import { ActionIcon, Button, Menu, Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Edge, Network, Site } from '../../../api/index.js';
import { labelsText } from '../../../lib/labels.js';
import { CloseIcon, DeleteIcon, EditIcon, EnrollIcon, MoreIcon, PlusIcon } from '../../../ui/icons.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { StateMark, ToneIcon } from '../../../ui/StateMark.js';
import { CONDITIONS, certificateEndsSoon, conditionOf } from '../../edges/condition.js';
import { uplinksOf } from '../../edges/uplinks.js';

/** What a row asks its page to open. */
export type SiteAction =
  | { readonly kind: 'edit-site' | 'delete-site' | 'add-network' | 'add-edge'; readonly site: Site }
  | { readonly kind: 'edit-network' | 'delete-network'; readonly site: Site; readonly network: Network }
  | { readonly kind: 'edit-edge' | 'delete-edge' | 'enroll-edge'; readonly edge: Edge };

interface SiteRowProps {
  readonly site: Site;
  readonly networks: readonly Network[];
  readonly edges: readonly Edge[];
  readonly onAction: (action: SiteAction) => void;
}

/** One site: its networks, its edge and how that stands. */
export function SiteRow({ site, networks, edges, onAction }: SiteRowProps): ReactNode {
  const span = Math.max(1, edges.length);
  const [first, ...others] = edges;
  const labels = labelsText(site.labels);
  return (
    <>
      <tr data-site={site.id}>
        <td rowSpan={span}>
          <div className="w-strong">{site.name}</div>
          {site.description !== '' && <div className="w-dim w-small w-clip">{site.description}</div>}
          {labels !== '' && <div className="w-dim w-small w-clip">{labels}</div>}
        </td>
        <td rowSpan={span}>
          <Networks site={site} networks={networks} onAction={onAction} />
        </td>
        {first === undefined ? (
          <td colSpan={4}>
            <Button
              size="compact-sm"
              variant="light"
              leftSection={<PlusIcon size={14} />}
              onClick={() => onAction({ kind: 'add-edge', site })}
            >
              Add edge
            </Button>
            <span className="w-dim w-small w-beside">Its networks are out of the fabric until an edge is here.</span>
          </td>
        ) : (
          <EdgeCells edge={first} onAction={onAction} />
        )}
        <td rowSpan={span} className="w-right">
          <SiteMenu site={site} edges={edges} onAction={onAction} />
        </td>
      </tr>
      {others.map((edge) => (
        <tr key={edge.id}>
          <EdgeCells edge={edge} onAction={onAction} />
        </tr>
      ))}
    </>
  );
}

function Networks({ site, networks, onAction }: Pick<SiteRowProps, 'site' | 'networks' | 'onAction'>): ReactNode {
  return (
    <div className="w-chips">
      {networks.map((network) => (
        <span key={network.id} className="w-chip">
          <Tooltip label={[network.name, labelsText(network.labels)].filter((text) => text !== '').join(', ')}>
            <button
              type="button"
              className="w-chip-name"
              aria-label={`Edit network ${network.prefix}${network.mappedPrefix === undefined ? '' : ` mapped to ${network.mappedPrefix}`}`}
              onClick={() => onAction({ kind: 'edit-network', site, network })}
            >
              <code>{network.prefix}</code>
              {network.mappedPrefix !== undefined && (
                <>
                  {' mapped to '}
                  <code>{network.mappedPrefix}</code>
                </>
              )}
            </button>
          </Tooltip>
          <button
            type="button"
            aria-label={`Delete network ${network.prefix}`}
            onClick={() => onAction({ kind: 'delete-network', site, network })}
          >
            <CloseIcon size={12} aria-hidden />
          </button>
        </span>
      ))}
      <button type="button" className="w-chip-add" onClick={() => onAction({ kind: 'add-network', site })}>
        <PlusIcon size={12} aria-hidden /> Add network
      </button>
    </div>
  );
}

function EdgeCells({
  edge,
  onAction,
}: {
  readonly edge: Edge;
  readonly onAction: SiteRowProps['onAction'];
}): ReactNode {
  const condition = conditionOf(edge);
  const { tone, label, meaning } = CONDITIONS[condition];
  const { live } = edge;
  const endsSoon = certificateEndsSoon(live);
  return (
    <>
      <td>
        <Link to="/edges/$edgeId" params={{ edgeId: edge.id }} className="w-strong">
          {edge.name}
        </Link>
        <div className="w-dim w-small">
          {uplinksOf(edge).map(({ endpoint }) => (
            <div key={endpoint}>
              <code>{endpoint}</code>
            </div>
          ))}
        </div>
      </td>
      <td>
        <Tooltip label={meaning}>
          <span>
            <StateMark tone={tone} label={label} />
          </span>
        </Tooltip>
        <div className="w-dim w-small w-under-mark">
          {live.connected && (
            <>
              connected <RelativeTime at={live.connectedSince} />
            </>
          )}
          {condition === 'not-enrolled' && (
            <button type="button" className="w-link" onClick={() => onAction({ kind: 'enroll-edge', edge })}>
              Get its enrollment line
            </button>
          )}
        </div>
      </td>
      <td className="w-numeric">
        {live.applied === null ? <span className="w-dim">–</span> : `Revision ${live.applied.revision}`}
        {live.desired !== null && live.desired.revision !== live.applied?.revision && (
          <div className="w-dim w-small">should run {live.desired.revision}</div>
        )}
      </td>
      <td>
        <span className="w-state">
          {endsSoon && <ToneIcon tone="warning" size={14} />}
          <RelativeTime at={live.certificateNotAfter} />
        </span>
        {live.agentVersion !== null && <div className="w-dim w-small">agent {live.agentVersion}</div>}
      </td>
    </>
  );
}

function SiteMenu({ site, edges, onAction }: Pick<SiteRowProps, 'site' | 'edges' | 'onAction'>): ReactNode {
  return (
    <Menu position="bottom-end" width={210}>
      <Menu.Target>
        <ActionIcon aria-label={`Actions for ${site.name}`}>
          <MoreIcon size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<EditIcon size={15} />} onClick={() => onAction({ kind: 'edit-site', site })}>
          Edit site
        </Menu.Item>
        <Menu.Item leftSection={<PlusIcon size={15} />} onClick={() => onAction({ kind: 'add-network', site })}>
          Add network
        </Menu.Item>
        {edges.length === 0 && (
          <Menu.Item leftSection={<PlusIcon size={15} />} onClick={() => onAction({ kind: 'add-edge', site })}>
            Add edge
          </Menu.Item>
        )}
        {edges.map((edge) => (
          <EdgeMenuItems key={edge.id} edge={edge} onAction={onAction} />
        ))}
        <Menu.Divider />
        <Menu.Item
          color="red"
          leftSection={<DeleteIcon size={15} />}
          onClick={() => onAction({ kind: 'delete-site', site })}
        >
          Delete site
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function EdgeMenuItems({
  edge,
  onAction,
}: {
  readonly edge: Edge;
  readonly onAction: SiteRowProps['onAction'];
}): ReactNode {
  return (
    <>
      <Menu.Divider />
      <Menu.Label>{edge.name}</Menu.Label>
      <Menu.Item leftSection={<EnrollIcon size={15} />} onClick={() => onAction({ kind: 'enroll-edge', edge })}>
        {edge.live.enrolledAt === null ? 'Enroll' : 'Enroll again'}
      </Menu.Item>
      <Menu.Item leftSection={<EditIcon size={15} />} onClick={() => onAction({ kind: 'edit-edge', edge })}>
        Edit edge
      </Menu.Item>
      <Menu.Item
        color="red"
        leftSection={<DeleteIcon size={15} />}
        onClick={() => onAction({ kind: 'delete-edge', edge })}
      >
        Delete edge
      </Menu.Item>
    </>
  );
}
