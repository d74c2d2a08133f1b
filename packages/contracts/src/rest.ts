import createClient, { type Client, type ClientOptions } from 'openapi-fetch';
import type { components, operations, paths } from './gen/rest/schema.js';

/** The REST half of the contract: types generated from `openapi.json`, and a client that is typed by them. */
export type { components, operations, paths } from './gen/rest/schema.js';

type Schemas = components['schemas'];

export type Problem = Schemas['Problem'];
export type ProblemEntry = Schemas['ProblemEntry'];
export type Credentials = Schemas['Credentials'];
export type Session = Schemas['Session'];
export type OwnSession = Schemas['OwnSession'];
export type ChangePassword = Schemas['ChangePassword'];
export type User = Schemas['User'];
export type CreateUser = Schemas['CreateUser'];
export type UpdateUser = Schemas['UpdateUser'];
export type CreateInvitation = Schemas['CreateInvitation'];
export type Invitation = Schemas['Invitation'];
export type InvitationList = Schemas['InvitationList'];
export type OwnInvitation = Schemas['OwnInvitation'];
export type OwnInvitationList = Schemas['OwnInvitationList'];
export type Member = Schemas['Member'];
export type MemberList = Schemas['MemberList'];
export type Membership = Schemas['Membership'];
export type MembershipList = Schemas['MembershipList'];
export type Totp = Schemas['Totp'];
export type NewTotp = Schemas['NewTotp'];
export type RecoveryCodes = Schemas['RecoveryCodes'];
export type RemoveTotp = Schemas['RemoveTotp'];
export type Approval = Schemas['Approval'];
export type ApproveDraft = Schemas['ApproveDraft'];
export type ApiToken = Schemas['ApiToken'];
export type NewApiToken = Schemas['NewApiToken'];
export type CreateApiToken = Schemas['CreateApiToken'];
export type TrustDependent = Schemas['TrustDependent'];
export type TrustedItem = Schemas['TrustedItem'];
export type Tenant = Schemas['Tenant'];
export type CreateTenant = Schemas['CreateTenant'];
export type Site = Schemas['Site'];
export type CreateSite = Schemas['CreateSite'];
export type UpdateSite = Schemas['UpdateSite'];
export type Network = Schemas['Network'];
export type CreateNetwork = Schemas['CreateNetwork'];
export type Edge = Schemas['Edge'];
export type EdgeLive = Schemas['EdgeLive'];
export type BundleReference = Schemas['BundleReference'];
export type BundleRejection = Schemas['BundleRejection'];
export type DropCounter = Schemas['DropCounter'];
export type CreateEdge = Schemas['CreateEdge'];
export type UpdateEdge = Schemas['UpdateEdge'];
export type AddressPool = Schemas['AddressPool'];
export type AddressPoolInput = Schemas['AddressPoolInput'];
export type CreateExternalPeer = Schemas['CreateExternalPeer'];
export type ExternalPeer = Schemas['ExternalPeer'];
export type ExternalPeerImport = Schemas['ExternalPeerImport'];
export type ExternalPeerImportResult = Schemas['ExternalPeerImportResult'];
export type ExternalPeerSnippet = Schemas['ExternalPeerSnippet'];
export type ReplaceExternalPeer = Schemas['ReplaceExternalPeer'];
export type EnrollmentToken = Schemas['EnrollmentToken'];
export type Group = Schemas['Group'];
export type GroupInput = Schemas['GroupInput'];
export type NamedService = Schemas['NamedService'];
export type NamedServiceInput = Schemas['NamedServiceInput'];
export type Topology = Schemas['Topology'];
export type TopologyInput = Schemas['TopologyInput'];
export type Policy = Schemas['Policy'];
export type PolicyInput = Schemas['PolicyInput'];
export type PolicyOrder = Schemas['PolicyOrder'];
export type Rule = Schemas['Rule'];
export type RuleInput = Schemas['RuleInput'];
export type Action = Schemas['Action'];
export type Selector = Schemas['Selector'];
export type Profile = Schemas['Profile'];
export type ProfileInput = Schemas['ProfileInput'];
export type Service = Schemas['Service'];
export type PortRange = Schemas['PortRange'];
export type Revision = Schemas['Revision'];
export type RevisionDetail = Schemas['RevisionDetail'];
export type EdgeApplication = Schemas['EdgeApplication'];
export type AffectedEdge = Schemas['AffectedEdge'];
export type AuditEntry = Schemas['AuditEntry'];
export type AuditLog = Schemas['AuditLog'];
export type BlastRadius = Schemas['BlastRadius'];
export type Configuration = Schemas['Configuration'];
export type ImportResult = Schemas['ImportResult'];
export type EdgeEvent = Schemas['EdgeEvent'];
export type EdgeEventList = Schemas['EdgeEventList'];
export type FabricEvent = Schemas['FabricEvent'];
export type EventStreamGap = Schemas['EventStreamGap'];
export type EventStreamEnd = Schemas['EventStreamEnd'];
export type Webhook = Schemas['Webhook'];
export type NewWebhook = Schemas['NewWebhook'];
export type WebhookInput = Schemas['WebhookInput'];
export type WebhookDelivery = Schemas['WebhookDelivery'];
export type ExplainedHop = Schemas['ExplainedHop'];
export type SpdEntry = Schemas['SpdEntry'];
export type Explanation = Schemas['Explanation'];
export type Finding = Schemas['Finding'];
export type FlowChange = Schemas['FlowChange'];
export type IntentChange = Schemas['IntentChange'];
export type PolicyTest = Schemas['PolicyTest'];
export type PolicyTestInput = Schemas['PolicyTestInput'];
export type RevisionDiff = Schemas['RevisionDiff'];
export type TunnelChange = Schemas['TunnelChange'];
export type Publish = Schemas['Publish'];
export type PublishResult = Schemas['PublishResult'];
export type Draft = Schemas['Draft'];
export type Tunnel = Schemas['Tunnel'];
export type TunnelEnd = Schemas['TunnelEnd'];
export type TunnelStart = Schemas['TunnelStart'];
export type TunnelTraffic = Schemas['TunnelTraffic'];

/** Stable names of the operations, as the document spells them. */
export type OperationId = keyof operations;

export type WeftClient = Client<paths>;

/** `baseUrl` is the origin of the controller, for example `https://weft.example`; empty in a browser that it serves. */
export type WeftClientOptions = Pick<ClientOptions, 'baseUrl' | 'fetch' | 'headers' | 'credentials'>;

/**
 * A client whose paths, parameters, bodies and answers are checked against the contract by the compiler.
 * Every call answers `{ data, response }` or `{ error, response }`, where `error` is a Problem; it throws only when
 * the controller cannot be reached.
 */
export function createWeftClient(options: WeftClientOptions = {}): WeftClient {
  return createClient<paths>({ credentials: 'same-origin', ...options });
}
