import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { NamedService, Policy } from '../../../api/index.js';
import { compareNames, matchesFilter } from '../../../lib/compare.js';
import { plural } from '../../../lib/format-quantity.js';
import { FilterInput } from '../../../ui/FilterInput.js';
import { DeleteIcon, EditIcon, MoreIcon } from '../../../ui/icons.js';
import { describeService } from '../../policies/describe.js';
import { rulesNaming } from '../service-form.js';

/** What a row asks its page to open. */
export interface ServiceAction {
  readonly kind: 'edit' | 'delete';
  readonly service: NamedService;
}

interface ServiceTableProps {
  readonly services: readonly NamedService[];
  readonly policies: readonly Policy[];
  readonly onAction: (action: ServiceAction) => void;
}

/** Named services with what they are of, and the rules that name them. */
export function ServiceTable({ services, policies, onAction }: ServiceTableProps): ReactNode {
  const [filter, setFilter] = useState('');
  const rows = services
    .map((service) => ({
      service,
      lines: service.services.map(describeService),
      rules: rulesNaming(service.id, policies),
    }))
    .filter(({ service: { name, description }, lines, rules }) =>
      matchesFilter(filter, [name, description, ...lines, ...rules]),
    )
    .sort((a, b) => compareNames(a.service.name, b.service.name));
  return (
    <>
      <div className="w-toolbar">
        <FilterInput value={filter} onChange={setFilter} placeholder="Filter by name, port or rule" />
      </div>
      {rows.length === 0 ? (
        <p className="w-none">No service matches. Clear the filter to see all {services.length}.</p>
      ) : (
        <table className="w-table">
          <thead>
            <tr>
              <th>Service</th>
              <th>Protocols and ports</th>
              <th>Named by</th>
              <th aria-label="Actions" />
            </tr>
          </thead>
          <tbody>
            {rows.map(({ service, lines, rules }) => (
              <tr key={service.id} data-service={service.name}>
                <td>
                  <div className="w-strong">{service.name}</div>
                  {service.description !== '' && <div className="w-dim w-small w-clip">{service.description}</div>}
                </td>
                <td className="w-wrap">
                  <div className="w-chips">
                    {[...new Set(lines)].map((line) => (
                      <span key={line} className="w-chip">
                        {line}
                      </span>
                    ))}
                  </div>
                </td>
                <td>
                  <Rules rules={rules} />
                </td>
                <td className="w-right">
                  <ServiceMenu service={service} onAction={onAction} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function Rules({ rules }: { readonly rules: readonly string[] }): ReactNode {
  if (rules.length === 0) return <span className="w-dim">no rule</span>;
  return (
    <Tooltip label={rules.join('; ')} multiline maw={420}>
      <span>{plural(rules.length, 'rule')}</span>
    </Tooltip>
  );
}

function ServiceMenu({
  service,
  onAction,
}: { readonly service: NamedService } & Pick<ServiceTableProps, 'onAction'>): ReactNode {
  return (
    <Menu position="bottom-end" width={190}>
      <Menu.Target>
        <ActionIcon aria-label={`Actions for ${service.name}`}>
          <MoreIcon size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<EditIcon size={15} />} onClick={() => onAction({ kind: 'edit', service })}>
          Edit service
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item
          color="red"
          leftSection={<DeleteIcon size={15} />}
          onClick={() => onAction({ kind: 'delete', service })}
        >
          Delete service
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
