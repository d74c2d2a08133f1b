import { ActionIcon, Menu } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { Policy, Profile } from '../../../api/index.js';
import { compareNames, matchesFilter } from '../../../lib/compare.js';
import { FilterInput } from '../../../ui/FilterInput.js';
import { CheckIcon, DeleteIcon, EditIcon, MoreIcon } from '../../../ui/icons.js';
import type { Names } from '../../policies/describe.js';
import { usesOf } from '../uses.js';
import {
  espText,
  ikeText,
  lifetimeText,
  PRODUCT_NAME,
  type ProfileParameters,
  parametersOf,
  rekeyText,
} from '../wording.js';
import { ProfileUses } from './ProfileUses.js';

/** What a row asks its page to open; null: the profile of the product. */
export type ProfileAction =
  | { readonly kind: 'edit' | 'delete'; readonly profile: Profile }
  | { readonly kind: 'default'; readonly profile: Profile | null };

interface ProfileTableProps {
  readonly profiles: readonly Profile[];
  /** The default one; null: that of the product. */
  readonly standard: string | null;
  readonly policies: readonly Policy[];
  readonly names: Names;
  readonly mayChooseDefault: boolean;
  readonly onAction: (action: ProfileAction) => void;
}

/** Profiles with their algorithms and the rules that have them; that of the product is the first. */
export function ProfileTable(props: ProfileTableProps): ReactNode {
  const { profiles, standard, policies, names } = props;
  const [filter, setFilter] = useState('');
  const named = [...profiles].sort((a, b) => compareNames(a.name, b.name));
  const rows = [null, ...named]
    .map((profile) => ({ profile, uses: usesOf(profile?.id ?? null, standard, policies, names) }))
    .filter(({ profile, uses }) => {
      const { esp, ike, childKeyExchange } = parametersOf(profile);
      const said = [profile?.name ?? PRODUCT_NAME, profile?.description ?? '', espText(esp), ikeText(ike)];
      return matchesFilter(filter, [...said, rekeyText(childKeyExchange), ...uses.map(({ rule }) => rule)]);
    });
  return (
    <>
      <div className="w-toolbar">
        <FilterInput value={filter} onChange={setFilter} placeholder="Filter by name, algorithm or rule" />
      </div>
      {rows.length === 0 ? (
        <p className="w-none">No profile matches. Clear the filter to see all {profiles.length + 1}.</p>
      ) : (
        <table className="w-table w-profiles">
          <thead>
            <tr>
              <th>Profile</th>
              <th>Algorithms</th>
              <th>Lifetimes</th>
              <th>Rules and whom they let talk</th>
              <th aria-label="Actions" />
            </tr>
          </thead>
          <tbody>
            {rows.map(({ profile, uses }) => (
              <tr key={profile?.id ?? ''} data-profile={profile?.name ?? PRODUCT_NAME}>
                <td>
                  <Title profile={profile} standard={standard === (profile?.id ?? null)} />
                </td>
                <td className="w-wrap">
                  <Algorithms parameters={parametersOf(profile)} />
                </td>
                <td>
                  <Lifetimes parameters={parametersOf(profile)} />
                </td>
                <td className="w-wrap">
                  <ProfileUses uses={uses} />
                </td>
                <td className="w-right">
                  <ProfileMenu {...props} profile={profile} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function Title({ profile, standard }: { readonly profile: Profile | null; readonly standard: boolean }): ReactNode {
  const description = profile?.description ?? 'Of the product';
  return (
    <>
      <div className="w-strong">
        {profile?.name ?? PRODUCT_NAME}
        {standard && <span className="w-tag">default</span>}
      </div>
      {description !== '' && <div className="w-dim w-small w-clip">{description}</div>}
    </>
  );
}

function Algorithms({ parameters }: { readonly parameters: ProfileParameters }): ReactNode {
  const { esp, ike, childKeyExchange } = parameters;
  return (
    <dl className="w-algorithms">
      <dt>ESP</dt>
      <dd>{espText(esp)}</dd>
      <dt>IKE</dt>
      <dd>{ikeText(ike)}</dd>
      <dt>Rekey</dt>
      <dd>{rekeyText(childKeyExchange)}</dd>
    </dl>
  );
}

function Lifetimes({ parameters }: { readonly parameters: ProfileParameters }): ReactNode {
  return (
    <dl className="w-algorithms">
      <dt>Child SA</dt>
      <dd>{lifetimeText(parameters.childLifetimeSeconds)}</dd>
      <dt>IKE SA</dt>
      <dd>{lifetimeText(parameters.ikeLifetimeSeconds)}</dd>
    </dl>
  );
}

type ProfileMenuProps = { readonly profile: Profile | null } & Pick<
  ProfileTableProps,
  'standard' | 'mayChooseDefault' | 'onAction'
>;

function ProfileMenu({ profile, standard, mayChooseDefault, onAction }: ProfileMenuProps): ReactNode {
  const choosable = mayChooseDefault && standard !== (profile?.id ?? null);
  if (profile === null && !choosable) return null;
  return (
    <Menu position="bottom-end" width={190}>
      <Menu.Target>
        <ActionIcon aria-label={`Actions for ${profile?.name ?? PRODUCT_NAME}`}>
          <MoreIcon size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {profile !== null && (
          <Menu.Item leftSection={<EditIcon size={15} />} onClick={() => onAction({ kind: 'edit', profile })}>
            Edit profile
          </Menu.Item>
        )}
        {choosable && (
          <Menu.Item leftSection={<CheckIcon size={15} />} onClick={() => onAction({ kind: 'default', profile })}>
            Make default
          </Menu.Item>
        )}
        {profile !== null && (
          <>
            <Menu.Divider />
            <Menu.Item
              color="red"
              leftSection={<DeleteIcon size={15} />}
              onClick={() => onAction({ kind: 'delete', profile })}
            >
              Delete profile
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
