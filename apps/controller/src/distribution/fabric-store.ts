import { Injectable } from '@nestjs/common';
import type { CompileProblem } from '@weft/fabric-compiler';
import { Compiler } from '../compiler/compiler.js';
import type { CompiledBundle, CompiledBundles } from '../compiler/compiler-job.js';
import { KeySharesRepository } from '../key-shares/key-shares.repository.js';
import type { SqlExecutor } from '../platform/database/connection-options.js';
import { Database } from '../platform/database/database.js';
import { installationScope, tenantScope } from '../platform/database/database-scope.js';
import type { BundleContent } from './bundle-content.js';
import type { DecodedBundle } from './decoded-bundles.js';
import {
  type DesiredBundle,
  type EdgeAssignment,
  newestAssignment,
  type RecordedRejection,
} from './edge-assignment.js';
import { type BundleSource, EdgeBundlesRepository, sameSource } from './edge-bundles.repository.js';
import { blindTunnelIds } from './fabric-tunnels.js';
import { PreSharedKeys } from './pre-shared-keys.js';
import { type AgentTakes, TAKES_EVERYTHING, takenByAgent } from './taken-bundle.js';

/** The newest revision does not compile; the desired state stays as it was. */
export class RevisionRefusedError extends Error {
  override readonly name = 'RevisionRefusedError';
  readonly code = 'revision_refused';

  constructor(
    readonly tenantId: string,
    readonly revision: number,
    readonly problems: readonly CompileProblem[],
  ) {
    const first = problems[0];
    super(
      `revision ${revision} of tenant ${tenantId} does not compile: ${first?.pointer} ${first?.detail} ${first?.fix} ` +
        '(edges keep their bundles; publish a corrected revision)',
    );
  }
}

/**
 * What every edge should run, in memory as it stands in the table. A read or a compilation that fails changes
 * nothing: the table and the memory keep the previous state whole.
 */
@Injectable()
export class FabricStore {
  readonly #database: Database;
  readonly #repository: EdgeBundlesRepository;
  readonly #compiler: Compiler;
  readonly #keys: PreSharedKeys;
  readonly #shares: KeySharesRepository;
  readonly #byEdge = new Map<string, EdgeAssignment>();
  readonly #byTenant = new Map<string, readonly string[]>();
  /** By edge, what its agent takes. */
  readonly #takes = new Map<string, AgentTakes>();
  /** By tenant, the edges that are revoked. */
  readonly #revoked = new Map<string, ReadonlySet<string>>();
  /** What the bundles of each tenant were made from here. */
  readonly #compiled = new Map<string, BundleSource>();

  constructor(
    database: Database,
    repository: EdgeBundlesRepository,
    compiler: Compiler,
    keys: PreSharedKeys,
    shares: KeySharesRepository,
  ) {
    this.#database = database;
    this.#repository = repository;
    this.#compiler = compiler;
    this.#keys = keys;
    this.#shares = shares;
  }

  /** As the agent of the edge takes it. */
  assignment(edgeId: string): EdgeAssignment | undefined {
    const assignment = this.#byEdge.get(edgeId);
    return assignment && takenByAgent(assignment, this.#takes.get(edgeId) ?? TAKES_EVERYTHING);
  }

  /** What the agent of an edge takes, as it said last. */
  agentTakes(edgeId: string, takes: AgentTakes): void {
    this.#takes.set(edgeId, takes);
  }

  assignmentsOf(tenantId: string): readonly EdgeAssignment[] {
    const ids = this.#byTenant.get(tenantId) ?? [];
    return ids.flatMap((edgeId) => this.assignment(edgeId) ?? []);
  }

  /** Edges of the tenant that are revoked, as far as bundles were made without them. */
  revokedEdges(tenantId: string): ReadonlySet<string> {
    return this.#revoked.get(tenantId) ?? NONE;
  }

  compiledFrom(tenantId: string): BundleSource | undefined {
    return this.#compiled.get(tenantId);
  }

  /** Reads the stored state of all tenants. */
  load(): Promise<readonly string[]> {
    return this.#database.within(DISTRIBUTION, () => this.#load());
  }

  async #load(): Promise<readonly string[]> {
    const tenants = await this.#repository.tenants(this.#database.sql);
    for (const tenantId of tenants) {
      this.#revoked.set(tenantId, (await this.#repository.distrusted(this.#database.sql, tenantId)).edgeIds);
      await this.#keys.load(this.#database.sql, tenantId);
      this.#replace(tenantId, await this.#repository.assignments(this.#database.sql, tenantId));
    }
    return tenants;
  }

