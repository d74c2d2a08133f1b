import { type ReactNode, useState } from 'react';
import type { Explanation } from '../../api/index.js';
import { Fact, Facts } from '../../ui/Facts.js';
import { PageHeader } from '../../ui/PageHeader.js';
import { StateMark } from '../../ui/StateMark.js';
import { HopFacts } from './components/HopFacts.js';
import { QuestionForm } from './components/QuestionForm.js';
import { placeText, VERDICTS } from './wording.js';

/** What becomes of a packet, and why: by the draft, or by any revision. */
export function ExplainPage(): ReactNode {
  const [answer, setAnswer] = useState<Explanation>();
  return (
    <>
      <PageHeader title="Explain" summary="What becomes of a packet, which rule says so, and who made it so" />
      <QuestionForm onAnswer={setAnswer} />
      <div aria-live="polite">{answer !== undefined && <Answer answer={answer} />}</div>
    </>
  );
}

function Answer({ answer }: { readonly answer: Explanation }): ReactNode {
  const { packet, verdict, detail, source, destination, rule, hops, revision, ruleSince } = answer;
  const { tone, label } = VERDICTS[verdict];
  return (
    <div className="w-answer" data-verdict={verdict}>
      <h2>
        <code>{packet.text}</code>
      </h2>
      <Facts>
        <Fact name="Verdict">
          <StateMark tone={tone} label={label} />
        </Fact>
        <Fact name="Why">{detail}</Fact>
        <Fact name="By">{revision === null ? 'the draft' : `revision ${revision.number}`}</Fact>
        <Fact name="Sites">
          {placeText(source)} → {placeText(destination)}
        </Fact>
        <Fact name="Rule">
          {rule === null
            ? 'none'
            : `${rule.action}: “${rule.ruleName}” of policy “${rule.policyName}”, number ${rule.position} of those in force`}
          {rule !== null &&
            rule.namedServices.length > 0 &&
            `, as ${rule.namedServices.map(({ name }) => `“${name}”`).join(' and ')}`}
        </Fact>
        {ruleSince !== null && (
          <Fact name="Made so by">
            {ruleSince.author} with revision {ruleSince.number}
            {ruleSince.comment !== '' && `: ${ruleSince.comment}`}
          </Fact>
        )}
      </Facts>
      {hops.map((hop) => (
        <HopFacts key={`${hop.from.id} ${hop.to.id}`} hop={hop} />
      ))}
    </div>
  );
}
