import { Combobox, Pill, PillsInput, useCombobox } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { Selector } from '../../../api/index.js';
import { matchesFilter } from '../../../lib/compare.js';
import { describeSelector, type Names, selectorKey } from '../describe.js';

interface SelectorInputProps {
  readonly label: string;
  readonly value: readonly Selector[];
  readonly names: Names;
  readonly error: ReactNode;
  readonly onChange: (value: Selector[]) => void;
}

interface Choice {
  readonly group: string;
  readonly selector: Selector;
}

/** Looks like an address: worth offering as a prefix. The controller decides whether it is one. */
const ADDRESS_LIKE = /^(?=.*[.:])[0-9a-f.:]+(\/\d{0,3})?$/i;

/** Chooses an end of a rule: any, groups, sites, networks, address pools, external peers, or a prefix typed in. */
export function SelectorInput({ label, value, names, error, onChange }: SelectorInputProps): ReactNode {
  const [search, setSearch] = useState('');
  const combobox = useCombobox({ onDropdownOpen: () => combobox.selectFirstOption() });
  const chosen = new Set(value.map(selectorKey));
  const choices = choicesFor(search.trim(), names).filter(({ selector }) => !chosen.has(selectorKey(selector)));
  const add = (selector: Selector): void => {
    const others = selector.kind === 'any' ? [] : value.filter(({ kind }) => kind !== 'any');
    onChange([...others, selector]);
    setSearch('');
  };
  const remove = (key: string): void => onChange(value.filter((selector) => selectorKey(selector) !== key));
  return (
    <Combobox
      store={combobox}
      onOptionSubmit={(key) => {
        const choice = choices.find(({ selector }) => selectorKey(selector) === key);
        if (choice !== undefined) add(choice.selector);
        // Open, it would cover the next field.
        combobox.closeDropdown();
      }}
    >
      <Combobox.DropdownTarget>
        <PillsInput label={label} error={error} onClick={() => combobox.openDropdown()}>
          <Pill.Group>
            {value.map((selector) => (
              <Pill
                key={selectorKey(selector)}
                withRemoveButton
                onRemove={() => remove(selectorKey(selector))}
                removeButtonProps={{ 'aria-label': `Remove ${describeSelector(selector, names)}` }}
              >
                {describeSelector(selector, names)}
              </Pill>
            ))}
            <Combobox.EventsTarget>
              <PillsInput.Field
                aria-label={label}
                value={search}
                placeholder={
                  value.length === 0 ? 'any, a group, a site, a network, a pool, a peer, or type a prefix' : ''
                }
                onFocus={() => combobox.openDropdown()}
                onBlur={() => combobox.closeDropdown()}
                onChange={(event) => {
                  setSearch(event.currentTarget.value);
                  combobox.openDropdown();
                  combobox.updateSelectedOptionIndex();
                }}
                onKeyDown={(event) => {
                  const last = value.at(-1);
                  if (event.key === 'Backspace' && search === '' && last !== undefined) remove(selectorKey(last));
                }}
              />
            </Combobox.EventsTarget>
          </Pill.Group>
        </PillsInput>
      </Combobox.DropdownTarget>
      <Combobox.Dropdown>
        <Combobox.Options mah={240} style={{ overflowY: 'auto' }}>
          {['', 'Prefix', 'Groups', 'Sites', 'Networks', 'Address pools', 'External peers'].map((group) => (
            <ChoiceGroup key={group} group={group} choices={choices} names={names} />
          ))}
          {choices.length === 0 && (
            <Combobox.Empty>Nothing has this name. Type a prefix such as 10.1.0.0/16.</Combobox.Empty>
          )}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}

interface ChoiceGroupProps {
  readonly group: string;
  readonly choices: readonly Choice[];
  readonly names: Names;
}

function ChoiceGroup({ group, choices, names }: ChoiceGroupProps): ReactNode {
  const options = choices
    .filter((choice) => choice.group === group)
    .map(({ selector }) => (
      <Combobox.Option key={selectorKey(selector)} value={selectorKey(selector)}>
        {describeSelector(selector, names)}
      </Combobox.Option>
    ));
  if (options.length === 0) return null;
  return group === '' ? options : <Combobox.Group label={group}>{options}</Combobox.Group>;
}

function choicesFor(search: string, names: Names): Choice[] {
  const all: Choice[] = [
    { group: '', selector: { kind: 'any' } },
    ...names.groups.map(({ id }): Choice => ({ group: 'Groups', selector: { kind: 'group', groupId: id } })),
    ...names.sites.map(({ id }): Choice => ({ group: 'Sites', selector: { kind: 'site', siteId: id } })),
    ...names.networks.map(({ id }): Choice => ({ group: 'Networks', selector: { kind: 'network', networkId: id } })),
    ...names.addressPools.map(
      ({ id }): Choice => ({ group: 'Address pools', selector: { kind: 'address_pool', addressPoolId: id } }),
    ),
    ...names.externalPeers.map(
      ({ id }): Choice => ({ group: 'External peers', selector: { kind: 'external_peer', externalPeerId: id } }),
    ),
  ];
  const found = all.filter(({ selector }) => matchesFilter(search, [describeSelector(selector, names)]));
  if (!ADDRESS_LIKE.test(search)) return found;
  return [{ group: 'Prefix', selector: { kind: 'prefix', prefix: search } }, ...found];
}
