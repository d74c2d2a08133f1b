import type { ReactNode } from 'react';
import type { FlowChange, IntentChange, RevisionDiff, TunnelChange } from '../../../api/index.js';
import { plural } from '../../../lib/format-quantity.js';
import { type FieldWords, fieldWords, namesOf } from '../field-words.js';
import { flowWords, intentWords, radiusWords } from '../wording.js';
import { AffectedEdges } from './AffectedEdges.js';

/** What a revision changes: in numbers, in traffic, in tunnels and edges, and in what people wrote. */
export function DiffView({ diff }: { readonly diff: RevisionDiff }): ReactNode {
  const nameOf = namesOf(diff);
  return (
    <div className="w-diff">
      <Section title="In numbers" count={1}>
        <RadiusList diff={diff} />
      </Section>
      <Section title="Traffic" count={diff.flows.length}>
        <ul className="w-list">{diff.flows.map((flow) => flowItem(flow))}</ul>
      </Section>
      <Section title="Tunnels" count={diff.tunnels.length}>
        <ul className="w-list">{diff.tunnels.map((tunnel) => tunnelItem(tunnel))}</ul>
      </Section>
      <Section title="Edges" count={diff.affectedEdges.length}>
        <AffectedEdges edges={diff.affectedEdges} />
      </Section>
      <Section title="What was written" count={diff.intent.length}>
        <ul className="w-list">{diff.intent.map((change) => intentItem(change, nameOf))}</ul>
      </Section>
    </div>
  );
}

interface SectionProps {
  readonly title: string;
  readonly count: number;
  readonly children: ReactNode;
}

function Section({ title, count, children }: SectionProps): ReactNode {
  if (count === 0) return null;
  return (
    <section>
      <div className="w-label">{title}</div>
      {children}
    </section>
  );
}

function RadiusList({ diff }: { readonly diff: RevisionDiff }): ReactNode {
  const words = radiusWords(diff.blastRadius);
  if (words.length === 0) return <p className="w-none">No edge, no tunnel and no traffic changes.</p>;
  return (
    <ul className="w-list">
      {words.map((each) => (
        <li key={each}>{each}</li>
      ))}
    </ul>
  );
}

function flowItem(flow: FlowChange): ReactNode {
  const more = flow.sitePairs - 1;
  return (
    <li key={`${flow.change} ${flow.example.text}`} data-flow={flow.change}>
      <span className="w-strong">{flowWords(flow)}</span>
      <span className="w-push w-dim">
        {flow.sourceSite.name} → {flow.destinationSite.name}
        {more > 0 && ` and ${plural(more, 'other pair')}`}
      </span>
      <div className="w-application-reason">
        for example <code>{flow.example.text}</code>
      </div>
    </li>
  );
}

function tunnelItem({ change, ends }: TunnelChange): ReactNode {
  const title = ends.map(({ name }) => name).join(' – ');
  return (
    <li key={`${change} ${ends.map(({ id }) => id).join(' ')}`}>
      <span className="w-strong">{title}</span>
      <span className="w-push w-dim">{TUNNEL_CHANGES[change]}</span>
    </li>
  );
}

function intentItem(change: IntentChange, nameOf: (id: string) => string): ReactNode {
  return (
    <li key={`${change.noun} ${change.id}`}>
      <span className="w-strong">{intentWords(change)}</span>
      {change.change === 'changed' &&
        change.fields
          .flatMap((field) => fieldWords(change.noun, field, nameOf))
          .map((words) => (
            <div key={'sentence' in words ? words.sentence : words.label} className="w-application-reason">
              <FieldChange words={words} />
            </div>
          ))}
    </li>
  );
}

function FieldChange({ words }: { readonly words: FieldWords }): ReactNode {
  if ('sentence' in words) return `${words.label}: ${words.sentence}`;
  return (
    <>
      {words.label}: <del>{words.before}</del> <ins>{words.after}</ins>
    </>
  );
}

const TUNNEL_CHANGES = { added: 'comes', removed: 'goes', changed: 'is made anew' } as const;