  /** Calls `heard` when any controller has stored a revision, or revoked a certificate; a hint that may be lost. */
  onRevision(heard: () => void): Promise<void> {
    return this.#database.listen('weft_revision', heard);
  }

  newestSources(): Promise<ReadonlyMap<string, BundleSource>> {
    return this.#database.within(DISTRIBUTION, () => this.#repository.newestSources(this.#database.sql));
  }

  /** Which of the certificates (by serial) are in force. */
  certificatesInForce(serials: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#database.within(DISTRIBUTION, () => this.#repository.certificatesInForce(this.#database.sql, serials));
  }

  /** Compiles the newest revision of a tenant, without edges that are revoked, and makes it desired. Throws RevisionRefusedError or CompilerFailure. */
  compileNewest(tenantId: string): Promise<void> {
    return this.#database.within(tenantScope(tenantId), () => this.#compileNewest(tenantId));
  }

  async #compileNewest(tenantId: string): Promise<void> {
    let known = this.#hashesOf(tenantId);
    for (;;) {
      const before = new Map(this.#byEdge);
      const { sql } = this.#database;
      // Before what follows from it: what changes meanwhile is found out below.
      const source = await this.#repository.newestSource(sql, tenantId);
      const revision = await this.#repository.newestRevision(sql, tenantId);
      if (revision === undefined) return;
      await this.#keys.load(sql, tenantId);
      const { edgeIds, serials } = await this.#repository.distrusted(sql, tenantId);
      const edges = revision.intent.edges.filter(({ id }) => !edgeIds.has(id));
      const compiled = await this.#compiler.bundles({ ...revision.intent, edges }, serials, known);
      if (!compiled.ok) throw new RevisionRefusedError(tenantId, revision.number, compiled.problems);
      const read = await this.#database.transaction((transaction) =>
        this.#makeDesired(transaction, tenantId, source, compiled, known),
      );
      // Another revision was published meanwhile, or something revoked: that is the newest now. Or what was known here is not stored.
      if (read === undefined) {
        known = new Map();
        continue;
      }
      const assignments = read.map((each) =>
        newestAssignment(each, before.get(each.edgeId), this.#byEdge.get(each.edgeId)),
      );
      this.#revoked.set(tenantId, edgeIds);
      this.#replace(tenantId, assignments);
      this.#compiled.set(tenantId, source);
      return;
    }
  }

  /** The edge runs this bundle, which was desired when it was sent. */
  async recordApplied(edgeId: string, bundle: DesiredBundle): Promise<void> {
    const assignment = this.#byEdge.get(edgeId);
    if (assignment === undefined) return;
    this.#byEdge.set(edgeId, { ...assignment, applied: bundle, rejection: undefined });
    await this.#forTenantOf(assignment, (sql) => this.#repository.recordApplied(sql, assignment, bundle));
  }

  /** Remembers why the edge refused what was sent to it. */
  async recordRejection(edgeId: string, rejection: RecordedRejection): Promise<void> {
    const assignment = this.#byEdge.get(edgeId);
    if (assignment === undefined) return;
    this.#byEdge.set(edgeId, { ...assignment, rejection });
    await this.#forTenantOf(assignment, (sql) => this.#repository.recordRejection(sql, assignment, rejection));
  }

