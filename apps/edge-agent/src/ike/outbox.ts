import { Fifo } from '@weft/ipsec-core/ike';

export interface OutboxRules<T> {
  /** It takes its time: what comes after it waits for its end. */
  readonly isWork: (item: T) => boolean;
  /** It may be under way together with others of which this holds, too. */
  readonly mayRunBeside: (item: T) => boolean;
  /** Never rejects. */
  readonly begin: (item: T) => Promise<void>;
  readonly carryOut: (item: T) => void;
}

/**
 * Things to be done in their order. Work is begun in its order, several at a time where that is allowed, so that whoever
 * does it has not to be waited for once for each; nothing is carried out before all work ahead of it has ended.
 */
export class Outbox<T> {
  readonly #rules: OutboxRules<T>;
  readonly #steps = new Fifo<Step<T>>();
  /** Work that is not begun yet. */
  readonly #unbegun = new Fifo<Step<T>>();
  #underWay = 0;
  #besideOthers = true;
  #settled: (() => void)[] = [];

  constructor(rules: OutboxRules<T>) {
    this.#rules = rules;
  }

  /** Steps that are not done. */
  get length(): number {
    return this.#steps.length;
  }

  push(item: T): void {
    const step: Step<T> = { item, isWork: this.#rules.isWork(item), ended: false };
    this.#steps.push(step);
    if (step.isWork) this.#unbegun.push(step);
  }

  /** Does what can be done now; the rest follows when the work that it waits for has ended. */
  flush(): void {
    this.#begin();
    for (let head = this.#steps.first(); head !== undefined; head = this.#steps.first()) {
      if (head.isWork && !head.ended) return;
      this.#steps.shift();
      if (!head.isWork) this.#rules.carryOut(head.item);
    }
    for (const resolve of this.#settled.splice(0)) resolve();
  }

  /** When everything that was pushed so far is done. */
  settled(): Promise<void> {
    if (this.#steps.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#settled.push(resolve));
  }

  #begin(): void {
    for (let next = this.#unbegun.first(); next !== undefined; next = this.#unbegun.first()) {
      const step = next;
      const beside = this.#rules.mayRunBeside(step.item);
      const free = this.#underWay === 0 || (beside && this.#besideOthers && this.#underWay < MAXIMUM_UNDER_WAY);
      if (!free) return;
      this.#unbegun.shift();
      this.#underWay++;
      this.#besideOthers = beside;
      void this.#rules.begin(step.item).finally(() => {
        this.#underWay--;
        step.ended = true;
        this.flush();
      });
    }
  }
}

interface Step<T> {
  readonly item: T;
  readonly isWork: boolean;
  ended: boolean;
}

/** Half of what the packet path lets wait. */
const MAXIMUM_UNDER_WAY = 32;
