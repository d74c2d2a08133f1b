import { createWeftClient, type Problem, type ProblemEntry } from '@weft/contracts/rest';
import createQueryClient from 'openapi-react-query';
import { trackedFetch } from './contact.js';

/** The console's only door to the controller. Nothing else imports the contract, so every type here is generated. */
export type {
  Action,
  AddressPool,
  AddressPoolInput,
  AffectedEdge,
  ApiToken,
  Approval,
  AuditEntry,
  AuditLog,
  BlastRadius,
  BundleReference,
  BundleRejection,
  ChangePassword,
  CreateApiToken,
  CreateEdge,
  CreateExternalPeer,
  CreateInvitation,
  CreateNetwork,
  CreateSite,
  CreateUser,
  Draft,
  DropCounter,
  Edge,
  EdgeApplication,
  EdgeEvent,
  EnrollmentToken,
  ExplainedHop,
  Explanation,
  ExternalPeer,
  ExternalPeerImport,
  ExternalPeerImportResult,
  ExternalPeerSnippet,
  Finding,
  FlowChange,
  Group,
  GroupInput,
  IntentChange,
  Invitation,
  Member,
  NamedService,
  NamedServiceInput,
  Network,
  NewApiToken,
  NewTotp,
  NewWebhook,
  OwnInvitation,
  OwnSession,
  Policy,
  PolicyInput,
  PolicyTest,
  PolicyTestInput,
  Problem,
  ProblemEntry,
  Profile,
  ProfileInput,
  PublishResult,
  paths,
  RecoveryCodes,
  RemoveTotp,
  ReplaceExternalPeer,
  Revision,
  RevisionDetail,
  RevisionDiff,
  Rule,
  RuleInput,
  Selector,
  Service,
  Session,
  Site,
  SpdEntry,
  Tenant,
  Topology,
  TopologyInput,
  Totp,
  TrustDependent,
  TrustedItem,
  Tunnel,
  TunnelChange,
  TunnelEnd,
  TunnelStart,
  TunnelTraffic,
  UpdateEdge,
  UpdateSite,
  UpdateUser,
  User,
  Webhook,
  WebhookDelivery,
  WebhookInput,
} from '@weft/contracts/rest';

/** Same origin: the controller serves this page. */
export const client = createWeftClient({ baseUrl: '', fetch: trackedFetch });

/** Query options, typed by path. */
export const api = createQueryClient(client);

/** How long a live view may be behind the controller. */
export const LIVE_INTERVAL_MS = 1000;
/** Intent changes through people: a slower look is enough to notice a colleague's edit. */
export const INTENT_INTERVAL_MS = 5000;

interface Answer<Data> {
  readonly data?: Data;
  readonly error?: unknown;
  readonly response: Response;
}

/** The data of an answer; throws its Problem otherwise. */
export async function unwrap<Data>(answer: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await answer;
  if (!response.ok) throw error ?? new Error(`The controller answered ${response.status}.`);
  return data as Data;
}

/** Something is not any more as it was shown, and what was asked for would have overwritten what nobody has seen. */
export class Overtaken extends Error {}

/** What went wrong, in the controller's own words where it said any. */
export interface Failure {
  readonly title: string;
  readonly detail: string;
  readonly status: number | null;
  readonly requestId: string | null;
  readonly errors: readonly ProblemEntry[];
}

/** Reads a thrown value as a failure that a person can act on. */
export function failureOf(error: unknown): Failure {
  if (isProblem(error)) return error;
  const unsaid = { requestId: null, errors: [] };
  if (error instanceof Overtaken) return { title: 'Changed meanwhile', detail: error.message, status: 412, ...unsaid };
  const detail = error instanceof Error && error.message !== '' ? error.message : 'The connection failed.';
  return { title: 'The controller did not answer', detail, status: null, ...unsaid };
}

/** Whether the controller refused for the reason with this stable name. */
export function isProblemOf(error: unknown, code: string): boolean {
  return isProblem(error) && error.type === `urn:weft:problem:${code}`;
}

function isProblem(error: unknown): error is Problem {
  return typeof error === 'object' && error !== null && 'title' in error && 'detail' in error && 'errors' in error;
}