  /** The edge has seen this generation with other content: what is desired gets a higher one. */
  async raiseGeneration(edgeId: string, above: bigint): Promise<void> {
    const assignment = this.#byEdge.get(edgeId);
    if (assignment === undefined || assignment.desired.generation > above) return;
    await this.#forTenantOf(assignment, (sql) => this.#repository.raiseGeneration(sql, assignment, above));
    const current = this.#byEdge.get(edgeId);
    if (current === undefined || current.desired.generation > above) return;
    this.#byEdge.set(edgeId, { ...current, desired: { ...current.desired, generation: above + 1n } });
  }

  #forTenantOf<T>({ tenantId }: EdgeAssignment, work: (sql: SqlExecutor) => Promise<T>): Promise<T> {
    return this.#database.within(tenantScope(tenantId), () => work(this.#database.sql));
  }

  /** Undefined, and nothing is changed, when the source is not the newest any more. */
  async #makeDesired(
    sql: SqlExecutor,
    tenantId: string,
    source: BundleSource,
    { bundles, unchanged }: CompiledBundles,
    known: ReadonlyMap<string, Buffer>,
  ): Promise<readonly EdgeAssignment[] | undefined> {
    await this.#repository.lockTenant(sql, tenantId);
    if (!sameSource(source, await this.#repository.newestSource(sql, tenantId))) return undefined;
    const { revision } = source;
    const kept = new Map(unchanged.map((edgeId) => [edgeId, known.get(edgeId) ?? NO_HASH]));
    if (!(await this.#repository.keepDesired(sql, tenantId, revision, kept))) return undefined;
    for (const { edgeId, ...content } of bundles) {
      await this.#repository.storeDesired(sql, { tenantId, edgeId, revision }, contentOf(content));
    }
    await this.#repository.retainOnly(sql, tenantId, revision, [...unchanged, ...bundles.map(({ edgeId }) => edgeId)]);
    await this.#repository.forgetAgreedRefusals(sql, tenantId);
    const assignments = await this.#repository.assignments(sql, tenantId, this.#contentsOf(tenantId));
    await this.#shares.retainOnly(sql, tenantId, blindTunnelIds(assignments));
    return assignments;
  }

  /** What edges should run, as far as it is in memory, by hash in hexadecimal. */
  #contentsOf(tenantId: string): ReadonlyMap<string, DecodedBundle> {
    return new Map(
      this.#inMemory(tenantId).map(({ desired: { hash, octets, bundle } }) => [
        hash.toString('hex'),
        { octets, bundle },
      ]),
    );
  }

  /** Its hash, by edge. */
  #hashesOf(tenantId: string): ReadonlyMap<string, Buffer> {
    return new Map(this.#inMemory(tenantId).map(({ edgeId, desired }) => [edgeId, desired.hash]));
  }

  #inMemory(tenantId: string): readonly EdgeAssignment[] {
    return (this.#byTenant.get(tenantId) ?? []).flatMap((edgeId) => this.#byEdge.get(edgeId) ?? []);
  }

  #replace(tenantId: string, assignments: readonly EdgeAssignment[]): void {
    const before = this.#byTenant.get(tenantId) ?? [];
    for (const edgeId of before) this.#byEdge.delete(edgeId);
    for (const assignment of assignments) this.#byEdge.set(assignment.edgeId, assignment);
    for (const edgeId of before) if (!this.#byEdge.has(edgeId)) this.#takes.delete(edgeId);
    this.#byTenant.set(
      tenantId,
      assignments.map(({ edgeId }) => edgeId),
    );
  }
}

const NONE: ReadonlySet<string> = new Set();
/** Of no content. */
const NO_HASH = Buffer.alloc(0);
const DISTRIBUTION = installationScope('distribution');

/** What crosses between threads arrives as plain octets. */
function contentOf({ octets, hash }: Omit<CompiledBundle, 'edgeId'>): BundleContent {
  return { octets: bufferOf(octets), hash: bufferOf(hash) };
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
